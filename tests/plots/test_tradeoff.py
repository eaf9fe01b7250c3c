"""The perception-distortion plot."""

import pytest

from snellen.errors import TrainingError
from snellen.plots import plot_perception_distortion, save_figure

DIRECTIONS = {"psnr": False, "dfb": True}


def runs():
    scores = {"L2": (27.0, 0.2), "L2 + contextual": (26.0, 0.1)}
    rows = [{"loss": "input", "seed": None, "set": "set5", "psnr": 24.0, "dfb": 0.4}]
    return rows + [
        {"loss": loss, "seed": seed, "set": name, "psnr": psnr + seed / 10, "dfb": dfb}
        for loss, (psnr, dfb) in scores.items()
        for seed in (0, 1)
        for name in ("set5", "set14")
    ]


def test_better_is_right_and_up(tmp_path):
    figure = plot_perception_distortion(runs(), "psnr", "dfb", DIRECTIONS, title="t")
    first, second = figure.axes
    assert (first.get_title(), second.get_title()) == ("set5", "set14")
    assert not first.xaxis_inverted()
    assert first.yaxis_inverted()
    assert first.get_xlabel() == "psnr (higher = better)"
    labels = first.get_legend_handles_labels()[1]
    assert labels == ["input", "L2", "L2 + contextual"]
    mean = first.collections[-1].get_offsets()[0]
    assert tuple(mean) == pytest.approx((26.05, 0.1))
    save_figure(figure, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 0


def test_a_far_input_is_told_in_words_and_leaves_room_for_the_losses():
    far = [row | {"psnr": 14.0} if row["loss"] == "input" else row for row in runs()]
    first, second = plot_perception_distortion(far, "psnr", "dfb", DIRECTIONS).axes
    assert [text.get_text() for text in first.texts] == ["input: 14, 0.4 (outside)"]
    assert not second.texts
    assert first.get_legend_handles_labels()[1] == ["L2", "L2 + contextual"]
    assert first.get_xlim()[0] > 25


def test_runs_without_scores_are_refused():
    rows = [{"loss": "L2", "seed": 0, "set": "a", "psnr": None, "dfb": 1.0}]
    with pytest.raises(TrainingError, match="no runs with scores"):
        plot_perception_distortion(rows, "psnr", "dfb", DIRECTIONS)
