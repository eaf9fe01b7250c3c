"""Figures."""

from snellen.plots._comparison import plot_comparison, save_figure
from snellen.plots._contact_sheet import plot_contact_sheet
from snellen.plots._layers import plot_layers
from snellen.plots._scatter import axis_label, plot_scatter

__all__ = [
    "axis_label",
    "plot_comparison",
    "plot_contact_sheet",
    "plot_layers",
    "plot_scatter",
    "save_figure",
]
