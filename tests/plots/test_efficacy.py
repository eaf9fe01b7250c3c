import numpy as np
import pytest

from snellen.errors import MetricError
from snellen.plots import plot_efficacy, plot_efficacy_differences, save_figure

SETS = ("H", "L", "H-normalized", "top-activation", "top-variance")


def rows(layer):
    own = [{"layer": layer, "set": "F", "x": None, "srcc": 0.7}]
    for x in (5.0, 10.0):
        own += [{"layer": layer, "set": name, "x": x, "srcc": 0.6 + x / 100} for name in SETS]
        ends = {"spread_low": 0.5, "spread_high": 0.8}
        own.append({"layer": layer, "set": "random", "x": x, "srcc": 0.65} | ends)
    return own


def differences(layer, value):
    pairs = (("H", "F"), ("H", "random"))
    return [
        {
            "layer": layer, "x": x, "first": a, "second": b, "difference": value,
            "low": value - 0.1, "high": value + 0.1,
        }
        for x in (5.0, 10.0)
        for a, b in pairs
    ] + [{"layer": layer, "x": None, "first": "soft", "second": "F", "difference": 0.0,
          "low": 0.0, "high": 0.0}]  # fmt: skip


def test_every_set_has_its_line_and_random_sets_a_band(tmp_path):
    figure = plot_efficacy(rows("fire2") + rows("fire3"), title="t")
    shown = [axes for axes in figure.axes if axes.get_title()]
    assert [axes.get_title() for axes in shown] == ["fire2", "fire3"]
    lines = {line.get_label(): line for line in shown[0].lines}
    assert list(lines["H-x (efficacy)"].get_ydata()) == pytest.approx([0.65, 0.7])
    assert list(lines["F (all channels)"].get_ydata()) == [0.7, 0.7]
    assert len(lines) == len(SETS) + 2
    (band,) = shown[0].collections
    assert band.get_paths()[0].get_extents().ymax == pytest.approx(0.8)
    save_figure(figure, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 5000


def test_differences_have_a_group_per_pair_and_a_point_per_size():
    found = {"a": differences("fire2", 0.2), "b": differences("fire2", -0.1)}
    pairs = [("H", "F"), ("H", "random")]
    figure = plot_efficacy_differences(found, layer="fire2", pairs=pairs)
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "H minus F",
        "H minus random",
    ]
    points = [line for line in axes.lines if line.get_marker() == "o"]
    assert len(points) == 2
    np.testing.assert_allclose(points[0].get_xdata(), 0.2)


def test_rows_are_needed():
    with pytest.raises(MetricError, match="got none"):
        plot_efficacy([])
    with pytest.raises(MetricError, match="'fire9'"):
        plot_efficacy_differences({"a": differences("fire2", 0.1)}, layer="fire9")
