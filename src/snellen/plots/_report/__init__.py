"""The report of an eye exam: one HTML file that needs no network and no script."""
