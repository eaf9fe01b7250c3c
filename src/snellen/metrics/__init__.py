"""Named metrics: a catalogue of rows, and what makes scores of them."""

from snellen.metrics._catalogue import ROWS, find_row
from snellen.metrics._catalogue_blind import PROMPTS
from snellen.metrics._channel_weights import load_channel_weights
from snellen.metrics._degradation import DegradationMetric
from snellen.metrics._degradation_head import ResponseHead, fit_response_head
from snellen.metrics._degradation_quality import (
    QualityMetric,
    ResponseStatistics,
    create_response_statistics,
)
from snellen.metrics._descriptor import Descriptor
from snellen.metrics._factory import create_metric, create_metrics, list_metrics
from snellen.metrics._features import FeatureMetric
from snellen.metrics._luma import grey_levels
from snellen.metrics._metric import Metric, PreparedReference
from snellen.metrics._niqe import fit_scene_model
from snellen.metrics._no_reference import NoReferenceMetric
from snellen.metrics._pooled import POOLINGS, TRANSFORMS
from snellen.metrics._projection import Projection, seeded_projection
from snellen.metrics._projection_fit import fit_directions, fit_projection
from snellen.metrics._protocol import Protocol
from snellen.metrics._reduced import ReducedReferenceMetric
from snellen.metrics._row import MetricRow
from snellen.metrics._scene import save_scene_model
from snellen.metrics._set import MetricSet
from snellen.metrics._text_readings import text_response

__all__ = [
    "POOLINGS",
    "PROMPTS",
    "ROWS",
    "TRANSFORMS",
    "DegradationMetric",
    "Descriptor",
    "FeatureMetric",
    "Metric",
    "MetricRow",
    "MetricSet",
    "NoReferenceMetric",
    "PreparedReference",
    "Projection",
    "Protocol",
    "QualityMetric",
    "ReducedReferenceMetric",
    "ResponseHead",
    "ResponseStatistics",
    "create_metric",
    "create_metrics",
    "create_response_statistics",
    "find_row",
    "fit_directions",
    "fit_projection",
    "fit_response_head",
    "fit_scene_model",
    "grey_levels",
    "list_metrics",
    "load_channel_weights",
    "save_scene_model",
    "seeded_projection",
    "text_response",
]
