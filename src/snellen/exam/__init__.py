"""The eye exam of a network."""
