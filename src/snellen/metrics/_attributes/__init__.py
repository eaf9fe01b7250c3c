"""Attributes: properties of an image that are neither good nor bad."""
