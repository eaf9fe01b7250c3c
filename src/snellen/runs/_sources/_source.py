"""An ordered collection of inputs, which may be longer than memory."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import Any

from snellen.errors import SourceError
from snellen.runs._sources._item import Item

Shard = tuple[int, int]
"""Which part, from 1, of how many."""


@dataclass(frozen=True)
class Source:
    """Inputs in a fixed order; made by `open_source`.

    Attributes
    ----------
    items
        Makes the inputs, from the first one on each time it is called.
    count
        How many there are; None where counting would mean reading it all.
    columns
        Columns that are carried through, with the names of their Arrow types.
    has_references
        Whether inputs have references.
    description
        What the manifest says about the source.
    notes
        What people should know of it, a sentence each, such as references that nothing uses.
    passed_over
        How many files of each suffix of images that cannot be read lie among the others.
    """

    items: Callable[[], Iterable[Item]]
    count: int | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    has_references: bool = False
    description: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    passed_over: Mapping[str, int] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items())

    def select(self, limit: int | None = None, shard: Shard | None = None) -> "Source":
        """Return the first inputs, and of these every n-th, by position.

        Parameters
        ----------
        limit
            How many of the whole source.
        shard
            Which part, from 1, of how many. The parts of one source have every input of the
            limited source between them, each once.

        Raises
        ------
        SourceError
            The limit is negative, or there is no such part.
        """
        if limit is not None and limit < 0:
            raise SourceError(f"limit: expected 0 or more, got {limit}.")
        part, parts = shard or (1, 1)
        if not 1 <= part <= parts:
            raise SourceError(f"shard: expected a part from 1 to {parts}, got {part} of {parts}.")
        if limit is None and parts == 1:
            return self
        count = self.count
        if count is not None:
            count = count if limit is None else min(count, limit)
            count = (count - part + parts) // parts

        def chosen() -> Iterator[Item]:
            return islice(islice(iter(self), limit), part - 1, None, parts)

        said = {**self.description, "limit": limit}
        if parts > 1:
            said["shard"] = f"{part}/{parts}"
        return replace(self, items=chosen, count=count, description=said)


def joined(sources: Sequence[Source]) -> Source:
    """Return the inputs of several sources, one after the other."""
    if len(sources) == 1:
        return sources[0]
    counts = [source.count for source in sources]
    columns: dict[str, str] = {}
    for source in sources:
        for name, kind in source.columns.items():
            columns[name] = kind if columns.get(name, kind) == kind else "string"

    def items() -> Iterator[Item]:
        return chain.from_iterable(sources)

    known = [count for count in counts if count is not None]
    return Source(
        items,
        count=sum(known) if len(known) == len(counts) else None,
        columns=columns,
        has_references=any(source.has_references for source in sources),
        notes=tuple(note for source in sources for note in source.notes),
        passed_over=sum((Counter(source.passed_over) for source in sources), Counter()),
    )


def parse_shard(text: str) -> Shard:
    """Read ``"2/16"``: the second of sixteen parts.

    Raises
    ------
    SourceError
        It is not written so, or there is no such part.

    Examples
    --------
    >>> parse_shard("2/16")
    (2, 16)
    """
    found = re.fullmatch(r"([1-9]\d*)/([1-9]\d*)", text)
    if not found or int(found[1]) > int(found[2]):
        raise SourceError(
            f"shard {text!r}: expected PART/PARTS, such as 1/16 for the first of 16 and 16/16 for "
            "the last."
        )
    return int(found[1]), int(found[2])
