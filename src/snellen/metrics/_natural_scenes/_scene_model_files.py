"""Files of NIQE's model of pristine images: the authors', and ours."""

from pathlib import Path

import torch
from torch import Tensor

from snellen._matlab import read_matlab
from snellen.backbones import load_state_dict
from snellen.errors import WeightsError
from snellen.metrics._fitted_files import write_fitted
from snellen.metrics._natural_scenes._niqe import SceneModel

_FEATURES = 36


def load_scene_model(path: Path) -> SceneModel:
    """Read the model of NIQE: the authors' ``.mat``, or what `save_scene_model` wrote.

    Raises
    ------
    WeightsError
        The file cannot be read, or holds something else.
    """
    keys = ("mu_prisparam", "cov_prisparam")
    if path.suffix == ".mat":
        state = _from_matlab(path)
    else:
        state = load_state_dict(path)
        keys = ("mean", "covariance")
    found = [tuple(state[key].shape) if key in state else None for key in keys]
    if found not in ([(_FEATURES,), (_FEATURES, _FEATURES)], [(1, _FEATURES), (_FEATURES,) * 2]):
        raise WeightsError(
            f"{path}: expected {keys[0]} of {_FEATURES} numbers and {keys[1]} of "
            f"{_FEATURES} x {_FEATURES}, found {', '.join(state) or 'nothing'}."
        )
    mean, covariance = (state[key].double() for key in keys)
    if not bool(mean.isfinite().all() and covariance.isfinite().all()):
        raise WeightsError(f"{path}: the model holds NaN or infinite values.")
    return SceneModel(mean.flatten(), covariance)


def _from_matlab(path: Path) -> dict[str, Tensor]:
    try:
        content = read_matlab(path)
        return {k: torch.as_tensor(value, dtype=torch.float64) for k, value in content.items()}
    except Exception as error:  # a damaged file fails in any way
        raise WeightsError(f"{path}: cannot be read as a MATLAB file: {error}.") from error


def save_scene_model(model: SceneModel, path: Path, fit: dict[str, str]) -> None:
    """Write a fitted model of pristine images, for ``create_metric("niqe-bsds", weights=FILE)``.

    Parameters
    ----------
    model
        What `fit_scene_model` returned.
    path
        The file; ``.safetensors`` is usual.
    fit
        How it was fitted, kept in the file.
    """
    tensors = {"mean": model.mean, "covariance": model.covariance}
    write_fitted(path, {k: v.contiguous() for k, v in tensors.items()}, fit)
