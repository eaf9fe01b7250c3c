"""Readouts by name."""

from dataclasses import fields
from typing import Any

from snellen.errors import MetricError
from snellen.readouts._calibrated import Calibrated
from snellen.readouts._correlation import DistanceCorrelation
from snellen.readouts._cosine import Cosine
from snellen.readouts._euclidean import Euclidean, Squared
from snellen.readouts._readout import Readout
from snellen.readouts._statistics import Statistics
from snellen.readouts._structure import StructureTexture
from snellen.readouts._transport import Wasserstein
from snellen.readouts._windows import DeepWSD, SymmetricKL

READOUTS: dict[str, type[Readout]] = {
    readout.name: readout
    for readout in (
        Euclidean, Squared, Cosine, Calibrated, StructureTexture, Statistics,
        DistanceCorrelation, Wasserstein, DeepWSD, SymmetricKL,
    )
}  # fmt: skip
"""Classes of readouts by name."""


def create_readout(name: str, **options: Any) -> Readout:
    """Make a readout.

    Parameters
    ----------
    name
        One of `list_readouts`.
    **options
        Options of the readout, such as ``reading="channel"`` of ``"cosine"``.

    Returns
    -------
    Readout
        Takes two sets of features, gives distances.

    Raises
    ------
    MetricError
        There is no such readout, or it has no such option.

    Examples
    --------
    >>> create_readout("euclidean", rms=True)
    Euclidean(rms=True)
    """
    if name not in READOUTS:
        raise MetricError(f"No readout is called {name!r}; there are {', '.join(READOUTS)}.")
    try:
        return READOUTS[name](**options)
    except TypeError as error:
        known = ", ".join(field.name for field in fields(READOUTS[name])) or "none"
        raise MetricError(f"Readout {name!r}: {error}. Its options: {known}.") from error


def list_readouts() -> list[str]:
    """Return the names of all readouts.

    Examples
    --------
    >>> list_readouts()[:3]
    ['euclidean', 'squared', 'cosine']
    """
    return list(READOUTS)
