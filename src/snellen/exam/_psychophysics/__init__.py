"""Thresholds of metrics."""
