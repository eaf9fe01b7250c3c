"""Blind metrics on the statistics of natural scenes: BRISQUE and NIQE."""

import os
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from snellen._matlab import read_matlab
from snellen.backbones import file_sha256, load_state_dict
from snellen.errors import ImageError, MetricError, WeightsError
from snellen.images import ImagePolicy
from snellen.metrics._brisque import Regression, brisque, load_regression
from snellen.metrics._fitted_files import write_fitted
from snellen.metrics._luma import grey_levels
from snellen.metrics._metric import Reduction
from snellen.metrics._niqe import SceneModel, distance
from snellen.metrics._no_reference import NoReferenceMetric
from snellen.metrics._row import MetricRow

_SHIPPED = "niqe-bsds"
_FEATURES = 36
_NEEDED = {
    "niqe": "niqe needs the published parameters, which may not be passed on: give "
    "weights=niqe_modelparameters.mat, which is part of the authors' release; or use "
    f"{_SHIPPED}, whose parameters come with the package.",
    "brisque": "brisque needs the regression that was fitted to human scores: give weights=FILE, "
    "either `allmodel` of the authors' release or piq's brisque_svm_weights.pt "
    "(github.com/photosynthesis-team/piq, release v0.4.0), for which no hash is published.",
}


class SceneMetric(NoReferenceMetric):
    """How far the statistics of an image are from those of natural scenes.

    Made by `create_metric`, which see; `Metric` has the other parameters and attributes.

    Parameters
    ----------
    row, policy, align, reduction
        As `Metric` takes them.
    model
        What the statistics are compared with, or regressed by.
    file
        Where that came from.
    """

    def __init__(
        self,
        row: MetricRow,
        policy: ImagePolicy,
        align: str,
        reduction: Reduction,
        *,
        model: SceneModel | Regression,
        file: Path,
    ) -> None:
        super().__init__(row, policy, align, reduction)
        self.model = model
        self.head = {"name": row.head, "file": file.name, "sha256": file_sha256(file)}

    def _assess(self, x: Tensor) -> Tensor:
        # One by one: an image without statistics is named, and float64 is for the CPU alone.
        greys = grey_levels(self.protocol(x).detach().cpu())
        return torch.cat([self._one(grey[None]) for grey in greys]).float().to(x.device)

    def _one(self, grey: Tensor) -> Tensor:
        try:
            if isinstance(self.model, Regression):
                return brisque(grey, self.model)
            return distance(grey, self.model)
        except ImageError as error:
            raise ImageError(f"{self.name}: {error}") from error

    def _libraries(self) -> Sequence[str]:
        return ("piq",)

    def manifest(self) -> dict[str, Any]:
        """Return what it takes to get the same numbers again, as plain values."""
        manifest = super().manifest()
        manifest["protocol"]["grey"] = "Rec. 601 luma of 0 to 255, rounded half up"
        return {**manifest, "head": self.head}


def scene_model(
    row: MetricRow, path: str | os.PathLike[str] | None
) -> tuple[SceneModel | Regression, Path]:
    """Load what a row's metric compares with.

    Parameters
    ----------
    row
        Of BRISQUE or NIQE.
    path
        A file; by default the one that ships.

    Raises
    ------
    WeightsError
        There is no file, or it holds something else.
    MetricError
        The published parameters are asked for without their file.
    """
    if path is not None:
        file = Path(path)
    elif row.head == _SHIPPED:
        file = Path(str(files("snellen.metrics") / "data" / f"{_SHIPPED}.safetensors"))
    else:
        raise MetricError(_NEEDED[row.readout])
    return (load_regression if row.readout == "brisque" else load_scene_model)(file), file


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
    """Write a fitted model of pristine images, with how it was fitted."""
    tensors = {"mean": model.mean, "covariance": model.covariance}
    write_fitted(path, {k: v.contiguous() for k, v in tensors.items()}, fit)
