"""Whether a run may go on: only with the very manifest it was begun with."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from snellen.errors import SnellenError

_NOT_COMPARED = ("limit",)
_SHOWN = 4


class RunError(SnellenError, ValueError):
    """A run cannot be started, or cannot go on where it was."""


def plain(manifest: Any) -> Any:
    """Return a manifest as it comes back from a file."""
    return json.loads(json.dumps(manifest, default=str))


def check_same(begun: Any, now: Any, output: str) -> None:
    """Refuse to go on with another manifest.

    Raises
    ------
    RunError
        They differ; the message says in what.
    """
    found = list(changes(begun, plain(now), ""))
    if not found:
        return
    more = "" if len(found) <= _SHOWN else f", and {len(found) - _SHOWN} more"
    raise RunError(
        f"{output}: was begun with other settings, and its rows would not fit together: "
        f"{'; '.join(found[:_SHOWN])}{more}. Name another output, or start afresh with --restart "
        "(restart=True)."
    )


def changes(old: Any, new: Any, where: str) -> Iterator[str]:
    """Say in which entries two documents differ."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys([*old, *new]):
            if key not in _NOT_COMPARED:
                yield from changes(old.get(key), new.get(key), f"{where}.{key}".lstrip("."))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for i, (a, b) in enumerate(zip(old, new, strict=True)):
            yield from changes(a, b, f"{where}[{i}]")
    elif old != new:
        yield f"{where} was {_short(old)} and is {_short(new)}"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
