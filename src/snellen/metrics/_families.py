"""Families of metrics: how each is made, and the one table of which options it takes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from snellen.backbones import EMBEDDED
from snellen.errors import MetricError
from snellen.metrics._attributes._attributes import attribute_metric
from snellen.metrics._catalogue._look_up import ROWS
from snellen.metrics._classical._classical import classical_metric
from snellen.metrics._deep._make import deep_metric
from snellen.metrics._handling import Handling
from snellen.metrics._metric import Metric
from snellen.metrics._natural_scenes._natural_scenes import scene_metric
from snellen.metrics._options import Request
from snellen.metrics._reduced._make import reduced_reference_metric
from snellen.metrics._response._make import quality_metric, response_metric
from snellen.metrics._row import FamilyName, MetricRow
from snellen.metrics._text._make import text_metric

_EVERY_METRIC = ("resize", "reduction", "align", "policy", "device")
_NETWORK = ("backbone", "weights", "seed", "precision")
_COMPARISON = ("layers", "readout", "readout_options", "combine")
_SHORT = {"layer": "layers"}


@dataclass(frozen=True)
class Family:
    """Metrics that are computed in one way.

    Attributes
    ----------
    make
        Makes the metric of a row.
    nature
        What its metrics do or have, which says why they do not take other options.
    options
        Options of `create_metric` that they take, besides those that every metric takes;
        ``"own_options"`` are the keys of the row's own ``options``.
    """

    make: Callable[[MetricRow, Request, Handling], Metric]
    nature: str
    options: tuple[str, ...] = ()


FAMILIES: Mapping[FamilyName, Family] = {
    "deep": Family(
        deep_metric,
        "compares the features of two images",
        (*_NETWORK, *_COMPARISON, "channel_weights", "head_weights"),
    ),
    "classical": Family(classical_metric, "has no network"),
    "reduced-reference": Family(
        reduced_reference_metric,
        "compares descriptors",
        (*_NETWORK, "layers", "readout_options", "values", "projection"),
    ),
    "response": Family(
        response_metric,
        "compares an image with degraded versions of it, without learned weights",
        (*_NETWORK, *_COMPARISON, "levels", "degradation_seed"),
    ),
    "response-quality": Family(
        quality_metric,
        "has a fitted head, which settles what is measured",
        (*_NETWORK, "head_weights"),
    ),
    "text": Family(
        text_metric,
        "holds an image against prompts",
        (*_NETWORK, "readout_options", "own_options"),
    ),
    "natural-scene": Family(scene_metric, "has no network", ("weights", "head_weights")),
    "attribute": Family(attribute_metric, "has no network"),
}
"""Every family of metrics, by the name that rows give it."""


def refuse_foreign(row: MetricRow, request: Request) -> None:
    """Refuse options that the family of a metric does not take.

    Raises
    ------
    MetricError
        Names the options, and the metrics that take them.
    """
    taken = {*_EVERY_METRIC, *FAMILIES[row.family].options}
    own = [name for name in request.own_options or {} if name not in own_options(row)]
    if own:
        known = ", ".join(own_options(row)) or "none of its own"
        raise MetricError(f"{row.name} has no option {', '.join(own)}; it has {known}.")
    refused = [name for name in request.asked() if name not in taken]
    if refused:
        others = "; ".join(f"{name} is for {_takers(name)}" for name in refused)
        raise MetricError(
            f"{row.name} {FAMILIES[row.family].nature}: {', '.join(refused)} cannot be set; "
            f"{others}."
        )


def _takers(option: str) -> str:
    """Name the families that take an option, each with a metric of it."""
    example = {row.family: row.name for row in reversed(ROWS.values())}
    takers = [
        f"{name} ({example[name]})" for name, one in FAMILIES.items() if option in one.options
    ]
    *most, last = takers
    return f"{', '.join(most)} and {last} metrics" if most else f"{last} metrics"


def own_options(row: MetricRow) -> tuple[str, ...]:
    """Return the options that a metric takes by the names in its row."""
    return tuple(row.options) if "own_options" in FAMILIES[row.family].options else ()


def concerns(option: str, row: MetricRow) -> bool:
    """Tell whether a metric of a set has use for an option."""
    if option in _EVERY_METRIC or option in own_options(row):
        return True
    name = _SHORT.get(option, option)
    has_use = {
        "head_weights": row.head is not None,
        "levels": len(row.degradations) > 1,
        # Embedded networks bring their own: a file among several metrics is for the others.
        "weights": row.backbone not in EMBEDDED,
    }
    return name in FAMILIES[row.family].options and has_use.get(name, True)


def refuse_unused(
    options: Mapping[str, Any], defaults: Mapping[str, Any], rows: Sequence[MetricRow]
) -> None:
    """Refuse options that no metric of a set takes, which would otherwise go unnoticed.

    Raises
    ------
    MetricError
        Names the option, and what there is instead.
    """
    known = {**defaults, **dict.fromkeys(_flat(own_options(row) for row in rows))}
    for option, value in options.items():
        if option not in known:
            raise MetricError(
                f"create_metrics has no option {option!r}; it has {', '.join(known)}."
            )
        if value != known[option] and not any(concerns(option, row) for row in rows):
            names = ", ".join(row.name for row in rows)
            raise MetricError(
                f"{option} cannot be set: no metric among {names} has use for it; it is for "
                f"{_takers(_SHORT.get(option, option))}."
            )


def _flat(groups: Iterable[Iterable[str]]) -> Iterable[str]:
    return (name for group in groups for name in group)
