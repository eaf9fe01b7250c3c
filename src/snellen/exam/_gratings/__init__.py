"""Stimuli of stated frequency, contrast and colour."""
