"""The eye exam of a network."""

from snellen.exam._channel_weights import load_channel_weights, save_channel_weights
from snellen.exam._layers import LayerExam, Series, layers
from snellen.exam._networks import NetworkSpec
from snellen.exam._readouts import CHANNEL_NORMALISED, DEFAULT_READOUTS, EXAM_READOUTS
from snellen.exam._relevance import Relevance, Split, relevance
from snellen.exam._separability import separability
from snellen.exam._separability_exam import Confusion, Projection, SeparabilityExam
from snellen.exam._study import Condition, Study, load_study, study
from snellen.exam._summary import summarise
from snellen.exam._synthetic import SyntheticSet, synthetic_set

__all__ = [
    "CHANNEL_NORMALISED",
    "DEFAULT_READOUTS",
    "EXAM_READOUTS",
    "Condition",
    "Confusion",
    "LayerExam",
    "NetworkSpec",
    "Projection",
    "Relevance",
    "SeparabilityExam",
    "Series",
    "Split",
    "Study",
    "SyntheticSet",
    "layers",
    "load_channel_weights",
    "load_study",
    "relevance",
    "save_channel_weights",
    "separability",
    "study",
    "summarise",
    "synthetic_set",
]
