"""Figures."""

from snellen.plots._comparison import plot_comparison, save_figure
from snellen.plots._contact_sheet import plot_contact_sheet
from snellen.plots._layers import plot_layers
from snellen.plots._scatter import axis_label, plot_scatter
from snellen.plots._separability import plot_pairs, plot_projection, plot_separability

__all__ = [
    "axis_label",
    "plot_comparison",
    "plot_contact_sheet",
    "plot_layers",
    "plot_pairs",
    "plot_projection",
    "plot_scatter",
    "plot_separability",
    "save_figure",
]
