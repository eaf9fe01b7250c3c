"""Rows of metrics without a network: a function of ours, or ``piq.`` and one of piq."""

from snellen.metrics._row import MetricRow

_PIQ = "computed by piq"


def _classical(
    name: str,
    title: str,
    citation: str,
    function: str,
    range_: tuple[float | None, float | None],
    *,
    lower_better: bool = False,
    note: str = "",
) -> MetricRow:
    if function.startswith("piq."):
        note = f"{_PIQ}: {note}" if note else _PIQ
    return MetricRow(
        name,
        title,
        citation,
        "classical",
        function,
        lower_better=lower_better,
        range=range_,
        note=note,
    )


CLASSICAL_ROWS = (
    _classical("psnr", "Peak signal-to-noise ratio, in dB", "closed form", "psnr", (None, 80.0),
               note="over the three channels of RGB; at most 80 dB"),
    _classical("ssim", "Structural similarity",
               "Wang, Bovik, Sheikh, Simoncelli. IEEE TIP 13(4), 2004", "piq.ssim", (-1.0, 1.0),
               note="mean over RGB, image first downsampled to about 256 pixels"),
    _classical("ms-ssim", "Multi-scale structural similarity",
               "Wang, Simoncelli, Bovik. Asilomar 2003", "piq.multi_scale_ssim", (0.0, 1.0),
               note="mean over RGB; needs more than 160 pixels on the short side"),
    _classical("fsim", "Feature similarity, chromatic (FSIMc)",
               "Zhang, Zhang, Mou, Zhang. IEEE TIP 20(8), 2011", "piq.fsim", (0.0, 1.0),
               note="chromatic variant"),
    _classical("vsi", "Visual saliency-induced index",
               "Zhang, Shen, Li. IEEE TIP 23(10), 2014", "piq.vsi", (0.0, 1.0)),
    _classical("gmsd", "Gradient magnitude similarity deviation",
               "Xue, Zhang, Mou, Bovik. IEEE TIP 23(2), 2014", "piq.gmsd", (0.0, None),
               lower_better=True),
    _classical("haarpsi", "Haar wavelet-based perceptual similarity index",
               "Reisenhofer, Bosse, Kutyniok, Wiegand. SPIC 61, 2018", "piq.haarpsi", (0.0, 1.0)),
    _classical("mdsi", "Mean deviation similarity index",
               "Ziaei Nafchi, Shahkolaei, Hedjam, Cheriet. IEEE Access 4, 2016", "piq.mdsi",
               (0.0, None), lower_better=True),
    _classical("vif", "Visual information fidelity, pixel domain",
               "Sheikh, Bovik. IEEE TIP 15(2), 2006", "piq.vif_p", (0.0, None),
               note="pixel domain"),
)  # fmt: skip
