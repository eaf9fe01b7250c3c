"""Named metrics: a catalogue of rows, and what makes scores of them."""

from snellen.metrics._catalogue._look_up import ROWS, find_row
from snellen.metrics._catalogue._text import PROMPTS
from snellen.metrics._channel_weights import load_channel_weights
from snellen.metrics._create import create_metric, create_metrics, list_metrics
from snellen.metrics._deep._features import FeatureMetric
from snellen.metrics._default_layers import stage_layers
from snellen.metrics._fit_projection import fit_projection
from snellen.metrics._handling import Handling
from snellen.metrics._metric import Metric, PreparedReference
from snellen.metrics._no_reference import NoReferenceMetric
from snellen.metrics._protocol import Protocol
from snellen.metrics._reduced._descriptor import Descriptor
from snellen.metrics._reduced._projection import Projection
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

__all__ = [
    "PROMPTS",
    "ROWS",
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
    "fit_projection",
    "fit_response_head",
    "list_metrics",
    "load_channel_weights",
    "stage_layers",
]
