"""What channels answer to."""
