"""Engines by name."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from snellen.errors import RunError
from snellen.runs._engine import EngineOptions, Outcome, Task
from snellen.runs._work import Work, WorkMaker

Engine: TypeAlias = Callable[[Iterable[Task]], Iterator[Outcome]]
"""Numbered inputs to outcomes, in any order, each input once."""

ENGINES = ("local", "ray")
"""Names of engines."""


def engine_for(
    name: str,
    work: Work,
    maker: WorkMaker,
    options: EngineOptions,
    more: Mapping[str, Any],
) -> Engine:
    """Make an engine.

    Parameters
    ----------
    name
        One of `ENGINES`.
    work
        What to do with each input here.
    maker
        How other processes make the same work.
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

        return RayEngine(work, maker, options, RayOptions.of(more))
    if more:
        raise RunError(
            f"the local engine has no option {', '.join(more)}; options of that kind are those of "
            'the engine "ray".'
        )
    return work
