"""Blind metrics on the statistics of natural scenes: BRISQUE and NIQE."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from snellen.backbones import file_sha256
from snellen.errors import ImageError, MetricError
from snellen.images import gray_levels
from snellen.metrics._fitted_files import shipped_file
from snellen.metrics._handling import Handling
from snellen.metrics._natural_scenes._brisque import brisque, load_regression
from snellen.metrics._natural_scenes._niqe import distance
from snellen.metrics._natural_scenes._scene_model_files import load_scene_model
from snellen.metrics._no_reference import NoReferenceMetric
from snellen.metrics._options import Request
from snellen.metrics._row import MetricRow


@dataclass(frozen=True)
class Model:
    """How a model of natural scenes is read and used.

    Attributes
    ----------
    load
        File -> parameters.
    score
        Gray levels (N, 1, H, W) of 0 to 255, and parameters -> scores (N,).
    needed
        What to do where the parameters do not come with the package and no file is given.
    """

    load: Callable[[Path], Any]
    score: Callable[[Tensor, Any], Tensor]
    needed: str


MODELS = {
    "niqe": Model(
        load_scene_model,
        distance,
        "niqe needs the published parameters, which may not be passed on: give "
        "weights=niqe_modelparameters.mat, which is part of the authors' release; or use "
        "niqe-bsds, whose parameters come with the package.",
    ),
    "brisque": Model(
        load_regression,
        brisque,
        "brisque needs the regression that was fitted to human scores: give weights=FILE, "
        "either `allmodel` of the authors' release or piq's brisque_svm_weights.pt "
        "(github.com/photosynthesis-team/piq, release v0.4.0), for which no hash is published.",
    ),
}
"""Models of natural scenes, by the readout that rows name."""


class SceneMetric(NoReferenceMetric):
    """How far the statistics of an image are from those of natural scenes.

    Made by `create_metric`, which see; `Metric` has the other parameters and attributes.

    Parameters
    ----------
    row, handling
        As `Metric` takes them.
    model
        What the statistics are compared with, or regressed by.
    file
        Where that came from.
    """

    def __init__(
        self,
        row: MetricRow,
        handling: Handling,
        *,
        model: Any,
        file: Path,
    ) -> None:
        super().__init__(row, handling)
        self.model = model
        self.head = {"name": row.head, "file": file.name, "sha256": file_sha256(file)}

    def _assess(self, x: Tensor) -> Tensor:
        # One by one: an image without statistics is named, and float64 is for the CPU alone.
        greys = gray_levels(self.protocol(x).detach().cpu())
        return torch.cat([self._one(grey[None]) for grey in greys]).float().to(x.device)

    def _one(self, grey: Tensor) -> Tensor:
        try:
            return MODELS[self.row.readout].score(grey, self.model)
        except ImageError as error:
            raise ImageError(f"{self.name}: {error}") from error

    def _libraries(self) -> Sequence[str]:
        return ("piq",)

    def manifest(self) -> dict[str, Any]:
        """Return what it takes to get the same numbers again, as plain values."""
        manifest = super().manifest()
        manifest["protocol"]["gray"] = "Rec. 601 luma of 0 to 255, rounded half up"
        return {**manifest, "head": self.head}


def scene_metric(row: MetricRow, request: Request, handling: Handling) -> SceneMetric:
    """Make the metric of a row of BRISQUE or NIQE.

    Raises
    ------
    WeightsError
        There is no file, or it holds something else.
    MetricError
        The published parameters are asked for without their file.
    """
    given = [path for path in (request.weights, request.head_weights) if path is not None]
    if len(given) > 1:
        raise MetricError(f"{row.name} takes one file: give weights or head_weights, not both.")
    model = MODELS[row.readout]
    file = Path(given[0]) if given else shipped_file(str(row.head))
    if not given and not file.exists():
        raise MetricError(model.needed)
    return SceneMetric(request.resized(row), handling, model=model.load(file), file=file)
