"""Named metrics: a catalogue of rows, and what makes scores of them."""

from snellen.metrics._catalogue import ROWS, find_row
from snellen.metrics._factory import create_metric, create_metrics, list_metrics
from snellen.metrics._features import FeatureMetric
from snellen.metrics._metric import Metric, PreparedReference
from snellen.metrics._protocol import Protocol
from snellen.metrics._row import MetricRow
from snellen.metrics._set import MetricSet

__all__ = [
    "ROWS",
    "FeatureMetric",
    "Metric",
    "MetricRow",
    "MetricSet",
    "PreparedReference",
    "Protocol",
    "create_metric",
    "create_metrics",
    "find_row",
    "list_metrics",
]
