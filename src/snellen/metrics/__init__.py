"""Named metrics: a catalogue of rows, and what makes scores of them."""

from snellen.metrics._catalogue._look_up import ROWS, find_row
from snellen.metrics._catalogue._text import PROMPTS
from snellen.metrics._channel_weights import load_channel_weights, save_channel_weights
from snellen.metrics._create import create_metric, create_metrics, list_metrics
from snellen.metrics._deep._features import FeatureMetric
from snellen.metrics._default_layers import stage_layers
from snellen.metrics._fit_projection import fit_directions, fit_projection
from snellen.metrics._handling import Handling
from snellen.metrics._metric import Metric, PreparedReference
from snellen.metrics._natural_scenes._niqe import fit_scene_model
from snellen.metrics._natural_scenes._scene_model_files import save_scene_model
from snellen.metrics._no_reference import NoReferenceMetric
from snellen.metrics._protocol import Protocol
from snellen.metrics._reduced._descriptor import Descriptor
from snellen.metrics._reduced._pooling import POOLINGS, TRANSFORMS
from snellen.metrics._reduced._projection import Projection, seeded_projection
from snellen.metrics._reduced._reduced import ReducedReferenceMetric
from snellen.metrics._response._quality import (
    QualityMetric,
    ResponseStatistics,
    create_response_statistics,
)
from snellen.metrics._response._quality_head import ResponseHead, fit_response_head
from snellen.metrics._response._response import DegradationMetric
from snellen.metrics._row import MetricRow
from snellen.metrics._set import MetricSet
from snellen.metrics._text._readings import text_response

__all__ = [
    "POOLINGS",
    "PROMPTS",
    "ROWS",
    "TRANSFORMS",
    "DegradationMetric",
    "Descriptor",
    "FeatureMetric",
    "Handling",
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
    "list_metrics",
    "load_channel_weights",
    "save_channel_weights",
    "save_scene_model",
    "seeded_projection",
    "stage_layers",
    "text_response",
]
