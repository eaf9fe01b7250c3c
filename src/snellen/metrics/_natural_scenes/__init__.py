"""Blind metrics on the statistics of natural scenes: BRISQUE and NIQE."""
