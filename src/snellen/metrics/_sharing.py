"""Which options concern which metric, and networks that several metrics share."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from snellen.backbones import EMBEDDED, Backbone
from snellen.errors import MetricError
from snellen.metrics._catalogue._response_names import is_response
from snellen.metrics._deep._features import FeatureMetric
from snellen.metrics._metric import Metric
from snellen.metrics._networks import make_network, named
from snellen.metrics._options import Request
from snellen.metrics._reduced._reduced import ReducedReferenceMetric
from snellen.metrics._response._response import ResponseMetric
from snellen.metrics._row import MetricRow
from snellen.metrics._text._text_metric import TextMetric

_OF_THE_REDUCED = ("values", "projection")
_OF_RESPONSES = ("levels", "degradation_seed")
_OF_ALL = ("reduction", "align", "policy", "device", "resize")


def concerns(option: str, row: MetricRow) -> bool:
    """Tell whether a metric has use for an option of `create_metrics`."""
    if option in _OF_ALL or option in row.own_options:
        return True
    if option in _OF_THE_REDUCED:
        return row.kind == "reduced-reference"
    if option in _OF_RESPONSES:
        return is_response(row) and (option != "levels" or len(row.degradations) > 1)
    if option == "head_weights" or (option == "weights" and row.backbone is None):
        return row.head is not None and row.kind != "reduced-reference"
    # Embedded networks bring their own: a file among several metrics is for the others.
    return row.backbone is not None and not (option == "weights" and row.backbone in EMBEDDED)


def refuse_foreign(row: MetricRow, request: Request) -> None:
    """Refuse options that belong to another kind of metric.

    Raises
    ------
    MetricError
        Names the options, and the kind that has them.
    """
    if row.kind != "reduced-reference" and request.asked(*_OF_THE_REDUCED):
        raise MetricError(
            f"{row.name} is {row.kind}: values and projection are options of "
            "reduced-reference metrics."
        )
    if not is_response(row) and request.asked(*_OF_RESPONSES):
        raise MetricError(
            f"{row.name} degrades no image: levels and degradation_seed are options of ddr and "
            "ddr-* metrics."
        )
    unknown = [name for name in request.options or {} if name not in row.own_options]
    if unknown:
        known = ", ".join(row.own_options) or "none of its own"
        raise MetricError(f"{row.name} has no option {', '.join(unknown)}; it has {known}.")


def on_backbone(row: MetricRow, asked: object) -> MetricRow:
    """Put the network that was asked for by name into a row that has one."""
    return named(row, asked) if isinstance(asked, str) and row.backbone is not None else row


class SharedNetworks:
    """Networks that metrics made together share wherever they can.

    Attributes
    ----------
    made
        The networks that were made for them.
    """

    def __init__(self) -> None:
        self._networks: dict[tuple[Any, ...], Backbone] = {}

    @property
    def made(self) -> list[Backbone]:
        """The networks that were made for the metrics."""
        return list(self._networks.values())

    def lend(self, row: MetricRow, options: Mapping[str, Any]) -> dict[str, Any]:
        """Put a finished network into the options of a metric that has one."""
        own = dict(options)
        if row.backbone is None or isinstance(own.get("backbone"), Backbone):
            return own
        given = {name: own.pop(name) for name in ("weights", "seed", "precision") if name in own}
        key = (row.backbone, row.pooling, row.normalise)
        if key not in self._networks:
            self._networks[key] = make_network(row, **given)
        return {**own, "backbone": self._networks[key]}


def keep_needed(metrics: Sequence[Metric], made: Iterable[Backbone] | None = None) -> None:
    """Give up what no metric needs of their networks, or of some of these."""
    types = (FeatureMetric, ReducedReferenceMetric, ResponseMetric, TextMetric)
    users = [metric for metric in metrics if isinstance(metric, types)]
    for backbone in {m.backbone for m in users} if made is None else made:
        backbone.keep({name for m in users if m.backbone is backbone for name in m.layers})
