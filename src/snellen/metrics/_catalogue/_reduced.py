"""Rows of reduced-reference metrics."""

from typing import Any

from snellen.metrics._row import MetricRow

_BIANCO = (
    "Bianco, Celona, Napoletano. Disentangling Image Distortions in Deep Feature Space. "
    "Pattern Recognition Letters 148, 2021"
)


def _reduced(name: str, note: str, **changes: Any) -> MetricRow:
    return MetricRow(
        name=name,
        title="Distance in a reduced space of deep features, k transmitted values",
        citation=_BIANCO,
        family="reduced-reference",
        readout="descriptor",
        options={
            "values": 16, "pooling": "mean-std", "transform": "sqrt", "type": "float16", "seed": 0,
        },
        combine="join",
        kind="reduced-reference",
        note=note,
        **changes,
    )  # fmt: skip


REDUCED_ROWS = (
    _reduced(
        "rr-gabor",
        "embedded network; projection fitted on natural images without human scores",
        backbone="gabor",
        layers=("opponent", "@stages"),
        head="rr-gabor",
    ),
    _reduced("rr-*", "seeded projection, which needs no fitting; projection=FILE for a fitted one"),
)
