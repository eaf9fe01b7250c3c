"""Blind metrics that hold an image against prompts."""
