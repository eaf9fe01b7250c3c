"""Rows of metrics that compare deep features."""

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

_ALEX_TAPS = ("relu1", "relu2", "relu3", "relu4", "relu5")
_VGG_TAPS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3")
_SQUEEZE_TAPS = ("relu1", "fire3", "fire5", "fire6", "fire7", "fire8", "fire9")


def _lpips(net: str, backbone: str, layers: tuple[str, ...]) -> MetricRow:
    return MetricRow(
        name=f"lpips-{net}",
        title=f"LPIPS v0.1 on {backbone}",
        citation=_ZHANG,
        family="deep",
        readout="calibrated",
        backbone=backbone,
        layers=layers,
        combine="sum",
        head=f"lpips-{net}",
        note="version 0.1 of the weights; images in [0, 1], scaled as the lpips package scales "
        "[-1, 1]",
    )


def _dists(name: str, resize: str, note: str) -> MetricRow:
    return MetricRow(
        name=name,
        title="Deep image structure and texture similarity",
        citation=_DING,
        family="deep",
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


DEEP_ROWS = (
    MetricRow(
        "dfb",
        "Structure and texture of the embedded network's features",
        f"network and weights are ours, trained without human scores; readout: {_DING}",
        "deep",
        readout="structure-texture",
        backbone="fovea",
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
        "deep",
        readout="cosine",
        backbone="gabor",
        options={"reading": "flattened", "centred": True},
        range=(0.0, 2.0),
        note="embedded network without training; the paper does not state its reading and layers, "
        "these are ours, chosen without human scores",
    ),
    MetricRow(
        "dfb-*",
        "Cosine distance of deep features",
        _HOU,
        "deep",
        readout="cosine",
        range=(0.0, 2.0),
        note="reading and layers are ours, the paper does not state its own; at most 1 where "
        "features are not negative, as after a ReLU",
    ),
    MetricRow(
        "euclidean-*",
        "Euclidean distance of deep features",
        _HERNANDEZ,
        "deep",
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
        "deep",
        readout="distance-correlation",
        backbone="vgg19",
        layers=("conv1_2", "conv2_2", "conv3_4", "conv4_4", "conv5_4"),
        range=(0.0, 1.0),
        note="features before the ReLU, as published; in pyiqa's code in-place ReLUs overwrite "
        "all layers but the last",
    ),
    MetricRow(
        "wsd-*",
        "Wasserstein distance of deep features, as published (DeepWSD)",
        _LIAO,
        "deep",
        readout="deepwsd",
        layers=("input", "@stages:4"),
        resize="box-256",
        pooling="l2",
        normalize=False,
        note="the image and four scales; windows by plain reshape, L2 pooling and images that "
        "are not normalised, as in the authors' code",
    ),
)
