import numpy as np
import pytest

from snellen.errors import MetricError
from snellen.exam import PlaneProjection
from snellen.plots import plot_pairs, plot_projection, plot_separability, save_figure


def rows(network, weights="file", differences=(False, True)):
    return [
        {
            "network": network, "weights": weights, "layer": f"layer{depth}", "depth": depth,
            "relative_depth": depth / 2, "difference": difference, "accuracy": 0.5 + 0.1 * depth,
            "accuracy_low": 0.4, "accuracy_high": 0.9, "chance": 0.25, "silhouette": -0.1,
        }
        for difference in differences
        for depth in (2, 0, 1)
    ]  # fmt: skip


def test_a_panel_without_and_one_with_the_reference(tmp_path):
    figure = plot_separability(rows("a") + rows("b", "random"), title="t")
    shown = [ax for ax in figure.axes if ax.get_title()]
    titles = ["without the reference", "difference to the reference"]
    assert [ax.get_title() for ax in shown] == titles
    lines = {line.get_label(): line for line in shown[1].lines}
    assert set(lines) == {"a", "b", "chance"}
    assert list(lines["a"].get_xdata()) == [0, 0.5, 1]
    assert list(lines["a"].get_ydata()) == pytest.approx([0.5, 0.6, 0.7])
    assert set(lines["chance"].get_ydata()) == {0.25}
    assert (lines["a"].get_linestyle(), lines["b"].get_linestyle()) == ("-", "--")
    assert len(shown[0].collections) == 2  # bands
    save_figure(figure, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 5000


def test_one_network_has_its_layers_named_and_an_index_no_chance():
    figure = plot_separability(rows("a", differences=[True]), statistic="silhouette")
    (ax,) = (ax for ax in figure.axes if ax.get_title())
    assert [t.get_text() for t in ax.get_xticklabels()] == ["layer0", "layer1", "layer2"]
    assert [line.get_label() for line in ax.lines] == ["a"]
    assert ax.get_ylabel() == "silhouette of types"


def test_rows_of_one_setting_are_needed():
    with pytest.raises(MetricError, match="0 rows"):
        plot_separability([])
    with pytest.raises(MetricError, match="column 'depths'"):
        plot_separability(rows("a"), statistic="depths")
    with pytest.raises(MetricError, match="2 rows of network a, layer layer2, difference=False"):
        plot_separability(rows("a") * 2)


def test_points_are_coloured_by_type_and_grow_with_level(tmp_path):
    kinds = np.array(["blur", "blur", "noise", "noise"])
    projection = PlaneProjection(
        points=np.array([[0.0, 0], [1, 1], [2, 0], [3, 1]]),
        type=kinds,
        severity=np.array([1, 5, np.nan, np.nan]),
        content=np.array(["a", "b", "a", "b"]),
        explained=(0.6, 0.25),
        row={
            "network": "n", "layer": "l", "pooling": "mean", "difference": True,
            "normalize": "none",
        },
    )  # fmt: skip
    figure = plot_projection(projection)
    (ax,) = figure.axes
    blur, noise = ax.collections
    assert [one.get_label() for one in (blur, noise)] == ["blur", "noise"]
    np.testing.assert_array_equal(noise.get_offsets(), [[2, 0], [3, 1]])
    assert list(blur.get_sizes()) == [8, 44]
    assert set(noise.get_sizes()) == {20}
    assert (blur.get_facecolor() != noise.get_facecolor()).any()
    assert ax.get_xlabel() == "principal component 1 (60%)"
    assert ax.get_title() == "n, l: mean, difference to the reference, none"
    save_figure(figure, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 5000


def test_pairs_show_depth_below_and_accuracy_above_the_diagonal(tmp_path):
    pairs = [
        {"type": "a", "other": "b", "relative_depth": 0.1, "accuracy": 0.9},
        {"type": "a", "other": "c", "relative_depth": 0.2, "accuracy": 0.8},
        {"type": "b", "other": "c", "relative_depth": 0.3, "accuracy": 0.4},
    ]
    figure = plot_pairs(pairs, title="t")
    depth, accuracy = (np.ma.filled(i.get_array(), np.nan) for i in figure.axes[0].get_images())
    nan = np.nan
    np.testing.assert_array_equal(depth, [[nan] * 3, [0.1, nan, nan], [0.2, 0.3, nan]])
    np.testing.assert_array_equal(accuracy, [[nan, 0.9, 0.8], [nan, nan, 0.4], [nan] * 3])
    assert figure.axes[0].get_images()[1].get_clim() == (0.4, 1)
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["a", "b", "c"]
    save_figure(figure, tmp_path / "figure.png")
    with pytest.raises(MetricError, match="no pairs"):
        plot_pairs([])
