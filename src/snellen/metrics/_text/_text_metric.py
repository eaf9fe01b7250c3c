"""Blind metrics that hold an image against prompts, by the two towers of CLIP."""

from collections.abc import Sequence
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from snellen.backbones import EMBEDDING_LAYER, Backbone, TextTower
from snellen.errors import MetricError
from snellen.metrics._handling import Handling
from snellen.metrics._metric import versions
from snellen.metrics._no_reference import NoReferenceMetric
from snellen.metrics._row import MetricRow
from snellen.metrics._text._readings import READINGS, direction

PROTOCOL_OPTIONS = ("prompts", "crops")


def square_crops(batch: Tensor, side: int) -> tuple[Tensor, int]:
    """Cut images into squares along their long side, and resize these.

    Parameters
    ----------
    batch
        Image batch (N, 3, H, W).
    side
        Side to which every square is resized: bicubic, without antialiasing.

    Returns
    -------
    tuple
        Crops (N * n, 3, side, side), those of one image beside each other, and
        n = long // short + 1. Of a square image the n = 2 crops would be one: n is 1.
    """
    short, long = sorted(batch.shape[2:])
    count = long // short + 1 if long > short else 1
    stride = (long - short) // (count - 1) if count > 1 else 0
    tall = batch.shape[2] > batch.shape[3]
    parts = []
    for i in range(count):
        along = slice(i * stride, i * stride + short)
        parts.append(batch[:, :, along, :] if tall else batch[:, :, :, along])
    crops = torch.stack(parts, dim=1).flatten(0, 1)
    if short != side:
        crops = F.interpolate(crops, (side, side), mode="bicubic", align_corners=False)
    return crops, count


class TextMetric(NoReferenceMetric):
    """How an image's embedding lies to pairs of prompts, clean and degraded.

    Made by `create_metric`, which see; `Metric` has the other parameters and attributes.

    Parameters
    ----------
    row, handling
        As `Metric` takes them.
    backbone
        Image tower of open_clip.

    Raises
    ------
    MetricError
        The prompts are no pairs of different texts, or the image tower takes images of one size
        that is not square.
    """

    def __init__(self, row: MetricRow, handling: Handling, *, backbone: Backbone) -> None:
        super().__init__(row, handling)
        self.backbone = backbone
        self.layers = (EMBEDDING_LAYER,)
        self.prompts = _pairs(row.options["prompts"], row.name)
        self.crops: bool = row.options["crops"]
        self._side = _crop_side(backbone, row.name) if self.crops else 0
        text = TextTower(backbone).embed([prompt for pair in self.prompts for prompt in pair])
        self._check_directions(text.view(len(self.prompts), 2, -1))
        self.register_buffer(
            "_text", text.view(len(self.prompts), 2, -1).to(backbone.precision), persistent=False
        )

    def _check_directions(self, text: Tensor) -> None:
        for pair, way in zip(self.prompts, direction(text), strict=True):
            if float(way.abs().max()) == 0:
                raise MetricError(
                    f"{self.name}: the prompts {pair[0]!r} and {pair[1]!r} mean the same to the "
                    "text tower; give a clean and a degraded one."
                )

    @property
    def network(self) -> tuple[Backbone, tuple[str, ...]]:
        """The image tower, and the layer that is its embedding."""
        return self.backbone, self.layers

    @property
    def pass_key(self) -> tuple[Any, ...]:
        """What two metrics must have in common to share the embedding of a batch."""
        return ("embedding", self.backbone, self.protocol, self.crops)

    @classmethod
    def assess_group(cls, group: Sequence[Self], x: Tensor) -> list[Tensor]:
        """Embed a batch once, and hold it against the prompts of every metric: (N,) each."""
        embedded = group[0]._embedding(x)
        return [metric._read(embedded) for metric in group]

    def _assess(self, x: Tensor) -> Tensor:
        return self.assess_group([self], x)[0]

    def _embedding(self, x: Tensor) -> Tensor:
        """Embed the crops of a batch: (N, n, D)."""
        images, count = self.protocol(x), 1
        if self.crops:
            images, count = square_crops(images, self._side)
        _, features = next(iter(self.backbone.stream(images, self.layers)))
        return features.flatten(1).view(len(x), count, -1)

    def _read(self, embedded: Tensor) -> Tensor:
        """Hold embeddings (N, n, D) against the prompts: (N,)."""
        text = self._buffers["_text"]
        assert text is not None
        options = {k: v for k, v in self.row.options.items() if k not in PROTOCOL_OPTIONS}
        read = READINGS[self.row.readout](embedded.flatten(0, 1), text, **options)
        return read.view(*embedded.shape[:2], -1).mean(dim=(1, 2)).float()

    def _libraries(self) -> Sequence[str]:
        return ("open_clip_torch",)

    def manifest(self) -> dict[str, Any]:
        """Return what it takes to get the same numbers again, as plain values."""
        cut = {
            "crops": "squares of the short side along the long side, n = long // short + 1",
            "crop resize": f"bicubic to {self._side}, not antialiased",
        }
        manifest = super().manifest()
        manifest["protocol"] |= cut if self.crops else {}
        return {
            **manifest,
            "backbone": self.backbone.manifest(),
            "versions": manifest["versions"] | versions("timm"),
        }


def _pairs(prompts: Any, name: str) -> tuple[tuple[str, str], ...]:
    pairs = [tuple(pair) for pair in prompts if not isinstance(pair, str)]
    texts = [text for pair in pairs for text in pair]
    right = len(pairs) == len(prompts) > 0 and all(len(pair) == 2 for pair in pairs)
    if not right or not all(isinstance(text, str) and text.strip() for text in texts):
        raise MetricError(
            f"{name}: prompts must be pairs (clean, degraded) of texts, such as "
            f"[('a sharp photo', 'a blurry photo')]; got {prompts!r}."
        )
    return tuple((clean, degraded) for clean, degraded in pairs)


def _crop_side(backbone: Backbone, name: str) -> int:
    size = backbone.fixed_size
    if size is None or size[0] != size[1]:
        raise MetricError(
            f"{name}: {backbone.name} takes images of "
            f"{'any size' if size is None else f'{size[1]}x{size[0]}'}, and square crops are for "
            'towers of one square size; set options={"crops": False}.'
        )
    return size[0]
