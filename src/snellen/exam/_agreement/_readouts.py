"""The readouts of the layer exam, by the names that its tables use."""

from collections.abc import Iterable

from snellen.errors import MetricError
from snellen.readouts import (
    READOUTS,
    Cosine,
    Euclidean,
    Readout,
    Statistics,
    StructureTexture,
    create_readout,
)

CHANNEL_NORMALIZED = "channel-normalized"
"""Euclidean distance in which every channel has unit mean squared distance over the dataset."""

EXAM_READOUTS: dict[str, Readout] = {
    "euclidean": Euclidean(),
    "euclidean-rms": Euclidean(rms=True),
    "cosine-position": Cosine("position"),
    "cosine-flattened": Cosine("flattened"),
    "cosine-channel": Cosine("channel"),
    "structure-texture": StructureTexture(),
    "mean": Statistics("mean"),
    "mean-std": Statistics("mean-std"),
    "gram": Statistics("gram"),
}
"""Readouts by name; all but ``gram`` follow from sums that are taken once."""

DEFAULT_READOUTS: tuple[str, ...] = (
    *(name for name in EXAM_READOUTS if name != "gram"),
    CHANNEL_NORMALIZED,
)


def find_readouts(names: Iterable[str]) -> dict[str, Readout]:
    """Return readouts by name; `CHANNEL_NORMALIZED`, which needs the dataset, is left out.

    Raises
    ------
    MetricError
        There is no such readout, or none was asked for.
    """
    chosen = dict.fromkeys([names] if isinstance(names, str) else names)
    known = [*EXAM_READOUTS, CHANNEL_NORMALIZED, *(n for n in READOUTS if n not in EXAM_READOUTS)]
    for name in chosen:
        if name not in known:
            raise MetricError(f"No readout is called {name!r}; there are {', '.join(known)}.")
    if not chosen:
        raise MetricError(f"readouts: expected at least one of {', '.join(known)}.")
    found = {}
    for name in chosen:
        if name != CHANNEL_NORMALIZED:
            found[name] = EXAM_READOUTS[name] if name in EXAM_READOUTS else create_readout(name)
    return found
