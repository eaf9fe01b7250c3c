"""Which metrics a run scores by, as plain values that travel to other processes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from snellen.metrics import MetricSet, create_metrics, find_row, list_metrics
from snellen.runs._sinks import RunError

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
    if lonely and not has_references:
        raise RunError(
            f"{', '.join(lonely)}: compares with a reference, and the images have none; name one "
            "with --reference (reference=), or give a table with a column 'reference'."
        )
    place = str(device) if str(device) != "auto" else _best_device()
    given = {**(options or {}), "device": place}
    if precision == "auto":
        precision = _best_precision(place)
        if any(row.backbone is not None for row in rows.values()):
            given["precision"] = precision
    elif precision != "float32":
        given["precision"] = precision
    return Recipe(tuple(rows), given)


def _names(metrics: str | Sequence[str] | None, has_references: bool) -> list[str]:
    if metrics is not None:
        given = [metrics] if isinstance(metrics, str) else list(metrics)
        return [name for text in given for name in text.split(",") if name]
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
