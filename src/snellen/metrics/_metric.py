"""What every metric is to its user."""

import importlib.metadata
import os
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Self

import torch
from PIL.Image import Image
from torch import Tensor, nn

from snellen.backbones import Backbone
from snellen.errors import MetricError, SnellenError
from snellen.images import as_image_batch, match_sizes
from snellen.metrics._handling import Handling, Reduction
from snellen.metrics._protocol import Protocol
from snellen.metrics._row import MetricRow
from snellen.metrics._tile_pass import TILE_SIDE, TilePass, paired, take_tiles

ImageLike = str | os.PathLike[str] | Image | Tensor | Any

Features = Mapping[str, Tensor]
"""Features (N, C, h, w) by layer."""


@dataclass(frozen=True)
class PreparedReference:
    """A reference that is compared with many images: decoded, and its features computed, once.

    Made by `Metric.prepare` or `MetricSet.prepare`; stands in the place of the reference.

    Attributes
    ----------
    batch
        The reference as an image batch.
    features
        Its features by layer, for each pass through a network that was asked for.
    """

    batch: Tensor
    features: Mapping[Any, Features] = field(default_factory=dict)


class Metric(nn.Module):
    """A named measure of image quality.

    Made by `create_metric`, which see. A metric is an `nn.Module`: it moves with ``.to()``, and
    where an input asks for gradients it is a loss; otherwise it runs in inference mode.

    Parameters
    ----------
    row
        What defines the metric.
    handling
        Decoding, alignment and reduction.

    Attributes
    ----------
    name : str
        Its name.
    kind : str
        ``"full-reference"``, ``"reduced-reference"``, ``"no-reference"`` or ``"attribute"``.
    lower_better : bool or None
        Whether smaller scores mean better quality; None for attributes.
    range : tuple
        Smallest and largest score; None where there is no bound.

    Notes
    -----
    A family of metrics says what it computes by `_score`. One that computes something which
    several of its metrics can share, such as a pass through a network, says so by `pass_key`, and
    computes it once in `score_group`, `prepare_group` and `_tile_pass`.
    """

    def __init__(self, row: MetricRow, handling: Handling) -> None:
        super().__init__()
        self.row, self.policy = row, handling.policy
        self.protocol = Protocol(row.resize)
        self.align, self.reduction = handling.align, handling.reduction
        self.name, self.kind = row.name, row.kind
        self.lower_better, self.range = row.lower_better, row.range
        self.register_buffer("_place", torch.empty(0), persistent=False)

    def forward(
        self, distorted: ImageLike, reference: ImageLike, *, spatial: bool = False
    ) -> Tensor:
        """Score images against their references.

        Parameters
        ----------
        distorted, reference
            A path, a PIL image, an array (HWC, uint8 or uint16, or float in [0, 1]), an image
            batch (N, 3, H, W) in [0, 1], or a list of those. One of the two may hold a single
            image, which then meets every image of the other; it is computed once.
        spatial
            Return a map of the distance instead of a score.

        Returns
        -------
        Tensor
            Scores (N,), or a scalar if `reduction` says so; maps (N, 1, H, W) if `spatial`.

        Raises
        ------
        ImageError
            An image cannot be read, is out of range, or the sizes differ.
        MetricError
            The metric has no map.
        """
        x, prepared = self.pair(distorted, reference)
        cached = prepared.features.get(self.pass_key)
        with grad_mode(x, prepared.batch):
            result = (self._map if spatial else self._score)(x, prepared.batch, cached)
        result = usable(result)
        return result if spatial else reduce(result, self.reduction)

    def score_batch(self, distorted: Tensor, reference: PreparedReference) -> Tensor:
        """Score image batches of one size that need no check, in their own floating-point type.

        What a loss calls at every step: values are not looked at, which on a GPU would wait for
        them, and gradients flow where `distorted` asks for them.

        Parameters
        ----------
        distorted
            Image batch (N, 3, H, W) in [0, 1], on the metric's device.
        reference
            As `prepare` makes it; features of this metric's pass are used where it has them.

        Returns
        -------
        Tensor
            Scores (N,), whatever the `reduction` of the metric.
        """
        return self._score(distorted, reference.batch, reference.features.get(self.pass_key))

    def prepare_batch(self, reference: Tensor) -> PreparedReference:
        """Prepare an image batch that needs no check, for `score_batch`.

        Parameters
        ----------
        reference
            Image batch (N, 3, H, W) in [0, 1], on the metric's device; gradients flow where it
            asks for them.

        Returns
        -------
        PreparedReference
            With the features of this metric's pass.
        """
        return self.prepare_group([self], reference)

    def map(self, distorted: ImageLike, reference: ImageLike) -> Tensor:
        """Show where two images differ: (N, 1, H, W), larger = worse.

        Raises
        ------
        MetricError
            The metric compares statistics of whole images, and has no map.
        """
        result: Tensor = self(distorted, reference, spatial=True)
        return result

    def prepare(self, reference: ImageLike) -> PreparedReference:
        """Decode a reference, and compute its features, once for many comparisons.

        Parameters
        ----------
        reference
            Any image that the metric takes.

        Returns
        -------
        PreparedReference
            To be given to the metric in the place of the reference.
        """
        batch = self._batch(reference, "reference")
        # Not in inference mode: a loss may need these features in its graph.
        with torch.no_grad():
            return self.prepare_batch(batch)

    def tiled(self, distorted: ImageLike, reference: ImageLike, *, side: int = TILE_SIDE) -> Tensor:
        """Score one image of any size in bounded memory, tile by tile.

        The score is that of the whole image but for rounding (1e-5 relative): every tile is seen
        with a halo as wide as the network looks, and is padded where it meets the border of the
        image, as the network pads the image, and nowhere else.

        Parameters
        ----------
        distorted, reference
            One image each, of those that the metric takes, or `Pixels`. Files and arrays stay in
            the type in which they are stored. No gradient passes.
        side
            Pixels along the side of a tile, without its halo. Memory grows with its square;
            the wider the halo is against it, the more is computed twice.

        Returns
        -------
        Tensor
            The score (1,), or a scalar if `reduction` says so.

        Raises
        ------
        ImageError
            An image cannot be read, is out of range, or the sizes differ.
        MetricError, BackboneError
            The metric needs the whole image at once; the message says what of it does.

        Examples
        --------
        >>> import torch
        >>> from snellen.metrics import create_metric
        >>> x, y = torch.rand(2, 3, 150, 200)
        >>> metric = create_metric("dfb")
        >>> torch.allclose(metric.tiled(x, y, side=64), metric(x, y), rtol=1e-5)
        True
        """
        x, y = paired(distorted, reference, self.policy, self.align)
        scores = take_tiles(self._tile_pass([self]), x, y, side, self.device)
        return reduce(scores[self.name], self.reduction)

    @property
    def tiles(self) -> bool:
        """Whether the metric can score an image tile by tile; `tiled` says why not."""
        try:
            self._tile_pass([self])
        except SnellenError:
            return False
        return True

    @classmethod
    def _tile_pass(cls, group: Sequence[Self]) -> TilePass:
        """Make the pass over tiles that serves all metrics of a group that share a pass."""
        raise MetricError(f"{group[0].name} needs the whole image at once: it cannot be tiled.")

    def pair(self, distorted: ImageLike, reference: ImageLike) -> tuple[Tensor, PreparedReference]:
        """Bring both images to image batches of one size on the metric's device.

        A prepared reference keeps its features unless the alignment changes its size.
        """
        x = self._batch(distorted, "distorted")
        if not isinstance(reference, PreparedReference):
            reference = PreparedReference(self._batch(reference, "reference"))
        if reference.batch.device != self.device:
            reference = PreparedReference(reference.batch.to(self.device))
        x, y = match_sizes(x, reference.batch, self.align)
        same = y.shape == reference.batch.shape
        return x, reference if same else PreparedReference(y)

    def _batch(self, image: ImageLike, name: str) -> Tensor:
        return as_image_batch(image, self.policy, name=name).to(self.device)

    @property
    def device(self) -> torch.device:
        """Where the metric computes."""
        place = self._buffers["_place"]
        assert place is not None
        return place.device

    @property
    def needs_reference(self) -> bool:
        """Whether the metric compares with a reference, or with a descriptor of one."""
        return self.kind in ("full-reference", "reduced-reference")

    @property
    def thread_safe(self) -> bool:
        """Whether images may be scored in several threads at once, as collections are.

        A metric that changes itself while it scores has to say that it is not.
        """
        return all(one.thread_safe for one in self.modules() if isinstance(one, Backbone))

    @property
    def has_map(self) -> bool:
        """Whether the metric can show where two images differ."""
        return False

    @property
    def network(self) -> tuple[Backbone, tuple[str, ...]] | None:
        """The network that the metric looks through, and its layers; None without one."""
        return None

    @property
    def pass_key(self) -> Any:
        """What two metrics must have in common to share a pass; None where there is none."""
        return None

    @classmethod
    def score_group(
        cls, group: Sequence[Self], x: Tensor, y: Tensor, cached: Features | None
    ) -> list[Tensor]:
        """Score image batches of one size by metrics that share a pass: (N,) each."""
        return [metric._score(x, y, cached) for metric in group]

    @classmethod
    def prepare_group(cls, group: Sequence[Self], reference: Tensor) -> PreparedReference:
        """Compute the features of a reference that metrics which share a pass need."""
        return PreparedReference(reference)

    @classmethod
    def prepared_bytes(cls, group: Sequence[Self], height: int, width: int) -> int:
        """Estimate the memory of what `prepare_group` keeps of an image of this size."""
        return 0

    @abstractmethod
    def _score(self, x: Tensor, y: Tensor, cached: Features | None) -> Tensor:
        """Score image batches of one size; `cached` holds features of `y` if it was prepared."""

    def _map(self, x: Tensor, y: Tensor, cached: Features | None) -> Tensor:
        raise MetricError(f"{self.name} gives one number for the whole image, and no map.")

    def manifest(self) -> dict[str, Any]:
        """Return what it takes to get the same numbers again, as plain values.

        Returns
        -------
        dict
            The metric's definition, protocol, weights and their hashes, the policy of decoding,
            versions, precision and device.
        """
        return {
            "metric": self.name,
            "definition": self.row.manifest(),
            "protocol": self.protocol.manifest(),
            "lower_better": self.lower_better,
            "images": self.policy.manifest(),
            "align": self.align,
            "device": str(self.device),
            "versions": versions("snellen", "torch", "pillow", *self._libraries()),
        }

    def _libraries(self) -> Sequence[str]:
        return ()

    def extra_repr(self) -> str:
        """Return the name, the kind and the direction."""
        if self.lower_better is None:
            return f"{self.name}, {self.kind}"
        direction = "lower" if self.lower_better else "higher"
        return f"{self.name}, {self.kind}, {direction} is better"


def grad_mode(*tensors: Tensor) -> AbstractContextManager[Any]:
    """Record a graph where an input asks for it; otherwise inference mode."""
    if torch.is_grad_enabled() and any(t.requires_grad for t in tensors):
        return nullcontext()
    return torch.inference_mode()


def usable(result: Tensor) -> Tensor:
    """Make an ordinary tensor of one made in inference mode, which no graph can use."""
    return result.clone() if result.is_inference() else result


def reduce(scores: Tensor, reduction: Reduction) -> Tensor:
    """Reduce scores (N,) as losses do."""
    if reduction == "none":
        return scores
    return scores.mean() if reduction == "mean" else scores.sum()


def versions(*packages: str) -> dict[str, str]:
    """Return the installed versions of packages."""
    return {name: importlib.metadata.version(name) for name in packages}
