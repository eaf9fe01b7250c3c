import numpy as np
import pytest

from snellen.errors import BackboneError, MetricError
from snellen.exam import TuningCurves, TuningExam, TuningStimuli
from snellen.plots import (
    plot_preferred_frequencies,
    plot_preferred_orientations,
    plot_tuning_curves,
    save_figure,
)

STIMULI = TuningStimuli(
    frequencies=(1, 2, 4), orientations=(0, 45, 90, 135), contrasts=(0.1, 0.5, 1)
)


def row(layer, channel, frequency, orientation, variance=0.5):
    return {
        "layer": layer, "channel": channel, "preferred_frequency": frequency,
        "preferred_orientation": orientation, "circular_variance": variance,
        "efficacy": channel / 10,
    }  # fmt: skip


ROWS = [
    row("fire2", 0, 2.0, 0.0),
    row("fire2", 1, 2.1, 44.0),
    row("fire2", 2, np.nan, np.nan),
    row("fire3", 0, 3.9, 90.0, variance=0.0),
]


@pytest.fixture
def exam():
    curves = {
        layer: TuningCurves(
            layer, "mean", np.zeros(count), np.ones((count, 3)), np.ones((count, 3)),
            np.arange(1.0, 1 + 3 * count).reshape(count, 3), np.ones((count, 4)),
            np.ones((count, 3)), np.ones((count, 3)),
        )
        for layer, count in (("fire2", 3), ("fire3", 1))
    }  # fmt: skip
    return TuningExam(tuple(ROWS), curves, STIMULI)


def test_curves_are_drawn_over_their_maximum_by_efficacy(exam, tmp_path):
    figure = plot_tuning_curves(exam, "fire2", most=1)
    left, middle, right = figure.axes[:3]
    (line,) = left.lines
    np.testing.assert_allclose(line.get_ydata(), np.array([4, 5, 6]) / 6)  # channel 1
    assert list(line.get_xdata()) == [1, 2, 4]
    assert list(middle.lines[0].get_xdata()) == [0, 45, 90, 135, 180]
    assert len(right.lines) == 1
    save_figure(figure, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 5000
    with pytest.raises(BackboneError, match="fire9"):
        plot_tuning_curves(exam, "fire9")


def test_frequencies_are_counted_beside_the_csf():
    figure = plot_preferred_frequencies(ROWS, {0.5: 1.0, 2.0: 4.0, 16.0: 2.0})
    first, second = figure.axes
    assert first.get_title() == "fire2 (2 of 3)"
    assert second.get_title() == "fire3 (1 of 1)"
    np.testing.assert_allclose(first.lines[0].get_ydata(), [0.25, 1, 0.5])
    bars = first.patches[0].get_data()
    assert bars.values.max() == 1
    at = bars.edges[np.argmax(bars.values) + np.array([0, 1])]
    assert at[0] <= 2.1 <= at[1]


def test_orientations_count_by_selectivity_on_both_sides():
    figure = plot_preferred_orientations(ROWS)
    heights = np.array([bar.get_height() for bar in figure.axes[0].patches])
    np.testing.assert_allclose(heights[:12], heights[12:])
    assert heights[0] == pytest.approx(0.5)
    assert heights[3] == pytest.approx(0.5)
    assert heights.sum() == pytest.approx(2)
    other = [bar.get_height() for bar in figure.axes[1].patches]
    assert other[6] == pytest.approx(1)


def test_rows_are_needed():
    with pytest.raises(MetricError, match="got none"):
        plot_preferred_frequencies([], {1.0: 1.0})
    with pytest.raises(MetricError, match="got none"):
        plot_preferred_orientations([])
