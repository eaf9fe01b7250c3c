"""Which layers tell distortions apart."""
