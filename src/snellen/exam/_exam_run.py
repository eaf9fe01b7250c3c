"""How an exam runs: where it computes, what it keeps, and who is told how far it is."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from snellen.backbones import file_sha256
from snellen.records import Arrays, Checkpoint


@dataclass(frozen=True)
class ExamRun:
    """What every exam is told besides its question.

    Parameters
    ----------
    checkpoint
        Folder for what was measured, found again by a later run; None keeps nothing.
    device
        Where the network computes.
    progress
        Called with the number of images done since the last call.
    """

    checkpoint: str | Path | None = None
    device: str | torch.device = "cpu"
    progress: Callable[[int], None] | None = None

    def done(self, images: int) -> None:
        """Tell of images done."""
        if self.progress is not None:
            self.progress(images)

    def store(self, manifest: Mapping[str, Any]) -> Checkpoint:
        """Return the kept measurements that depend on a manifest."""
        folder = None if self.checkpoint is None else Path(self.checkpoint)
        return Checkpoint(folder, manifest)

    def digests(self, paths: Iterable[Path]) -> list[str]:
        """Return the hashes of files by which measurements are found again, if any are kept."""
        return [] if self.checkpoint is None else [file_sha256(path) for path in paths]

    def once(
        self, store: Checkpoint, images: Sequence[str], count: int, measure: Callable[[], Arrays]
    ) -> Arrays:
        """Return what is kept of images, or else measure and keep it.

        Parameters
        ----------
        store
            Made by `store`.
        images
            Hashes of their files, or the name of what was drawn.
        count
            Number of images to tell of where they are kept; a measurement tells by itself.
        measure
            Called where nothing is kept.
        """
        arrays = store.read(list(images))
        if arrays is None:
            arrays = measure()
            store.write(list(images), arrays)
        else:
            self.done(count)
        return arrays
