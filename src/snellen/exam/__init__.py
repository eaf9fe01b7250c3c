"""The eye exam of a network: how well it sees, and how far it agrees with people."""

from snellen.exam._agreement._layers import LayerExam, Series, layers
from snellen.exam._agreement._readouts import DEFAULT_READOUTS, EXAM_READOUTS
from snellen.exam._agreement._relevance import Relevance, relevance
from snellen.exam._agreement._study import Condition, study
from snellen.exam._agreement._study_networks import NetworkSpec
from snellen.exam._agreement._study_plan import Study, load_study
from snellen.exam._agreement._study_summary import summarize
from snellen.exam._efficacy._channel_groups import ChannelWeights, efficacy_weights
from snellen.exam._efficacy._efficacy import EfficacyExam, efficacy, efficacy_images
from snellen.exam._efficacy._efficacy_sets import ChannelEfficacy
from snellen.exam._examination._examination import Examination
from snellen.exam._examination._examine import examine
from snellen.exam._examination._html import ReportFigure
from snellen.exam._examination._page import report_pieces
from snellen.exam._examination._part import Part
from snellen.exam._examination._parts import EXAM_PARTS
from snellen.exam._examination._progress import ExamProgress
from snellen.exam._psychophysics._masking import masking
from snellen.exam._psychophysics._metric_csf import MaskingCurve, MetricCSF
from snellen.exam._psychophysics._psychophysics import DEFAULT_FREQUENCIES, metric_csf
from snellen.exam._separation._separability import separability
from snellen.exam._separation._separability_exam import Confusion, PlaneProjection, SeparabilityExam
from snellen.exam._separation._synthetic import SyntheticSet, synthetic_set
from snellen.exam._tuning._tuning import TuningExam, tuning
from snellen.exam._tuning._tuning_rows import TuningCurves
from snellen.exam._tuning._tuning_stimuli import TuningStimuli

__all__ = [
    "DEFAULT_FREQUENCIES",
    "DEFAULT_READOUTS",
    "EXAM_PARTS",
    "EXAM_READOUTS",
    "ChannelEfficacy",
    "ChannelWeights",
    "Condition",
    "Confusion",
    "EfficacyExam",
    "ExamProgress",
    "Examination",
    "LayerExam",
    "MaskingCurve",
    "MetricCSF",
    "NetworkSpec",
    "Part",
    "PlaneProjection",
    "Relevance",
    "ReportFigure",
    "SeparabilityExam",
    "Series",
    "Study",
    "SyntheticSet",
    "TuningCurves",
    "TuningExam",
    "TuningStimuli",
    "efficacy",
    "efficacy_images",
    "efficacy_weights",
    "examine",
    "layers",
    "load_study",
    "masking",
    "metric_csf",
    "relevance",
    "report_pieces",
    "separability",
    "study",
    "summarize",
    "synthetic_set",
    "tuning",
]
