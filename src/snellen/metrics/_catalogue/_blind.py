"""The catalogue of metrics that look at an image alone, but for responses to distortions."""

from snellen.metrics._row import Kind, MetricRow

_WU = (
    "Wu, Ni, Wang, Yang, Zhou, Wang. DDR: Exploiting Deep Degradation Response as Flexible Image "
    "Descriptor. NeurIPS 2024"
)
_WANG = "Wang, Chan, Loy. Exploring CLIP for Assessing the Look and Feel of Images. AAAI 2023"
_MITTAL_NIQE = (
    "Mittal, Soundararajan, Bovik. Making a Completely Blind Image Quality Analyzer. IEEE Signal "
    "Processing Letters 20(3), 2013"
)

_TEXT_BACKBONE = "open_clip/ViT-B-32-quickgelu"
_ANTONYM_BACKBONE = "open_clip/RN50-quickgelu@any-size"

PROMPTS: dict[str, tuple[str, str]] = {
    "color": (
        "A real color photo with high-quality.",
        "A unnatural color photo with low-quality.",
    ),
    "noise": ("A clean photo with high-quality.", "A noise degraded photo with low-quality."),
    "blur": ("A sharp photo with high-quality.", "A blurry photo with low-quality."),
    "content": (
        "A clear content photo with high-quality.",
        "A bad content photo with low-quality.",
    ),
    "exposure": (
        "A natural exposure photo with high-quality.",
        "A unnatural exposure photo with low-quality.",
    ),
}
"""Clean and degraded prompts of Wu et al. by degradation, word for word as published."""

QUALITY = ("color", "noise", "blur", "exposure")
"""The degradations whose mean response stands for quality."""

_FIVE_PAIRS = (
    ("Good image", "bad image"),
    ("Sharp image", "blurry image"),
    ("sharp edges", "blurry edges"),
    ("High resolution image", "low resolution image"),
    ("Noise-free image", "noisy image"),
)


def _text_response(name: str, title: str, *degradations: str) -> MetricRow:
    return MetricRow(
        name,
        title,
        _WU,
        readout="text-response",
        backbone=_TEXT_BACKBONE,
        layers=("embedding",),
        options={
            "prompts": tuple(PROMPTS[one] for one in degradations),
            "epsilon": 1e-3,
            "adapt": True,
            "crops": True,
        },
        kind="no-reference",
        lower_better=False,
        range=(0.0, 1.0),
        note="a function of the correlation of the image's embedding with the direction of the "
        "text, and of the share of the embedding's mean: no image is degraded",
    )


def _antonyms(name: str, prompts: tuple[tuple[str, str], ...], note: str) -> MetricRow:
    return MetricRow(
        name,
        "CLIP-IQA: antonym prompts",
        _WANG,
        readout="antonym-share",
        backbone=_ANTONYM_BACKBONE,
        layers=("embedding",),
        options={"prompts": prompts, "scale": 100.0, "crops": False},
        kind="no-reference",
        lower_better=False,
        range=(0.0, 1.0),
        note=note,
    )


_TEXT_ROWS = (
    _text_response("ddr-text", "Response to degradations described in words", *QUALITY),
    *(
        _text_response(f"ddr-text-{one}", f"Response to a degradation in words: {one}", one)
        for one in PROMPTS
    ),
    MetricRow(
        "text-correlation",
        "Minus the correlation of the image's embedding with the text's direction",
        "Snellen: what is left of ddr-text, which is a function of it",
        readout="text-correlation",
        backbone=_TEXT_BACKBONE,
        layers=("embedding",),
        options={"prompts": tuple(PROMPTS[one] for one in QUALITY), "crops": True},
        kind="no-reference",
        lower_better=False,
        range=(-1.0, 1.0),
        note="the trivial baseline of ddr-text",
    ),
    _antonyms(
        "clip-iqa",
        (("Good photo.", "Bad photo."),),
        "the paper's pair of prompts; ResNet without positions, images as they are",
    ),
    _antonyms(
        "clip-iqa-5",
        _FIVE_PAIRS,
        "mean over the five pairs of prompts of pyiqa; ResNet without positions, images as they "
        "are",
    ),
)


def _scene(name: str, title: str, citation: str, head: str, note: str) -> MetricRow:
    return MetricRow(
        name,
        title,
        citation,
        readout=name.partition("-")[0],
        kind="no-reference",
        range=(None, None) if name == "brisque" else (0.0, None),
        head=head,
        note=f"on grey levels: Rec. 601 luma of 0 to 255, rounded; {note}",
    )


_SCENE_ROWS = (
    _scene(
        "brisque",
        "Blind spatial quality evaluator: statistics of natural scenes, trained on human scores",
        "Mittal, Moorthy, Bovik. No-Reference Image Quality Assessment in the Spatial Domain. "
        "IEEE TIP 21(12), 2012",
        "brisque",
        "features by piq; regression fitted by the authors to the LIVE database, whose file is "
        "given with weights=FILE",
    ),
    _scene(
        "niqe",
        "Natural image quality evaluator: distance to the statistics of pristine images",
        _MITTAL_NIQE,
        "niqe",
        "the published parameters, niqe_modelparameters.mat, given with weights=FILE",
    ),
    _scene(
        "niqe-bsds",
        "NIQE with parameters of our own",
        _MITTAL_NIQE,
        "niqe-bsds",
        "parameters fitted by the published procedure on the training images of BSDS500; they "
        "come with the package",
    ),
)


def _attribute(
    name: str,
    title: str,
    citation: str,
    high: float | None,
    note: str,
) -> MetricRow:
    kind: Kind = "attribute"
    return MetricRow(
        name, title, citation, readout=name, kind=kind, lower_better=None, range=(0.0, high),
        note=note,
    )  # fmt: skip


_ATTRIBUTE_ROWS = (
    _attribute(
        "complexity",
        "How much there is to see: entropy of gradients over four octaves, in bits",
        "Snellen: own definition",
        6.0,
        "noise counts as complexity too",
    ),
    _attribute(
        "colourfulness",
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

BLIND_ROWS: tuple[MetricRow, ...] = (*_TEXT_ROWS, *_SCENE_ROWS, *_ATTRIBUTE_ROWS)
