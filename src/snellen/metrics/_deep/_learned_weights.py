"""Learned weights that stand between features and a score: the heads of LPIPS, DISTS and dfb."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from snellen.backbones import Backbone, fetch_weights, file_sha256, load_state_dict
from snellen.errors import WeightsError
from snellen.metrics._fitted_files import shipped_file
from snellen.metrics._options import PathLike
from snellen.metrics._row import MetricRow


def load_head(
    row: MetricRow, backbone: Backbone, path: PathLike | None
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Load the weights of every channel of every layer.

    Parameters
    ----------
    row
        Of a metric with learned weights, whose name is its `head`; its layers are resolved.
    backbone
        Network of these layers, against whose channels the shapes are checked.
    path
        File of weights; if None, the package's own, or fetched by name.

    Returns
    -------
    tuple
        Weights by layer, (C,) or (2, C); and where they came from.

    Raises
    ------
    WeightsError
        The file is missing, refused, or holds something else.
    """
    assert row.head is not None
    file = _published(row.head) if path is None else Path(path)
    state = load_state_dict(file)
    channels = [backbone.layer(name).channels for name in row.layers]
    read = _READERS[row.readout](row.head, state, channels, file)
    weights = dict(zip(row.layers, read, strict=True))
    return weights, {"name": row.head, "file": file.name, "sha256": file_sha256(file)}


def _published(head: str) -> Path:
    shipped = shipped_file(head)
    return shipped if shipped.is_file() else fetch_weights(head)


def _lpips(
    head: str, state: dict[str, Tensor], channels: Sequence[int], file: Path
) -> list[Tensor]:
    """Read ``lin0.model.1.weight`` ..., as in the lpips package, or with ``v0.1/alex/`` before."""
    prefix = f"v0.1/{head.removeprefix('lpips-')}/"
    weights = []
    for i, count in enumerate(channels):
        key = f"lin{i}.model.1.weight"
        value = state.get(prefix + key, state.get(key))
        _check(value, key, (1, count, 1, 1), head, file)
        assert value is not None
        weights.append(value.detach().float().flatten())
    return weights


def _dists(
    head: str, state: dict[str, Tensor], channels: Sequence[int], file: Path
) -> list[Tensor]:
    """Read ``alpha`` and ``beta``, (1, C, 1, 1) each, for the channels of all layers."""
    both = []
    for key in ("alpha", "beta"):
        _check(state.get(key), key, (1, sum(channels), 1, 1), head, file)
        both.append(state[key].detach().float().flatten())
    return list(torch.split(torch.stack(both), list(channels), dim=1))


Reader = Callable[[str, dict[str, Tensor], Sequence[int], Path], list[Tensor]]

_READERS: dict[str, Reader] = {"calibrated": _lpips, "structure-texture": _dists}
"""How files of weights are read, by the readout that they are for."""


def _check(value: Tensor | None, key: str, shape: tuple[int, ...], head: str, file: Path) -> None:
    if value is None or tuple(value.shape) != shape:
        found = "nothing" if value is None else f"a tensor of shape {tuple(value.shape)}"
        raise WeightsError(
            f"{file} is no weights file of {head}: expected a tensor {key!r} of shape {shape}, "
            f"found {found}. {_remedy(head)}"
        )


def _remedy(head: str) -> str:
    if head == "dfb":
        return "The package's own belongs to the embedded network; recipes/fovea makes others."
    return f"`snellen weights fetch {head}` gets the right one."
