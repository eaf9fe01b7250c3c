"""Reduced-reference metrics: descriptors of a few numbers."""
