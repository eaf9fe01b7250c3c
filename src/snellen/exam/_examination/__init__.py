"""The whole exam of a network."""
