"""Where images come from: folders, globs, lists, tables, tar shards, and object stores."""

from snellen.errors import SourceError
from snellen.runs._sources._item import Item, Location, Stream
from snellen.runs._sources._open import Sources, open_source
from snellen.runs._sources._source import Source, parse_shard

__all__ = [
    "Item",
    "Location",
    "Source",
    "SourceError",
    "Sources",
    "Stream",
    "open_source",
    "parse_shard",
]
