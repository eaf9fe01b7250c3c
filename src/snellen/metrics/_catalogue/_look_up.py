"""Metrics by name: rows as they stand in the catalogue, and those whose name says more."""

from dataclasses import replace
from difflib import get_close_matches

from snellen.backbones import find_architecture
from snellen.errors import BackboneError, MetricError
from snellen.metrics._catalogue._attributes import ATTRIBUTE_ROWS
from snellen.metrics._catalogue._classical import CLASSICAL_ROWS
from snellen.metrics._catalogue._deep import DEEP_ROWS
from snellen.metrics._catalogue._natural_scenes import SCENE_ROWS
from snellen.metrics._catalogue._reduced import REDUCED_ROWS
from snellen.metrics._catalogue._response_names import PREFIX, degradation_row
from snellen.metrics._catalogue._responses import RESPONSE_ROWS
from snellen.metrics._catalogue._text import TEXT_ROWS
from snellen.metrics._row import MetricRow

ROWS: dict[str, MetricRow] = {
    row.name: row
    for row in (
        *DEEP_ROWS,
        *REDUCED_ROWS,
        *CLASSICAL_ROWS,
        *RESPONSE_ROWS,
        *TEXT_ROWS,
        *SCENE_ROWS,
        *ATTRIBUTE_ROWS,
    )
}
"""Every metric by name; one that ends in ``-*`` takes the name of any backbone there."""


def find_row(name: str) -> MetricRow:
    """Look a metric up by name; that of a family is filled with a backbone's or degradation's.

    Raises
    ------
    MetricError
        There is no such metric; the message names the nearest ones.
    """
    if name in ROWS and not name.endswith("*"):
        return ROWS[name]
    if name.startswith(PREFIX):
        return degradation_row(ROWS[f"{PREFIX}*"], name)
    family, _, backbone = name.partition("-")
    row = ROWS.get(f"{family}-*")
    if row is not None and backbone:
        _check_backbone(name, backbone)
        return _filled(row, name, backbone)
    near = get_close_matches(name, ROWS, n=4, cutoff=0.5)
    hint = f"Did you mean {', '.join(near)}? " if near else ""
    raise MetricError(f"No metric is called {name!r}. {hint}`snellen list metrics` shows all.")


def on_network(row: MetricRow, backbone: str) -> MetricRow:
    """Put another network into a row, and into its name and title where these tell the network.

    ``euclidean-gabor`` becomes ``euclidean-vgg16``; ``ddr-blur`` and ``lpips-alex`` stay.

    Raises
    ------
    MetricError
        A metric of that name stands in the catalogue, with another definition.
    """
    if backbone == row.backbone:
        return row
    stem = row.name.removesuffix(f"-{row.backbone}")
    any_network = ROWS.get(f"{stem}-*")
    if stem == row.name or any_network is None:
        return replace(row, backbone=backbone)
    name = f"{stem}-{backbone}"
    if name in ROWS:
        raise MetricError(
            f"{row.name} on {backbone} is not {name}, which has a definition of its own; ask for "
            f"{name!r}."
        )
    told = _filled(any_network, name, backbone)
    return replace(row, backbone=backbone, name=told.name, title=told.title, note=told.note)


def _check_backbone(name: str, backbone: str) -> None:
    try:
        find_architecture(backbone)
    except BackboneError as error:
        raise MetricError(f"No metric is called {name!r}: {error}") from error


def _filled(row: MetricRow, name: str, backbone: str) -> MetricRow:
    title = row.title.replace("deep features", f"{backbone}'s features")
    return replace(row, name=name, backbone=backbone, title=title)
