"""Engines by name."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from snellen.metrics import MetricSet
from snellen.runs._engine import EngineOptions, Outcome, Task, score_items
from snellen.runs._recipe import Recipe
from snellen.runs._sinks import RunError

Engine: TypeAlias = Callable[[Iterable[Task]], Iterator[Outcome]]
"""Numbered inputs to outcomes, in any order, each input once."""

ENGINES = ("local", "ray")
"""Names of engines."""


def engine_for(
    name: str,
    metrics: MetricSet,
    recipe: Recipe | None,
    options: EngineOptions,
    more: Mapping[str, Any],
) -> Engine:
    """Make an engine.

    Parameters
    ----------
    name
        One of `ENGINES`.
    metrics
        What to score by.
    recipe
        The same as plain values, for other processes; None for metrics that the caller made.
    options
        How many images at once, and how much memory.
    more
        Options of this engine alone.

    Raises
    ------
    RunError
        There is no such engine, it has no such option, or it is not installed.
    """
    if name not in ENGINES:
        raise RunError(f"engine: expected one of {', '.join(ENGINES)}; got {name!r}.")
    if name == "ray":
        from snellen.runs._ray import RayEngine, RayOptions

        return RayEngine(metrics, recipe, options, RayOptions.of(more))
    if more:
        raise RunError(
            f"the local engine has no option {', '.join(more)}; options of that kind are those of "
            'the engine "ray".'
        )
    return lambda tasks: score_items(tasks, metrics, options)
