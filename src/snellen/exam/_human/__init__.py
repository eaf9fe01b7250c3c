"""Human contrast sensitivity."""
