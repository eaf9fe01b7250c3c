"""The eye exam of a network."""

from snellen.exam._channel_weights import load_channel_weights, save_channel_weights
from snellen.exam._layers import LayerExam, Series, layers
from snellen.exam._networks import NetworkSpec
from snellen.exam._readouts import CHANNEL_NORMALISED, DEFAULT_READOUTS, EXAM_READOUTS
from snellen.exam._relevance import Relevance, Split, relevance
from snellen.exam._study import Condition, Study, load_study, study
from snellen.exam._summary import summarise

__all__ = [
    "CHANNEL_NORMALISED",
    "DEFAULT_READOUTS",
    "EXAM_READOUTS",
    "Condition",
    "LayerExam",
    "NetworkSpec",
    "Relevance",
    "Series",
    "Split",
    "Study",
    "layers",
    "load_channel_weights",
    "load_study",
    "relevance",
    "save_channel_weights",
    "study",
    "summarise",
]
