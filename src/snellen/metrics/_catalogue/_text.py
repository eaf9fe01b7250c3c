"""Rows of metrics that hold an image against prompts."""

from snellen.metrics._catalogue._responses import WU
from snellen.metrics._row import MetricRow

_WANG = "Wang, Chan, Loy. Exploring CLIP for Assessing the Look and Feel of Images. AAAI 2023"

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
        WU,
        "text",
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
        "text",
        readout="antonym-share",
        backbone=_ANTONYM_BACKBONE,
        layers=("embedding",),
        options={"prompts": prompts, "scale": 100.0, "crops": False},
        kind="no-reference",
        lower_better=False,
        range=(0.0, 1.0),
        note=note,
    )


TEXT_ROWS = (
    _text_response("ddr-text", "Response to degradations described in words", *QUALITY),
    *(
        _text_response(f"ddr-text-{one}", f"Response to a degradation in words: {one}", one)
        for one in PROMPTS
    ),
    MetricRow(
        "text-correlation",
        "Minus the correlation of the image's embedding with the text's direction",
        "Snellen: what is left of ddr-text, which is a function of it",
        "text",
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
