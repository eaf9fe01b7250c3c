"""The catalogue of metrics: data, not classes. A new paper's metric is a new row here."""

from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from snellen.backbones import find_architecture
from snellen.errors import BackboneError, MetricError
from snellen.metrics._catalogue._blind import BLIND_ROWS
from snellen.metrics._catalogue._response_names import PREFIX, degradation_row
from snellen.metrics._catalogue._responses import RESPONSE_ROWS
from snellen.metrics._row import MetricRow

_HOU = (
    "Hou, Sun, Liu, Gong, Garibaldi, Qiu. Direct Application of Convolutional Neural Network "
    "Features to Image Quality Assessment. VCIP 2018"
)
_HERNANDEZ = (
    "Hernandez-Camara, Vila-Tomas, Laparra, Malo. Analysis of Deep Image Quality Models. "
    "arXiv:2302.13345"
)
_ZHANG = (
    "Zhang, Isola, Efros, Shechtman, Wang. The Unreasonable Effectiveness of Deep Features as a "
    "Perceptual Metric. CVPR 2018"
)
_DING = (
    "Ding, Ma, Wang, Simoncelli. Image Quality Assessment: Unifying Structure and Texture "
    "Similarity. IEEE TPAMI 44(5), 2022"
)
_ZHU = (
    "Zhu, Chen, Zhu, Wang, Lin. DeepDC: Deep Distance Correlation as a Perceptual Image Quality "
    "Evaluator. arXiv:2211.04927"
)
_LIAO = (
    "Liao, Chen, Zhu, Wang, Zhou, Kwong. DeepWSD: Projecting Degradations in Perceptual Space to "
    "Wasserstein Distance in Deep Feature Space. ACM MM 2022"
)

_BIANCO = (
    "Bianco, Celona, Napoletano. Disentangling Image Distortions in Deep Feature Space. "
    "Pattern Recognition Letters 148, 2021"
)

_ALEX_TAPS = ("relu1", "relu2", "relu3", "relu4", "relu5")
_VGG_TAPS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3")
_SQUEEZE_TAPS = ("relu1", "fire3", "fire5", "fire6", "fire7", "fire8", "fire9")


def _lpips(net: str, backbone: str, layers: tuple[str, ...]) -> MetricRow:
    return MetricRow(
        name=f"lpips-{net}",
        title=f"LPIPS v0.1 on {backbone}",
        citation=_ZHANG,
        readout="calibrated",
        backbone=backbone,
        layers=layers,
        combine="sum",
        head=f"lpips-{net}",
        note="version 0.1 of the weights; images in [0, 1], scaled as the lpips package scales "
        "[-1, 1]",
    )


def _reduced(name: str, note: str, **changes: Any) -> MetricRow:
    return MetricRow(
        name=name,
        title="Distance in a reduced space of deep features, k transmitted values",
        citation=_BIANCO,
        readout="descriptor",
        options={
            "values": 16, "pooling": "mean-std", "transform": "sqrt", "type": "float16", "seed": 0,
        },
        combine="join",
        kind="reduced-reference",
        note=note,
        **changes,
    )  # fmt: skip


def _dists(name: str, resize: str, note: str) -> MetricRow:
    return MetricRow(
        name=name,
        title="Deep image structure and texture similarity",
        citation=_DING,
        readout="structure-texture",
        backbone="vgg16",
        layers=("input", *_VGG_TAPS),
        combine="join",
        range=(0.0, 1.0),
        resize=resize,
        pooling="l2",
        head="dists",
        note=note,
    )


_FEATURE_ROWS = (
    MetricRow(
        "dfb",
        "Structure and texture of the embedded network's features",
        f"network and weights are ours, trained without human scores; readout: {_DING}",
        readout="structure-texture",
        backbone="fovea",
        layers=("stage1", "stage2", "stage3", "stage4"),
        combine="join",
        range=(0.0, 2.0),
        head="dfb",
        note="embedded network, trained together with the weights of its channels to rank as "
        "classical metrics and SqueezeNet do on average; docs/fovea.md",
    ),
    MetricRow(
        "dfb-gabor",
        "Cosine distance of gabor's features",
        _HOU,
        readout="cosine",
        backbone="gabor",
        layers=("complex1", "complex2", "complex3", "complex4"),
        options={"reading": "flattened", "centred": True},
        range=(0.0, 2.0),
        note="embedded network without training; the paper does not state its reading and layers, "
        "these are ours, chosen without human scores",
    ),
    MetricRow(
        "dfb-*",
        "Cosine distance of deep features",
        _HOU,
        readout="cosine",
        range=(0.0, 2.0),
        note="reading and layers are ours, the paper does not state its own; at most 1 where "
        "features are not negative, as after a ReLU",
    ),
    MetricRow(
        "euclidean-*",
        "Euclidean distance of deep features",
        _HERNANDEZ,
        readout="euclidean",
        combine="join",
        note="plain sum over features: grows with the size of the image",
    ),
    _lpips("alex", "alexnet", _ALEX_TAPS),
    _lpips("vgg", "vgg16", _VGG_TAPS),
    _lpips("squeeze", "squeezenet1_1", _SQUEEZE_TAPS),
    _dists(
        "dists",
        "native",
        "images as they are, as the DISTS-pytorch module does; the paper's numbers need dists-256",
    ),
    _dists("dists-256", "short-256", "short side resized to 256, the paper's protocol"),
    MetricRow(
        "deepdc",
        "Deep distance correlation",
        _ZHU,
        readout="distance-correlation",
        backbone="vgg19",
        layers=("conv1_2", "conv2_2", "conv3_4", "conv4_4", "conv5_4"),
        range=(0.0, 1.0),
        note="features before the ReLU, as published; in pyiqa's code in-place ReLUs overwrite "
        "all layers but the last",
    ),
    _reduced(
        "rr-gabor",
        "embedded network; projection fitted on natural images without human scores",
        backbone="gabor",
        layers=("opponent", "complex1", "complex2", "complex3", "complex4"),
        head="rr-gabor",
    ),
    _reduced("rr-*", "seeded projection, which needs no fitting; projection=FILE for a fitted one"),
    MetricRow(
        "wsd-*",
        "Wasserstein distance of deep features, as published (DeepWSD)",
        _LIAO,
        readout="deepwsd",
        layers=("input", "@stages:4"),
        resize="box-256",
        pooling="l2",
        normalise=False,
        note="the image and four scales; windows by plain reshape, L2 pooling and images that "
        "are not normalised, as in the authors' code",
    ),
)

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
    if function != "psnr":
        note = f"{_PIQ}: {note}" if note else _PIQ
    return MetricRow(
        name, title, citation, function, lower_better=lower_better, range=range_, note=note
    )


_CLASSICAL_ROWS = (
    _classical("psnr", "Peak signal-to-noise ratio, in dB", "closed form", "psnr", (None, 80.0),
               note="over the three channels of RGB; at most 80 dB"),
    _classical("ssim", "Structural similarity",
               "Wang, Bovik, Sheikh, Simoncelli. IEEE TIP 13(4), 2004", "ssim", (-1.0, 1.0),
               note="mean over RGB, image first downsampled to about 256 pixels"),
    _classical("ms-ssim", "Multi-scale structural similarity",
               "Wang, Simoncelli, Bovik. Asilomar 2003", "multi_scale_ssim", (0.0, 1.0),
               note="mean over RGB; needs more than 160 pixels on the short side"),
    _classical("fsim", "Feature similarity, chromatic (FSIMc)",
               "Zhang, Zhang, Mou, Zhang. IEEE TIP 20(8), 2011", "fsim", (0.0, 1.0),
               note="chromatic variant"),
    _classical("vsi", "Visual saliency-induced index",
               "Zhang, Shen, Li. IEEE TIP 23(10), 2014", "vsi", (0.0, 1.0)),
    _classical("gmsd", "Gradient magnitude similarity deviation",
               "Xue, Zhang, Mou, Bovik. IEEE TIP 23(2), 2014", "gmsd", (0.0, None),
               lower_better=True),
    _classical("haarpsi", "Haar wavelet-based perceptual similarity index",
               "Reisenhofer, Bosse, Kutyniok, Wiegand. SPIC 61, 2018", "haarpsi", (0.0, 1.0)),
    _classical("mdsi", "Mean deviation similarity index",
               "Ziaei Nafchi, Shahkolaei, Hedjam, Cheriet. IEEE Access 4, 2016", "mdsi",
               (0.0, None), lower_better=True),
    _classical("vif", "Visual information fidelity, pixel domain",
               "Sheikh, Bovik. IEEE TIP 15(2), 2006", "vif_p", (0.0, None),
               note="pixel domain"),
)  # fmt: skip

ROWS: dict[str, MetricRow] = {
    row.name: row for row in (*_FEATURE_ROWS, *_CLASSICAL_ROWS, *RESPONSE_ROWS, *BLIND_ROWS)
}
"""Every metric by name; families end in ``-*``."""


def find_row(name: str) -> MetricRow:
    """Look a metric up by name; that of a family is filled with a backbone's or degradation's.

    Raises
    ------
    MetricError
        There is no such metric; the message names the nearest ones.
    """
    if name in ROWS and not name.endswith("*"):
        return ROWS[name]
    if name.startswith(PREFIX):
        return degradation_row(ROWS[f"{PREFIX}*"], name)
    family, _, backbone = name.partition("-")
    row = ROWS.get(f"{family}-*")
    if row is not None and backbone:
        _check_backbone(name, backbone)
        return _fill(row, name, backbone)
    near = get_close_matches(name, ROWS, n=4, cutoff=0.5)
    hint = f"Did you mean {', '.join(near)}? " if near else ""
    raise MetricError(f"No metric is called {name!r}. {hint}`snellen list metrics` shows all.")


def _check_backbone(name: str, backbone: str) -> None:
    try:
        find_architecture(backbone)
    except BackboneError as error:
        raise MetricError(f"No metric is called {name!r}: {error}") from error


def _fill(row: MetricRow, name: str, backbone: str) -> MetricRow:
    title = row.title.replace("deep features", f"{backbone}'s features")
    return replace(row, name=name, backbone=backbone, title=title)
