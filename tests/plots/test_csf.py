import numpy as np
import pytest

from snellen.errors import DatasetError
from snellen.plots import plot_csf, save_figure
from snellen.vision import load_castlecsf


@pytest.fixture(scope="module")
def measured(shared):
    return load_castlecsf(shared / "reference" / "castlecsf")


def test_every_curve_stands_beside_the_measurements(measured, tmp_path):
    figure = plot_csf(measured, title="all")
    axes = [ax for part in figure.subfigs for ax in part.axes]
    titles = [ax.get_title() for ax in axes]
    assert titles[0].startswith("achromatic, n = 177")
    assert [t.split(":")[0] for t in titles[3:]] == [
        "mannos-sakrison", "tariq", "barten", "measured",
    ]  # fmt: skip
    lines = [line.get_label() for line in axes[0].lines]
    assert lines == ["mannos-sakrison", "tariq", "barten", "measured"]
    points = sum(len(c.get_offsets()) for c in axes[0].collections)
    assert points == sum(len(c.get_offsets()) for c in axes[6].collections) == 177
    save_figure(figure, tmp_path / "csf.png")
    assert (tmp_path / "csf.png").stat().st_size > 20_000


def test_measurements_are_needed(measured):
    with pytest.raises(DatasetError, match="there are none"):
        plot_csf(measured.select(np.zeros(len(measured), bool)))
