"""What a kept number depends on, and whether numbers that are kept still fit.

A stale number is wrong without a word. So every number that is kept, in a cache, a checkpoint or
the log of a run, is kept under its identity: the manifest of what was measured, the versions of
the packages that computed it, and a hash of Snellen's own code on the way.
"""

import hashlib
import importlib.metadata
import importlib.resources
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources.abc import Traversable
from typing import Any

from snellen.errors import RunError
from snellen.records._rows import Row

SCORING = ("images", "distortions", "backbones", "readouts", "metrics", "diagnosis")
"""Rooms whose code a score of an image passes through."""

MEASURING = (*SCORING, "agreement", "vision", "exam")
"""Rooms whose code a measurement of an exam passes through."""

_PACKAGES = ("snellen", "torch", "numpy", "scipy", "pillow")
_NOT_COMPARED = ("limit",)
_SHOWN = 4


def identity(manifest: Any, rooms: Sequence[str] = SCORING) -> Row:
    """Return all that a number depends on, besides the inputs.

    Parameters
    ----------
    manifest
        What was measured, and how.
    rooms
        Packages of Snellen whose code computes the number.

    Returns
    -------
    dict
        ``manifest``, ``versions`` of the packages that compute, ``code``: a hash.

    Examples
    --------
    >>> sorted(identity({"metric": "psnr"}))
    ['code', 'manifest', 'versions']
    """
    return {
        "manifest": manifest,
        "versions": versions(*_PACKAGES),
        "code": code_digest(tuple(rooms)),
    }


def versions(*packages: str) -> dict[str, str]:
    """Return the installed versions of packages."""
    return {name: importlib.metadata.version(name) for name in packages}


@cache
def code_digest(rooms: tuple[str, ...] = SCORING) -> str:
    """Hash the source of rooms, sub-folders included."""
    digest = hashlib.sha256()
    package = importlib.resources.files("snellen")
    for room in rooms:
        for name, file in sorted(_modules(package / room, room)):
            digest.update(f"{name}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:32]


def _modules(folder: Traversable, name: str) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _modules(entry, f"{name}/{entry.name}")
        elif entry.name.endswith(".py"):
            yield f"{name}/{entry.name}", entry


def digest_of(document: Any) -> str:
    """Return a hash of a document, the same for equal ones."""
    text = json.dumps(document, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def plain(manifest: Any) -> Any:
    """Return a manifest as it comes back from a file."""
    return json.loads(json.dumps(manifest, default=str))


def check_same(begun: Any, now: Any, output: str) -> None:
    """Refuse to go on with another manifest.

    Parameters
    ----------
    begun
        The manifest of the results that are there, as read from a file.
    now
        That of the run that would add to them.
    output
        What messages call the results.

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
        f"{output}: holds results of other settings, and the rows would not fit together: "
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
