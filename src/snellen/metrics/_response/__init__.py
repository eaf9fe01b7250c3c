"""Responses of deep features to degradations."""
