"""Rows of attributes."""

from snellen.metrics._row import MetricRow


def _attribute(
    name: str,
    title: str,
    citation: str,
    high: float | None,
    note: str,
) -> MetricRow:
    return MetricRow(
        name, title, citation, "attribute", readout=name, kind="attribute", lower_better=None,
        range=(0.0, high), note=note,
    )  # fmt: skip


ATTRIBUTE_ROWS = (
    _attribute(
        "complexity",
        "How much there is to see: entropy of gradients over four octaves, in bits",
        "Snellen: own definition",
        6.0,
        "noise counts as complexity too",
    ),
    _attribute(
        "colorfulness",
        "How colourful: spread and mean of two opponent channels, 0 (grey) to above 100",
        "Hasler, Suesstrunk. Measuring Colorfulness in Natural Images. SPIE HVEI VIII, 2003",
        None,
        "M3 of the paper, on sRGB values of 0 to 255",
    ),
    _attribute(
        "sharpness",
        "Share of edges whose blur cannot be seen (CPBD)",
        "Narvekar, Karam. A No-Reference Image Blur Metric Based on the Cumulative Probability of "
        "Blur Detection (CPBD). IEEE TIP 20(9), 2011",
        1.0,
        "vertical Sobel edges; 0 where an image has no edges",
    ),
    _attribute(
        "contrast",
        "Standard deviation of luma (RMS contrast)",
        "Peli. Contrast in Complex Images. JOSA A 7(10), 1990",
        0.5,
        "Rec. 601 luma of the sRGB-encoded image in [0, 1]",
    ),
    _attribute(
        "noise-level",
        "Standard deviation of noise in grey levels of 0 to 255",
        "Donoho, Johnstone. Ideal Spatial Adaptation by Wavelet Shrinkage. Biometrika 81(3), 1994",
        None,
        "median of the absolute diagonal wavelet coefficients (Daubechies, 4 taps) of luma, over "
        "0.6745; fine texture counts as noise",
    ),
    _attribute(
        "exposure",
        "Mean luma, 0 (black) to 1 (white)",
        "closed form",
        1.0,
        "Rec. 601 luma of the sRGB-encoded image",
    ),
    _attribute(
        "clipping",
        "Share of pixels with a channel at its lowest or highest value",
        "closed form",
        1.0,
        "below half a grey level of 255 from 0 or 1",
    ),
)
