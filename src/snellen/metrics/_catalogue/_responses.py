"""Rows of responses to degradations."""

from snellen.metrics._row import MetricRow

_NETWORK = "gabor"
"""Network on which responses are measured unless another is asked for: of the two that ship, the
one whose responses rank unseen photographs more like full-reference metrics do (docs/fovea.md)."""

WU = (
    "Wu, Ni, Wang, Yang, Zhou, Wang. DDR: Exploiting Deep Degradation Response as Flexible Image "
    "Descriptor. NeurIPS 2024"
)

RESPONSE_ROWS = (
    MetricRow(
        "ddr",
        "Blind quality: combined responses of the embedded network to degradations",
        WU,
        "response-quality",
        readout="statistics",
        backbone=_NETWORK,
        kind="no-reference",
        lower_better=False,
        range=(None, None),
        head="ddr",
        note="the combination is ours, fitted to the consensus of full-reference metrics on "
        "distorted natural images; no human scores",
    ),
    MetricRow(
        "ddr-*",
        "Response of deep features to a degradation",
        WU,
        "response",
        readout="cosine",
        backbone=_NETWORK,
        options={"reading": "position"},
        kind="no-reference",
        lower_better=False,
        range=(0.0, 2.0),
        note="pixel variant; ddr-TYPE is the mean over the five levels, ddr-TYPE:LEVEL or "
        "ddr-TYPE@STRENGTH one of them; high where there is little of that degradation; the "
        "reading of the cosine is ours",
    ),
)
