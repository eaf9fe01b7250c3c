"""Reduced-reference metrics: the sender transmits a few numbers, the receiver compares.

Bianco, Celona and Napoletano (2021) measure quality in a reduced space of a layer's features: the
position of the reference in that space is all that has to be transmitted. Their pooling, number of
components and distance are not known to us; those here are options, with defaults of our own.
"""

from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor

from snellen.backbones import Backbone
from snellen.errors import ImageError, MetricError
from snellen.images import match_sizes
from snellen.metrics._handling import Handling
from snellen.metrics._metric import (
    Features,
    ImageLike,
    Metric,
    PreparedReference,
    grad_mode,
    reduce,
    usable,
)
from snellen.metrics._networks import backbone_terms
from snellen.metrics._reduced._descriptor import VALUE_TYPES, Descriptor, check_finite, differences
from snellen.metrics._reduced._pooling import Pooling
from snellen.metrics._reduced._projection import Projection, check_values
from snellen.metrics._row import MetricRow

_KEY = "descriptor"


class ReducedReferenceMetric(Metric):
    """Distance of two images' descriptors: k numbers each, made of pooled deep features.

    Parameters
    ----------
    row, handling
        See `Metric`.
    backbone
        The network.
    layers
        Names of its layers.
    pooling
        What is kept of a layer.
    projection
        Pooled features of all layers -> values.
    values
        Number k of values that are transmitted.
    value_type
        ``"float16"`` or ``"float32"``.

    Notes
    -----
    Every image is described alone, whatever batch it comes in, and both sides are rounded to the
    type of the values. The distance to a descriptor is therefore to the bit that to the image
    which it describes, the distance is symmetric, and that of equal images is exactly 0. Another
    processor or library may round a value to its neighbour (one part in 2048 in float16).

    Gradients pass the rounding as if it were not there.
    """

    def __init__(
        self,
        row: MetricRow,
        handling: Handling,
        *,
        backbone: Backbone,
        layers: Sequence[str],
        pooling: Pooling,
        projection: Projection,
        values: int,
        value_type: str = "float16",
    ) -> None:
        super().__init__(row, handling)
        if value_type not in VALUE_TYPES:
            raise MetricError(f"type must be one of {', '.join(VALUE_TYPES)}; got {value_type!r}.")
        check_values(values, projection.most_values)
        self.backbone, self.layers = backbone, tuple(layers)
        self.pooling, self.projection = pooling, projection
        self.values, self.value_type = values, value_type

    @property
    def nbytes(self) -> int:
        """Bytes that are transmitted for one image."""
        return self.values * VALUE_TYPES[self.value_type].itemsize

    @property
    def network(self) -> tuple[Backbone, tuple[str, ...]]:
        """The network, and its layers."""
        return self.backbone, self.layers

    @property
    def pass_key(self) -> Any:
        """Itself: no other metric makes the same descriptors."""
        return self

    def forward(
        self, distorted: ImageLike, reference: ImageLike | Descriptor, *, spatial: bool = False
    ) -> Tensor:
        """Score images against descriptors of their references, or against references.

        Parameters
        ----------
        distorted
            Any images that `Metric.forward` takes.
        reference
            A descriptor that this metric, or one of the same terms, made elsewhere; or images.
            One of the two may hold a single image, which then meets every image of the other.
        spatial
            There is no map: True is refused.

        Returns
        -------
        Tensor
            Distances (N,), or a scalar if `reduction` says so.

        Raises
        ------
        ImageError
            An image cannot be read, is out of range, or the sizes differ.
        MetricError
            The descriptor was made on other terms; the message names them.
        """
        if not isinstance(reference, Descriptor):
            return super().forward(distorted, reference, spatial=spatial)
        self.check(reference)
        x = self._sized(self._batch(distorted, "distorted"), reference)
        with grad_mode(x):
            if spatial:
                return self._map(x, x, None)
            scores = self._distance(self._values(x), reference.values.to(x))
        return reduce(usable(scores), self.reduction)

    def describe(self, images: ImageLike) -> Descriptor:
        """Make what the sender transmits.

        Parameters
        ----------
        images
            References: any images that `Metric.forward` takes.

        Returns
        -------
        Descriptor
            One row of k values for each image.

        Raises
        ------
        ImageError
            An image cannot be read or is out of range.
        MetricError
            The type of the values cannot hold one of them.
        """
        batch = self._batch(images, "reference")
        with torch.inference_mode():
            values = self._values(batch).to("cpu", VALUE_TYPES[self.value_type])
        height, width = batch.shape[2:]
        return Descriptor(usable(values), (height, width), self.terms())

    def check(self, descriptor: Descriptor) -> None:
        """Refuse a descriptor that was made on other terms.

        Raises
        ------
        MetricError
            Names every term that differs.
        """
        if found := differences(descriptor.terms, self.terms()):
            raise MetricError(
                f"{self.name} cannot use this descriptor, which was made on other terms: "
                f"{'; '.join(found)}."
            )

    def terms(self) -> dict[str, Any]:
        """Return what a descriptor's values depend on: sender and receiver have to agree on it."""
        decoding = {k: v for k, v in self.policy.manifest().items() if k != "max_pixels"}
        return {
            "metric": self.name,
            "backbone": backbone_terms(self.backbone),
            "layers": list(self.layers),
            "pooling": self.pooling.manifest(),
            "projection": dict(self.projection.terms),
            "protocol": self.protocol.manifest(),
            "images": decoding,
            "values": self.values,
            "type": self.value_type,
        }

    @classmethod
    def prepare_group(cls, group: Sequence[Self], reference: Tensor) -> PreparedReference:
        """Describe a reference."""
        values = {metric.pass_key: {_KEY: metric._values(reference)} for metric in group}
        return PreparedReference(reference, values)

    def pooled(self, batch: Tensor) -> Tensor:
        """Pool the features of an image batch: (N, D), before the projection."""
        # One by one: a network rounds differently in batches of different size.
        return torch.cat([self._pooled_alone(image[None]) for image in batch])

    def _pooled_alone(self, image: Tensor) -> Tensor:
        stream = self.backbone.stream(self.protocol(image), self.layers)
        pooled = {name: self.pooling(features) for name, features in stream}
        return torch.cat([pooled[name] for name in self.layers], 1)

    def _values(self, batch: Tensor) -> Tensor:
        """Describe an image batch: (N, k) in float32, rounded to the type of the values."""
        # Rows one by one as well: the product of a matrix rounds by their number.
        values = torch.cat(
            [self.projection(row, self.values) for row in self.pooled(batch)[:, None]]
        )
        rounded = values.detach().to(VALUE_TYPES[self.value_type])
        return check_finite(rounded, self.value_type).float() + (values - values.detach())

    def _score(self, x: Tensor, y: Tensor, cached: Features | None) -> Tensor:
        theirs = self._values(y) if cached is None else cached[_KEY]
        return self._distance(self._values(x), theirs)

    def _distance(self, ours: Tensor, theirs: Tensor) -> Tensor:
        squares = (ours - theirs).square().sum(1)
        different = squares > 0
        return torch.where(different, torch.where(different, squares, 1).sqrt(), 0)

    def _sized(self, x: Tensor, descriptor: Descriptor) -> Tensor:
        if self.align == "crop" and tuple(x.shape[2:]) != descriptor.size:
            raise ImageError(
                'align="crop" would cut the reference, of which there is only a descriptor; use '
                '"resize", or an image of its size.'
            )
        shape = x.new_zeros(1).expand(len(descriptor), 3, *descriptor.size)
        return match_sizes(x, shape, self.align)[0]

    def manifest(self) -> dict[str, Any]:
        """Return what it takes to get the same numbers again, as plain values."""
        return {
            **super().manifest(),
            "backbone": self.backbone.manifest(),
            "layers": list(self.layers),
            "pooling": self.pooling.manifest(),
            "projection": dict(self.projection.terms),
            "values": self.values,
            "type": self.value_type,
            "bytes": self.nbytes,
        }

    def _libraries(self) -> Sequence[str]:
        return ("torchvision", "timm")
