"""Options that go together: declared once, and taken by every command that works alike."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer


class OptionGroup:
    """Options of commands, as the fields of a dataclass."""


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Spread parameters that are groups of options into single options.

    Typer reads the options of a command from its signature. This gives it one in which every
    parameter of a type derived from `OptionGroup` is replaced by the fields of that type.
    """
    hints = get_type_hints(command, include_extras=True)
    parameters, groups = [], {}
    for name, parameter in inspect.signature(command).parameters.items():
        kind = hints[name]
        if isinstance(kind, type) and issubclass(kind, OptionGroup):
            groups[name] = kind
            parameters += _parameters(kind)
        else:
            parameters.append(parameter.replace(annotation=kind, kind=parameter.KEYWORD_ONLY))

    @wraps(command)
    def run(**given: Any) -> None:
        for name, kind in groups.items():
            own = {field.name: given.pop(field.name) for field in fields(kind)}  # type: ignore[arg-type]
            given[name] = kind(**own)
        command(**given)

    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    return run


def _parameters(group: type[OptionGroup]) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=hints[field.name],
        )
        for field in fields(group)  # type: ignore[arg-type]
    ]


class EngineName(StrEnum):
    """What computes."""

    LOCAL = "local"
    RAY = "ray"


class OutputFormat(StrEnum):
    """How rows are written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"
    PARQUET = "parquet"


_PART, _SPEED, _OUTPUT = "Which inputs", "Speed and memory", "Output"


@dataclass(frozen=True)
class PartOptions(OptionGroup):
    """Which part of a collection."""

    limit: Annotated[
        int | None,
        typer.Option(min=0, help="Only so many inputs, the first ones.", rich_help_panel=_PART),
    ] = None
    shard: Annotated[
        str | None,
        typer.Option(
            help="PART/PARTS, such as 1/16: every 16th input, from the first.",
            rich_help_panel=_PART,
        ),
    ] = None

    def given(self) -> dict[str, Any]:
        """Return them as `snellen.runs.score` takes them."""
        return {"limit": self.limit, "shard": self.shard}


@dataclass(frozen=True)
class BatchOptions(OptionGroup):
    """How many images at once, and how large ones are scored: fields of `EngineOptions`."""

    batch_size: Annotated[
        int | None,
        typer.Option(
            min=1, help="Most images at once. Default: see the guide.", rich_help_panel=_SPEED
        ),
    ] = None
    threads: Annotated[
        int | None,
        typer.Option(
            min=1, help="Threads that decode. Default: one a processor.", rich_help_panel=_SPEED
        ),
    ] = None
    tile: Annotated[
        str,
        typer.Option(
            help="Large images in tiles: auto, off, or pixels along a tile's side.",
            rich_help_panel=_SPEED,
        ),
    ] = "auto"

    def given(self) -> dict[str, Any]:
        """Return those that are not as they are by default."""
        return {name: value for name, value in vars(self).items() if value not in (None, "auto")}


@dataclass(frozen=True)
class EngineChoice(OptionGroup):
    """What computes."""

    engine: Annotated[EngineName, typer.Option(help="What computes.", rich_help_panel=_SPEED)] = (
        EngineName.LOCAL
    )
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Processes of the Ray engine. Default: all that fit.",
            rich_help_panel=_SPEED,
        ),
    ] = None
    ray_address: Annotated[
        str | None,
        typer.Option(
            help="Of a Ray cluster. Default: RAY_ADDRESS, or this machine.",
            rich_help_panel=_SPEED,
        ),
    ] = None

    def given(self) -> dict[str, Any]:
        """Return it as `snellen.runs.score` takes it."""
        more = {"workers": self.workers, "address": self.ray_address}
        return {
            "engine": self.engine.value,
            "engine_options": {name: value for name, value in more.items() if value is not None},
        }


_FILE = "File of results (.csv, .json, .jsonl, .parquet), or a folder for Parquet parts."


@dataclass(frozen=True)
class OutputOptions(OptionGroup):
    """Where rows go."""

    output: Annotated[
        Path | None, typer.Option("-o", "--output", help=_FILE, rich_help_panel=_OUTPUT)
    ] = None
    format_: Annotated[
        OutputFormat | None,
        typer.Option(
            "--format", help="Default: by the suffix of --output.", rich_help_panel=_OUTPUT
        ),
    ] = None
    restart: Annotated[
        bool,
        typer.Option(
            "--restart",
            help="Throw away what an earlier run left in --output.",
            rich_help_panel=_OUTPUT,
        ),
    ] = False
