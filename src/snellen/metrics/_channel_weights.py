"""Reading files of channel weights."""

from pathlib import Path

from safetensors import safe_open
from torch import Tensor

from snellen.errors import WeightsError


def load_channel_weights(path: str | Path) -> dict[str, Tensor]:
    """Read weights that `snellen.exam.save_channel_weights` has written.

    Returns
    -------
    dict of str to Tensor
        (C,) by layer, as ``create_metric(channel_weights=...)`` takes them.

    Raises
    ------
    WeightsError
        The file is missing, or holds something else.
    """
    path = Path(path)
    try:
        with safe_open(path, framework="pt") as file:
            told = (file.metadata() or {}).get("snellen")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except Exception as error:
        raise WeightsError(f"{path}: no whole file of channel weights: {error}.") from error
    if told != "channel weights" or not all(_are_weights(t) for t in tensors.values()):
        raise WeightsError(
            f"{path}: expected non-negative channel weights by layer, as save_channel_weights "
            "writes them; found other tensors."
        )
    return tensors


def _are_weights(tensor: Tensor) -> bool:
    return tensor.ndim == 1 and bool((tensor >= 0).all() and tensor.isfinite().all())
