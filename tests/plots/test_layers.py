import pytest

from snellen.errors import MetricError
from snellen.plots import plot_layers, save_figure


def rows(network, weights="file", readouts=("euclidean", "mean")):
    return [
        {
            "network": network, "weights": weights, "readout": readout, "layer": f"layer{depth}",
            "depth": depth, "relative_depth": depth / 2, "srcc": 0.5 + 0.1 * depth,
            "srcc_low": 0.4, "srcc_high": 0.9,
        }
        for readout in readouts
        for depth in (2, 0, 1)
    ]  # fmt: skip


def test_a_panel_per_network_and_a_line_per_readout_in_order_of_depth(tmp_path):
    figure = plot_layers(rows("a") + rows("b", "random"), metrics={"psnr": 0.6}, title="t")
    shown = [ax for ax in figure.axes if ax.get_title()]
    assert [ax.get_title() for ax in shown] == ["a", "b"]
    lines = {line.get_label(): line for line in shown[0].lines}
    assert set(lines) == {"euclidean", "mean", "psnr"}
    assert list(lines["mean"].get_xdata()) == [0, 0.5, 1]
    assert list(lines["mean"].get_ydata()) == pytest.approx([0.5, 0.6, 0.7])
    assert [t.get_text() for t in shown[0].get_xticklabels()] == ["layer0", "layer1", "layer2"]
    assert len(shown[0].collections) == 2  # bands
    save_figure(figure, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 5000


def test_random_controls_are_dashed():
    figure = plot_layers(rows("a") + rows("b", "random"), by="network")
    styles = {line.get_label(): line.get_linestyle() for line in figure.axes[0].lines}
    assert styles == {"a": "-", "b": "--"}


def test_no_two_of_five_metrics_look_alike():
    names = ["psnr", "ssim", "lpips-alex", "dists", "dfb"]
    figure = plot_layers(rows("a"), metrics=dict.fromkeys(names, 0.5))
    lines = [line for line in figure.axes[0].lines if line.get_label() in names]
    assert len({str(line._unscaled_dash_pattern) for line in lines}) == len(names)


def test_rows_are_needed():
    with pytest.raises(MetricError, match="0 rows"):
        plot_layers([])
    with pytest.raises(MetricError, match="by='layer'"):
        plot_layers(rows("a"), by="layer")
