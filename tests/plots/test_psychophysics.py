import pytest

from snellen.errors import MetricError
from snellen.exam import masking, metric_csf
from snellen.plots import plot_masking, plot_metric_csf, save_figure
from snellen.vision import Grating

SMALL = Grating(4.0, contrast=0.0, size=60)


def test_people_and_metrics_share_a_panel_for_each_colour(tmp_path):
    found = metric_csf(
        "psnr", [2.0, 4.0], colors=["achromatic", "blue-yellow"], stimulus=SMALL, phases=1
    )
    figure = plot_metric_csf([found], title="flat")
    assert [ax.get_title() for ax in figure.axes] == ["achromatic", "blue-yellow"]
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    assert set(lines) == {"people", "psnr"}
    people = [row["human_sensitivity"] for row in found.rows if row["color"] == "achromatic"]
    assert list(lines["people"].get_ydata()) == pytest.approx(people)
    save_figure(figure, tmp_path / "csf.png")


def test_orientations_have_a_panel(tmp_path):
    angles = [0.0, 45.0, 90.0, 135.0]
    found = metric_csf("psnr", [4.0], angles, stimulus=SMALL, phases=1)
    axes = plot_metric_csf([found]).axes
    assert len(axes) == 2
    (line,) = axes[1].lines
    assert list(line.get_xdata()) == angles
    assert list(line.get_ydata()) == pytest.approx([1] * 4, rel=0.01)


def test_people_stand_beside_colours_that_only_some_metrics_were_shown():
    grey = metric_csf("psnr", [4.0], stimulus=SMALL, phases=1)
    color = metric_csf("psnr", [2.0, 4.0], colors=["red-green"], stimulus=SMALL, phases=1)
    axes = plot_metric_csf([grey, color]).axes
    for ax, n in zip(axes, (1, 2), strict=True):
        (people,) = [line for line in ax.lines if line.get_label() == "people"]
        assert len(people.get_xdata()) == n


def test_a_metric_without_thresholds_is_an_empty_line():
    found = metric_csf("psnr", [4.0], stimulus=SMALL, phases=1, criterion=1.0)
    assert found.rows[0]["status"] == "above"
    figure = plot_metric_csf([found])
    assert len(figure.axes[0].lines) == 2


def test_masks(tmp_path):
    figure = plot_masking([masking("psnr", [0.1, 0.3], target=SMALL, phases=1)])
    (drawn,) = [line for line in figure.axes[0].lines if line.get_label() == "psnr"]
    assert list(drawn.get_ydata()) == pytest.approx([1, 1], rel=0.01)
    save_figure(figure, tmp_path / "masking.png")


def test_results_are_needed():
    with pytest.raises(MetricError, match="at least one"):
        plot_metric_csf([])
    with pytest.raises(MetricError, match="at least one"):
        plot_masking([])
