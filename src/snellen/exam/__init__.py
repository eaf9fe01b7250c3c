"""The eye exam of a network."""

from snellen.exam._agreement._layers import LayerExam, Series, layers
from snellen.exam._agreement._readouts import CHANNEL_NORMALIZED, DEFAULT_READOUTS, EXAM_READOUTS
from snellen.exam._agreement._relevance import Relevance, Split, relevance
from snellen.exam._agreement._study import Condition, study
from snellen.exam._agreement._study_networks import NetworkSpec
from snellen.exam._agreement._study_plan import Study, load_study
from snellen.exam._agreement._study_summary import summarize
from snellen.exam._channel_weights import save_channel_weights
from snellen.exam._efficacy._channel_groups import (
    ChannelWeights,
    efficacy_weights,
    high_group,
    low_group,
)
from snellen.exam._efficacy._efficacy import MEAN_OF_LAYERS, EfficacyExam, efficacy, efficacy_images
from snellen.exam._efficacy._efficacy_sets import EFFICACY_SETS, ChannelEfficacy
from snellen.exam._examination._examination import Examination
from snellen.exam._examination._examine import examine
from snellen.exam._examination._html import ReportFigure
from snellen.exam._examination._page import report_pieces
from snellen.exam._examination._part import Part
from snellen.exam._examination._parts import EXAM_PARTS
from snellen.exam._examination._progress import ExamProgress
from snellen.exam._psychophysics._masking import masking
from snellen.exam._psychophysics._metric_csf import MaskingCurve, MetricCSF
from snellen.exam._psychophysics._observer import Observer, anchor_grating
from snellen.exam._psychophysics._psychophysics import DEFAULT_FREQUENCIES, metric_csf
from snellen.exam._separation._separability import separability
from snellen.exam._separation._separability_exam import Confusion, PlaneProjection, SeparabilityExam
from snellen.exam._separation._synthetic import SyntheticSet, synthetic_set
from snellen.exam._tuning._contrast_response import ContrastResponse, fit_contrast_response
from snellen.exam._tuning._perceptual_efficacy import (
    frequency_sensitivity,
    gain_normalized,
    orientation_sensitivity,
    perceptual_efficacy,
)
from snellen.exam._tuning._tuning import TuningExam, tuning
from snellen.exam._tuning._tuning_measures import (
    Peak,
    circular_variance,
    find_peak,
    orientation_selectivity,
    phase_modulation,
)
from snellen.exam._tuning._tuning_rows import TuningCurves
from snellen.exam._tuning._tuning_stimuli import TuningStimuli
from snellen.metrics import load_channel_weights

__all__ = [
    "CHANNEL_NORMALIZED",
    "DEFAULT_FREQUENCIES",
    "DEFAULT_READOUTS",
    "EFFICACY_SETS",
    "EXAM_PARTS",
    "EXAM_READOUTS",
    "MEAN_OF_LAYERS",
    "ChannelEfficacy",
    "ChannelWeights",
    "Condition",
    "Confusion",
    "ContrastResponse",
    "EfficacyExam",
    "ExamProgress",
    "Examination",
    "LayerExam",
    "MaskingCurve",
    "MetricCSF",
    "NetworkSpec",
    "Observer",
    "Part",
    "Peak",
    "PlaneProjection",
    "Relevance",
    "ReportFigure",
    "SeparabilityExam",
    "Series",
    "Split",
    "Study",
    "SyntheticSet",
    "TuningCurves",
    "TuningExam",
    "TuningStimuli",
    "anchor_grating",
    "circular_variance",
    "efficacy",
    "efficacy_images",
    "efficacy_weights",
    "examine",
    "find_peak",
    "fit_contrast_response",
    "frequency_sensitivity",
    "gain_normalized",
    "high_group",
    "layers",
    "load_channel_weights",
    "load_study",
    "low_group",
    "masking",
    "metric_csf",
    "orientation_selectivity",
    "orientation_sensitivity",
    "perceptual_efficacy",
    "phase_modulation",
    "relevance",
    "report_pieces",
    "save_channel_weights",
    "separability",
    "study",
    "summarize",
    "synthetic_set",
    "tuning",
]
