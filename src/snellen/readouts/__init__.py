"""Readouts: two sets of features -> a distance per image."""

from snellen.readouts._calibrated import Calibrated
from snellen.readouts._catalogue import READOUTS, create_readout, list_readouts
from snellen.readouts._correlation import DistanceCorrelation
from snellen.readouts._cosine import Cosine
from snellen.readouts._euclidean import Euclidean, Squared
from snellen.readouts._moments import Moments, ReferenceMoments
from snellen.readouts._readout import Readout
from snellen.readouts._statistics import Statistics
from snellen.readouts._structure import StructureTexture
from snellen.readouts._tally import Tally
from snellen.readouts._transport import Wasserstein
from snellen.readouts._windows import DeepWSD, SymmetricKL

__all__ = [
    "READOUTS",
    "Calibrated",
    "Cosine",
    "DeepWSD",
    "DistanceCorrelation",
    "Euclidean",
    "Moments",
    "Readout",
    "ReferenceMoments",
    "Squared",
    "Statistics",
    "StructureTexture",
    "SymmetricKL",
    "Tally",
    "Wasserstein",
    "create_readout",
    "list_readouts",
]
