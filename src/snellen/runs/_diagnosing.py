"""What is wrong with the images of a collection: a diagnoser as the work of an engine."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from snellen.backbones import create_backbone
from snellen.diagnosis import Candidate, Diagnoser, Diagnosis, create_diagnoser
from snellen.errors import RunError
from snellen.records import Columns, PathLike
from snellen.runs._engine import EngineOptions, Outcome, Task, each_image, read_reference
from snellen.runs._engines import engine_for
from snellen.runs._layout import SEEN, file_layout
from snellen.runs._run import Run
from snellen.runs._scoring import select_source, shard_name
from snellen.runs._sources import Item, Source, Sources


def diagnose(
    source: Sources | Source,
    diagnoser: PathLike | Diagnoser = "gabor",
    *,
    reference: PathLike | None = None,
    backbone: str | None = None,
    weights: str | None = None,
    unfamiliarity: float | None = None,
    engine: str = "local",
    limit: int | None = None,
    shard: str | None = None,
    device: str = "cpu",
    engine_options: Mapping[str, Any] | None = None,
) -> Run:
    """Name the distortions of images; every image becomes one row.

    Parameters
    ----------
    source
        Images, as for `score`.
    diagnoser
        Name, a file that `Diagnoser.save` wrote, or a diagnoser that is made, which keeps its
        options.
    reference
        Pristine image, or a folder in which images find theirs by name.
    backbone, weights
        Network of a diagnoser's file, and its weights; by default the one that the file names.
    unfamiliarity
        Unfamiliarity, 0 to 1, above which an image is "none of these"; the diagnoser's own by
        default.
    engine, limit, shard
        As for `score`.
    device
        Where the network computes.
    engine_options
        As for `score`.

    Returns
    -------
    Run
        Rows with the columns ``image``, ``reference``, those that a table carries, ``width``,
        ``height``, those of `Diagnosis.to_row`, ``seconds``, ``error``.

    Raises
    ------
    SourceError
        The source does not exist, or holds no image.
    WeightsError
        There is no such diagnoser, or its network is another one.
    RunError
        An engine or a setting does not exist.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.effect_noise((96, 96), 90).convert("RGB").save(f"{folder}/a.png")
    ...     [row] = diagnose(folder)
    >>> row["width"], 0 <= row["probability1"] <= 1, row["error"]
    (96, True, None)
    """
    found = select_source(source, reference, limit, shard)
    maker = DiagnoseWorkMaker(
        diagnoser if isinstance(diagnoser, Diagnoser) else str(diagnoser),
        backbone, weights, unfamiliarity, device,
    )  # fmt: skip
    settings = EngineOptions()
    work = maker.make(settings)
    measured = {**SEEN, **_columns(), "seconds": "double", "error": "string"}
    return Run(
        found,
        file_layout(found, measured),
        engine_for(engine, work, maker, settings, engine_options or {}),
        {"command": "diagnose", "diagnoser": work.manifest()},
        shard=shard_name(shard),
    )


def _columns() -> Columns:
    """Name the columns that a diagnosis fills, with their Arrow types."""
    nothing = Candidate("", 0.0, 1.0)
    row = Diagnosis("", 0.0, (), (nothing, nothing), 0.0, 0.0).to_row()
    kinds = {str: "string", int: "int64", float: "double"}
    return {name: kinds[type(value)] for name, value in row.items()}


@dataclass(frozen=True)
class DiagnoseWork:
    """Diagnoses one image after the other.

    Attributes
    ----------
    diagnoser
        What diagnoses.
    device
        Where its network is.
    """

    diagnoser: Diagnoser
    device: torch.device

    def manifest(self) -> Any:
        """Return what it takes to get the same verdicts again."""
        return self.diagnoser.manifest()

    def __call__(self, tasks: Iterable[Task]) -> Iterator[Outcome]:
        """Yield the diagnosis of each image, in order."""
        return each_image(tasks, self.diagnoser.policy, self._diagnosed)

    def _diagnosed(self, item: Item, batch: Tensor) -> Mapping[str, Any]:
        place, policy = item.reference, self.diagnoser.policy
        reference = None if place is None else read_reference(place, policy)
        (diagnosis,) = self.diagnoser(batch, reference)
        return diagnosis.to_row()


@dataclass(frozen=True)
class DiagnoseWorkMaker:
    """Makes the same diagnoser in other processes.

    Attributes
    ----------
    diagnoser
        Name or file, or a diagnoser that the caller made.
    backbone, weights, unfamiliarity, device
        As for `diagnose`.
    """

    diagnoser: str | Diagnoser
    backbone: str | None = None
    weights: str | None = None
    unfamiliarity: float | None = None
    device: str = "cpu"

    @property
    def travels_whole(self) -> bool:
        """Whether the network travels."""
        return isinstance(self.diagnoser, Diagnoser)

    def make(self, options: EngineOptions) -> DiagnoseWork:
        """Make the diagnoser, if it is not."""
        if isinstance(self.diagnoser, Diagnoser):
            self._refuse_options()
            return DiagnoseWork(self.diagnoser, self.diagnoser.device)
        if self.backbone is None and self.weights is not None:
            raise RunError("weights: those of --backbone (backbone=): name it too.")
        network = None
        if self.backbone is not None:
            given: dict[str, Any] = {} if self.weights is None else {"weights": self.weights}
            network = create_backbone(self.backbone, **given)
        made = create_diagnoser(
            self.diagnoser, backbone=network, limit=self.unfamiliarity, device=self.device
        )
        return DiagnoseWork(made, made.device)

    def _refuse_options(self) -> None:
        given = {
            "backbone": self.backbone,
            "weights": self.weights,
            "unfamiliarity": self.unfamiliarity,
        }
        changed = [name for name, value in given.items() if value is not None]
        if changed:
            raise RunError(f"{', '.join(changed)}: cannot be changed in a diagnoser that is made.")
