"""Several metrics on the same pair: one decoding, one pass through each network."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from snellen.errors import MetricError
from snellen.images import as_pixels
from snellen.metrics._metric import (
    ImageLike,
    Metric,
    PreparedReference,
    grad_mode,
    reduce,
    usable,
)
from snellen.metrics._tile_pass import TILE_SIDE, paired, take_tiles


class MetricSet(nn.Module):
    """Metrics that score the same images together.

    Those that share a backbone and a protocol share one pass through the network, and responses
    to degradations share degraded images too; images are decoded once. Made by `create_metrics`.

    Parameters
    ----------
    metrics
        Metrics with one policy of decoding and one alignment, no two of one name.

    Raises
    ------
    MetricError
        There are none, two have one name, or they would decode images differently.

    Examples
    --------
    >>> import torch
    >>> from snellen.metrics import create_metrics
    >>> x, y = torch.rand(2, 1, 3, 32, 32)
    >>> list(create_metrics(["dfb", "psnr"])(x, y))
    ['dfb', 'psnr']
    """

    def __init__(self, metrics: Sequence[Metric]) -> None:
        super().__init__()
        names = [metric.name for metric in metrics]
        if not names or len(set(names)) < len(names):
            raise MetricError(f"expected metrics of different names, at least one; got {names}.")
        if len({(metric.policy, metric.align) for metric in metrics}) > 1:
            raise MetricError("metrics of one set must decode and align images in the same way.")
        self.metrics = nn.ModuleList(metrics)

    def __iter__(self) -> Iterator[Metric]:
        return (metric for metric in self.metrics if isinstance(metric, Metric))

    def __len__(self) -> int:
        return len(self.metrics)

    def __getitem__(self, name: str) -> Metric:
        return {metric.name: metric for metric in self}[name]

    @property
    def needs_reference(self) -> bool:
        """Whether a metric of the set compares with a reference."""
        return any(metric.needs_reference for metric in self)

    def forward(
        self, distorted: ImageLike, reference: ImageLike | None = None
    ) -> dict[str, Tensor]:
        """Score images, against their references where a metric needs them.

        Parameters
        ----------
        distorted
            Any images that `Metric.forward` takes.
        reference
            Likewise; may be left out where no metric of the set needs it.

        Returns
        -------
        dict of str to Tensor
            Scores (N,), or reduced as each metric says, by name.

        Raises
        ------
        MetricError
            A metric needs a reference and there is none.
        """
        x, prepared = self._pair(distorted, reference)
        scores: dict[str, Tensor] = {}
        with grad_mode(x, prepared.batch):
            for group in self._passes():
                cached = prepared.features.get(group[0].pass_key)
                found = type(group[0]).score_group(group, x, prepared.batch, cached)
                scores.update(zip((metric.name for metric in group), found, strict=True))
        return {m.name: reduce(usable(scores[m.name]), m.reduction) for m in self}

    def _pair(
        self, distorted: ImageLike, reference: ImageLike | None
    ) -> tuple[Tensor, PreparedReference]:
        first = next(iter(self))
        if reference is not None:
            return first.pair(distorted, reference)
        self._refuse_without_reference()
        x = first._batch(distorted, "image")
        return x, PreparedReference(x)

    def _refuse_without_reference(self) -> None:
        if self.needs_reference:
            names = ", ".join(metric.name for metric in self if metric.needs_reference)
            raise MetricError(f"{names}: a reference is needed and none was given.")

    def tiled(
        self, distorted: ImageLike, reference: ImageLike | None = None, *, side: int = TILE_SIDE
    ) -> dict[str, Tensor]:
        """Score one image of any size in bounded memory, tile by tile; see `Metric.tiled`.

        Parameters
        ----------
        distorted
            One image.
        reference
            Its reference; may be left out where no metric of the set needs it.
        side
            Pixels along the side of a tile.

        Returns
        -------
        dict of str to Tensor
            Scores (1,), or reduced as each metric says, by name.

        Raises
        ------
        ImageError
            An image cannot be read, is out of range, or the sizes differ.
        MetricError, BackboneError
            A metric needs the whole image at once, or a reference that is not there.
        """
        first = next(iter(self))
        if reference is None:
            self._refuse_without_reference()
            distorted = reference = as_pixels(distorted, first.policy, name="image")
        x, y = paired(distorted, reference, first.policy, first.align)
        scores: dict[str, Tensor] = {}
        passes = [(group, group[0]._tile_pass(group)) for group in self._passes()]
        for group, tile_pass in passes:
            scores.update(take_tiles(tile_pass, x, y, side, group[0].device))
        return {m.name: reduce(scores[m.name], m.reduction) for m in self}

    @property
    def tiles(self) -> bool:
        """Whether every metric of the set can score an image tile by tile."""
        return all(metric.tiles for metric in self)

    @property
    def thread_safe(self) -> bool:
        """Whether every metric of the set can score images in several threads at once."""
        return all(metric.thread_safe for metric in self)

    def prepare(self, reference: ImageLike) -> PreparedReference:
        """Decode a reference and compute its features once, for every metric of the set.

        Parameters
        ----------
        reference
            Any image that `Metric.forward` takes.

        Returns
        -------
        PreparedReference
            To be given in the place of the reference.
        """
        batch = next(iter(self))._batch(reference, "reference")
        features: dict[Any, Any] = {}
        with torch.no_grad():
            for group in self._passes():
                features.update(type(group[0]).prepare_group(group, batch).features)
        return PreparedReference(batch, features)

    def feature_bytes(self, height: int, width: int) -> int:
        """Estimate the memory that `prepare` takes for features of an image of this size."""
        return sum(type(group[0]).prepared_bytes(group, height, width) for group in self._passes())

    def _passes(self) -> list[list[Metric]]:
        """Group the metrics by the pass that they share."""
        groups: dict[Any, list[Metric]] = {}
        for metric in self:
            groups.setdefault(metric.pass_key or metric.name, []).append(metric)
        return list(groups.values())

    def manifest(self) -> list[dict[str, Any]]:
        """Return the manifest of every metric."""
        return [metric.manifest() for metric in self]
