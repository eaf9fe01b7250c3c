import numpy as np
import pytest
from PIL import Image

from snellen.errors import MetricError
from snellen.plots import plot_correlations, plot_ranking, save_figure


@pytest.fixture
def rows(tmp_path):
    made = []
    for i in range(9):
        file = tmp_path / f"image-{i}.png"
        Image.new("RGB", (40 + 10 * i, 60), (25 * i, 100, 100)).save(file)
        made.append({"image": str(file), "ddr": float(i), "error": None})
    return [made[i] for i in (4, 0, 8, 2, 6, 1, 5, 3, 7)]


def shown(figure):
    """Titles of the pictures by the head of their band."""
    return {
        panel._suptitle.get_text(): [ax.get_title() for ax in panel.axes if ax.get_title()]
        for panel in figure.subfigs
    }


@pytest.mark.parametrize(
    ("lower_better", "heads"),
    [(False, ("best", "worst")), (True, ("worst", "best")), (None, ("highest", "lowest"))],
)
def test_best_and_worst_from_the_ends_inwards(rows, tmp_path, lower_better, heads):
    figure = plot_ranking(rows, "ddr", lower_better=lower_better, count=3)
    assert shown(figure) == {heads[0]: ["8", "7", "6"], heads[1]: ["0", "1", "2"]}
    first = next(panel for panel in figure.subfigs if panel._suptitle.get_text() == heads[0])
    pixels = first.axes[0].images[0].get_array()
    np.testing.assert_allclose(pixels[0, 0] * 255, [200, 100, 100], atol=1)
    assert pixels.shape == (60, 120, 3)
    save_figure(figure, tmp_path / "ranking.png")
    assert (tmp_path / "ranking.png").stat().st_size > 5000


def test_large_pictures_shrink_and_long_names_are_cut(tmp_path):
    name = f"{'a' * 30}-last.png"
    Image.new("RGB", (400, 100)).save(tmp_path / name)
    figure = plot_ranking([{"image": tmp_path / name, "ddr": 1}], "ddr", size=100)
    ax = figure.subfigs[0].axes[0]
    assert ax.images[0].get_array().shape == (25, 100, 3)
    assert ax.texts[0].get_text() == f"{'a' * 17}…last.png"


def test_rows_without_score_are_left_out_and_lost_files_say_so(rows, tmp_path):
    lost = {"image": str(tmp_path / "gone.png"), "ddr": 99.0}
    failed = {"image": rows[0]["image"], "ddr": None, "error": "no image"}
    figure = plot_ranking([*rows, lost, failed], "ddr", lower_better=False, count=20)
    assert shown(figure)["best"][:2] == ["99", "8"]
    assert len(shown(figure)["best"]) == len(shown(figure)["worst"]) == 5
    first = figure.subfigs[0].axes[0]
    assert not first.images
    assert "gone.png" in first.texts[0].get_text()


def test_nothing_to_rank_is_an_error(rows):
    with pytest.raises(MetricError, match="got 0 such rows of 9"):
        plot_ranking(rows, "niqe")
    with pytest.raises(MetricError, match="count=0"):
        plot_ranking(rows, "ddr", count=0)


def test_the_map_of_correlations_shows_what_is_sure(tmp_path):
    table = [
        {"first": "a", "second": "a", "srcc": 1.0, "low": 1.0, "high": 1.0},
        {"first": "a", "second": "b", "srcc": -0.7, "low": -0.8, "high": -0.5},
        {"first": "a", "second": "c", "srcc": 0.1, "low": -0.2, "high": 0.3},
        {"first": "b", "second": "c", "srcc": float("nan"), "low": np.nan, "high": np.nan},
    ]
    figure = plot_correlations(table, title="six images")
    ax = figure.axes[0]
    written = {text.get_position(): text.get_text() for text in ax.texts}
    assert written == {
        (0, 0): "1.00", (1, 0): "-.70", (0, 1): "-.70", (2, 0): "(.10)", (0, 2): "(.10)",
    }  # fmt: skip
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b", "c"]
    values = ax.images[0].get_array()
    assert values[0, 1] == values[1, 0] == -0.7
    save_figure(figure, tmp_path / "map.png")
    with pytest.raises(MetricError, match="there are no rows"):
        plot_correlations([])
