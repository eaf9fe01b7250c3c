"""Rows of metrics on the statistics of natural scenes."""

from snellen.metrics._row import MetricRow

_MITTAL_NIQE = (
    "Mittal, Soundararajan, Bovik. Making a Completely Blind Image Quality Analyzer. IEEE Signal "
    "Processing Letters 20(3), 2013"
)


def _scene(name: str, title: str, citation: str, head: str, note: str) -> MetricRow:
    return MetricRow(
        name,
        title,
        citation,
        "natural-scene",
        readout=name.partition("-")[0],
        kind="no-reference",
        range=(None, None) if name == "brisque" else (0.0, None),
        head=head,
        note=f"on grey levels: Rec. 601 luma of 0 to 255, rounded; {note}",
    )


SCENE_ROWS = (
    _scene(
        "brisque",
        "Blind spatial quality evaluator: statistics of natural scenes, trained on human scores",
        "Mittal, Moorthy, Bovik. No-Reference Image Quality Assessment in the Spatial Domain. "
        "IEEE TIP 21(12), 2012",
        "brisque",
        "features by piq; regression fitted by the authors to the LIVE database, whose file is "
        "given with weights=FILE",
    ),
    _scene(
        "niqe",
        "Natural image quality evaluator: distance to the statistics of pristine images",
        _MITTAL_NIQE,
        "niqe",
        "the published parameters, niqe_modelparameters.mat, given with weights=FILE",
    ),
    _scene(
        "niqe-bsds",
        "NIQE with parameters of our own",
        _MITTAL_NIQE,
        "niqe-bsds",
        "parameters fitted by the published procedure on the training images of BSDS500; they "
        "come with the package",
    ),
)
