"""Full-reference metrics made of deep features."""
