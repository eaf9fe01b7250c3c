"""Full-reference metrics without a network."""
