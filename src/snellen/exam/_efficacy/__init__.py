"""Channels tuned like human vision, against people and controls."""
