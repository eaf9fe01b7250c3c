"""Metrics of a run: by name, as plain values that travel to other processes, or made already."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

import torch

from snellen.errors import RunError
from snellen.metrics import Metric, MetricSet, create_metrics, find_row, list_metrics

WITH_REFERENCE = "dfb"
WITHOUT_REFERENCE = "ddr"


@dataclass(frozen=True)
class Recipe:
    """Names of metrics and their options; any process can make the same metrics of it.

    Attributes
    ----------
    names
        Names of metrics.
    options
        Options of `create_metrics`, the device and the precision among them.
    """

    names: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)

    def make(self, **changes: Any) -> MetricSet:
        """Make the metrics; changes take the place of options of the same name."""
        return create_metrics(list(self.names), **{**self.options, **changes})


Metrics: TypeAlias = str | Metric | MetricSet | Sequence[str | Metric] | None
"""Names of metrics, or metrics that are made."""


def metrics_for(
    metrics: Metrics,
    *,
    has_references: bool,
    attributes: bool = False,
    device: str | torch.device = "auto",
    precision: str = "float32",
    options: Mapping[str, Any] | None = None,
) -> tuple[MetricSet, Recipe | None]:
    """Make metrics of their names, or take those that are made already.

    Parameters
    ----------
    metrics
        Names, as for `recipe_for`, or metrics.
    has_references, attributes, device, precision, options
        As for `recipe_for`. Metrics that are made are on their device already, and keep their
        options.

    Returns
    -------
    tuple
        The metrics, and how other processes make the same; None for metrics that were given.

    Raises
    ------
    MetricError
        A metric does not exist.
    RunError
        A metric needs references and there are none, or options come with metrics that are made.
    """
    made = _made(metrics)
    if made is None:
        recipe = recipe_for(
            cast("str | Sequence[str] | None", metrics), has_references=has_references,
            attributes=attributes, device=device, precision=precision, options=options,
        )  # fmt: skip
        return recipe.make(), recipe
    changes = {
        "attributes": attributes,
        "device": str(device) not in ("auto", str(next(iter(made)).device)),
        "precision": precision == "bfloat16",
    }
    changed = [*(options or {}), *(name for name, is_changed in changes.items() if is_changed)]
    if changed:
        raise RunError(f"{', '.join(changed)}: cannot be changed in metrics that are made.")
    _refuse_lonely([m.name for m in made if m.needs_reference], has_references)
    return made, None


def _made(metrics: Metrics) -> MetricSet | None:
    """Return metrics that are made already, and None for names."""
    if isinstance(metrics, MetricSet):
        return metrics
    given = [] if metrics is None or isinstance(metrics, str) else metrics
    given = [given] if isinstance(given, Metric) else list(given)
    found = [metric for metric in given if isinstance(metric, Metric)]
    if found and len(found) < len(given):
        raise RunError("metrics: expected names, or metrics that are made; got both.")
    return MetricSet(found) if found else None


def recipe_for(
    metrics: str | Sequence[str] | None,
    *,
    has_references: bool,
    attributes: bool = False,
    device: str | torch.device = "auto",
    precision: str = "float32",
    options: Mapping[str, Any] | None = None,
) -> Recipe:
    """Choose metrics and settings.

    Parameters
    ----------
    metrics
        Names; by default ``"dfb"`` where there are references, and ``"ddr"`` where there are none.
    has_references
        Whether images come with references.
    attributes
        Whether to add all attributes of the catalogue.
    device
        Where to compute; ``"auto"`` is a GPU of CUDA where there is one, and else the processor.
    precision
        ``"float32"``, ``"bfloat16"``, or ``"auto"``: bfloat16 on a GPU that computes in it.
    options
        Further options of `create_metrics`.

    Raises
    ------
    MetricError
        A metric does not exist.
    RunError
        A metric needs references and there are none, or no metric does without.
    """
    names = _names(metrics, has_references)
    if attributes:
        names += [name for name in list_metrics("attribute") if "*" not in name]
    rows = {name: find_row(name) for name in dict.fromkeys(names)}
    lonely = [n for n, row in rows.items() if row.kind.startswith(("full", "reduced"))]
    _refuse_lonely(lonely, has_references)
    place = str(device) if str(device) != "auto" else _best_device()
    given = {**(options or {}), "device": place}
    if precision == "auto":
        precision = _best_precision(place)
        if any(row.backbone is not None for row in rows.values()):
            given["precision"] = precision
    elif precision != "float32":
        given["precision"] = precision
    return Recipe(tuple(rows), given)


def _refuse_lonely(lonely: Sequence[str], has_references: bool) -> None:
    if lonely and not has_references:
        raise RunError(
            f"{', '.join(lonely)}: compares with a reference, and the images have none; name one "
            "with --reference (reference=), or give a table with a column 'reference'."
        )


def _names(metrics: str | Sequence[str] | None, has_references: bool) -> list[str]:
    if metrics is not None:
        given = [metrics] if isinstance(metrics, str) else list(metrics)
        names = [name for text in given for name in text.split(",") if name]
        if not names:
            raise RunError("metrics: expected at least one name, got none.")
        return names
    if has_references:
        return [WITH_REFERENCE]
    if WITHOUT_REFERENCE in list_metrics("no-reference"):
        return [WITHOUT_REFERENCE]
    raise RunError(
        "the images have no references, and no metric was named that does without: name one, or "
        "references with --reference (reference=)."
    )


def _best_device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def _best_precision(device: str) -> str:
    on_gpu = device.startswith("cuda") and torch.cuda.is_bf16_supported()
    return "bfloat16" if on_gpu else "float32"
