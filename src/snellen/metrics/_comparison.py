"""What families that compare features share: network, layers, readout, and one score of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from snellen.backbones import Backbone
from snellen.errors import MetricError
from snellen.metrics._catalogue._look_up import on_network
from snellen.metrics._default_layers import resolve_layers
from snellen.metrics._networks import network_of
from snellen.metrics._options import Request
from snellen.metrics._row import Combine, MetricRow
from snellen.readouts import Readout, create_readout


@dataclass(frozen=True)
class Comparison:
    """The definition of a metric, changed as asked, and what it is made of."""

    row: MetricRow
    backbone: Backbone
    layers: tuple[str, ...]
    readout: Readout


def compared(row: MetricRow, request: Request) -> Comparison:
    """Make what a row compares images by.

    Raises
    ------
    MetricError
        The readout cannot be taken as the layers are combined, or a layer is named twice.
    """
    row = request.redefined(row)
    backbone = network_of(row, request)
    if backbone.name != row.backbone:
        row = replace(on_network(row, backbone.name), range=(0.0, None))
    layers = resolve_layers(row.layers, backbone)
    readout = create_readout(row.readout, **row.options)
    if row.combine == "join" and not readout.joins:
        raise MetricError(
            f"{row.name}: the readout {readout.name!r} cannot be taken of concatenated layers; "
            "use combine='mean' or 'sum'."
        )
    return Comparison(replace(row, layers=layers), backbone, layers, readout)


def combined(readout: Readout, combine: Combine, sums: Sequence[Tensor]) -> Tensor:
    """Make scores (N,) out of every layer's sums."""
    if combine == "join":
        return readout.score(readout.distance(torch.stack(list(sums)).sum(0)))
    distances = torch.stack([readout.distance(s) for s in sums])
    return readout.score(distances.mean(0) if combine == "mean" else distances.sum(0))
