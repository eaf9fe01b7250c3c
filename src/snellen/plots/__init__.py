"""Figures."""

from snellen.plots._comparison import plot_comparison, save_figure

__all__ = ["plot_comparison", "save_figure"]
