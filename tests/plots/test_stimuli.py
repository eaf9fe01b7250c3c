import pytest

from snellen.errors import ImageError
from snellen.plots import plot_stimuli, save_figure
from snellen.vision import Grating


def test_each_grating_is_shown_and_named(tmp_path):
    gratings = [Grating(f, a, size=32) for f in (2.0, 8.0) for a in (0.0, None)]
    figure = plot_stimuli(gratings, columns=3, title="two")
    titles = [ax.get_title() for ax in figure.axes if ax.images]
    assert titles[0] == "2 cpd, 0 deg\nachromatic, contrast 0.5"
    assert titles[1].startswith("2 cpd, rings")
    assert len(titles) == 4
    save_figure(figure, tmp_path / "sheet.png")


def test_gratings_are_needed():
    with pytest.raises(ImageError, match="got 0"):
        plot_stimuli([])
