"""Agreement of layers with human scores."""
