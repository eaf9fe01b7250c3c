"""What is private in `snellen.exam` and tested by itself.

The one place that names those modules: a file that moves changes nothing else in the tests.
"""

from snellen.exam._agreement import _relevance as relevance_module
from snellen.exam._agreement._readouts import CHANNEL_NORMALIZED, find_readouts
from snellen.exam._agreement._relevance import divide, fit_relevance, fit_weights
from snellen.exam._agreement._responses import _Measure, respond
from snellen.exam._efficacy._activity import activity
from snellen.exam._efficacy._channel_groups import (
    efficacy_weights,
    group_distances,
    high_group,
    low_group,
    random_groups,
    top_group,
)
from snellen.exam._efficacy._efficacy_sets import ChannelEfficacy, set_agreements
from snellen.exam._exam_run import ExamRun
from snellen.exam._examination._examination import TABLES, Examination
from snellen.exam._examination._part import Found, Measure, Part, PartKind, Term, Work
from snellen.exam._examination._parts import _csf as csf_part_module
from snellen.exam._examination._parts import _tuning as tuning_part_module
from snellen.exam._examination._parts._separability import projection
from snellen.exam._examination._parts._tuning import tuning_exam
from snellen.exam._examination._plan import ExamPlan, exam_images
from snellen.exam._psychophysics._observer import Observer, anchor_grating
from snellen.exam._psychophysics._threshold_search import find_crossing
from snellen.exam._separation import _neighbors as neighbors_module
from snellen.exam._separation import _separability_indices as separability_indices_module
from snellen.exam._separation._neighbors import held_out_nearest, told_apart, vote
from snellen.exam._separation._principal import fit_principal, growing_distances, unit_length
from snellen.exam._tuning._contrast_response import fit_contrast_response
from snellen.exam._tuning._perceptual_efficacy import (
    frequency_sensitivity,
    gain_normalized,
    orientation_sensitivity,
    perceptual_efficacy,
)
from snellen.exam._tuning._presentations import Look, present
from snellen.exam._tuning._tuning_measures import (
    circular_variance,
    find_peak,
    orientation_selectivity,
    phase_modulation,
)

__all__ = [
    "CHANNEL_NORMALIZED",
    "TABLES",
    "ChannelEfficacy",
    "ExamPlan",
    "ExamRun",
    "Examination",
    "Found",
    "Look",
    "Measure",
    "Observer",
    "Part",
    "PartKind",
    "Term",
    "Work",
    "_Measure",
    "activity",
    "anchor_grating",
    "circular_variance",
    "csf_part_module",
    "divide",
    "efficacy_weights",
    "exam_images",
    "find_crossing",
    "find_peak",
    "find_readouts",
    "fit_contrast_response",
    "fit_principal",
    "fit_relevance",
    "fit_weights",
    "frequency_sensitivity",
    "gain_normalized",
    "group_distances",
    "growing_distances",
    "held_out_nearest",
    "high_group",
    "low_group",
    "neighbors_module",
    "orientation_selectivity",
    "orientation_sensitivity",
    "perceptual_efficacy",
    "phase_modulation",
    "present",
    "projection",
    "random_groups",
    "relevance_module",
    "respond",
    "separability_indices_module",
    "set_agreements",
    "told_apart",
    "top_group",
    "tuning_exam",
    "tuning_part_module",
    "unit_length",
    "vote",
]
