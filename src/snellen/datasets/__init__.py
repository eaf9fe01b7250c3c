"""Databases with human scores: one loader each, one table out; a plain CSV file is enough."""

from snellen.datasets._dataset import Dataset, RatedImage
from snellen.datasets._judgements import Comparisons, JndPair, JndPairs, Triplet
from snellen.datasets._load import list_datasets, load_comparisons, load_dataset, load_jnd
from snellen.datasets._tables import read_score_table

__all__ = [
    "Comparisons",
    "Dataset",
    "JndPair",
    "JndPairs",
    "RatedImage",
    "Triplet",
    "list_datasets",
    "load_comparisons",
    "load_dataset",
    "load_jnd",
    "read_score_table",
]
