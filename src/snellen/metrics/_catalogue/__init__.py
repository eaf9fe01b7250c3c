"""The catalogue of metrics, by family: data, not classes."""
