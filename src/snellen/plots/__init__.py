"""Figures."""

from snellen.plots._comparison import plot_comparison, save_figure
from snellen.plots._contact_sheet import plot_contact_sheet
from snellen.plots._correlations import plot_correlations
from snellen.plots._csf import plot_csf
from snellen.plots._efficacy import plot_efficacy, plot_efficacy_differences
from snellen.plots._layers import plot_layers
from snellen.plots._psychophysics import plot_masking, plot_metric_csf
from snellen.plots._ranking import plot_ranking
from snellen.plots._report._report import report_html, write_report
from snellen.plots._scatter import axis_label, plot_scatter
from snellen.plots._sensitivities import plot_sensitivities
from snellen.plots._separability import plot_pairs, plot_projection, plot_separability
from snellen.plots._stimuli import plot_stimuli
from snellen.plots._tradeoff import plot_perception_distortion
from snellen.plots._tuning import (
    plot_preferred_frequencies,
    plot_preferred_orientations,
    plot_tuning_curves,
)
from snellen.plots._tuning_by_depth import plot_tuning_by_depth

__all__ = [
    "axis_label",
    "plot_comparison",
    "plot_contact_sheet",
    "plot_correlations",
    "plot_csf",
    "plot_efficacy",
    "plot_efficacy_differences",
    "plot_layers",
    "plot_masking",
    "plot_metric_csf",
    "plot_pairs",
    "plot_perception_distortion",
    "plot_preferred_frequencies",
    "plot_preferred_orientations",
    "plot_projection",
    "plot_ranking",
    "plot_scatter",
    "plot_sensitivities",
    "plot_separability",
    "plot_stimuli",
    "plot_tuning_by_depth",
    "plot_tuning_curves",
    "report_html",
    "save_figure",
    "write_report",
]
