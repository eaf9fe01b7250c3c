import numpy as np
import pytest
from PIL import Image

from snellen.agreement import fit_logistic
from snellen.errors import AgreementError
from snellen.plots import axis_label, plot_scatter, save_figure


@pytest.fixture
def points():
    rng = np.random.default_rng(0)
    x = rng.uniform(20, 40, 60)
    return x, 8 / (1 + np.exp(-(x - 30) / 3)) + rng.normal(0, 0.2, 60)


def test_every_image_is_a_point_of_its_type(points):
    x, y = points
    types = [f"type {i % 24}" for i in range(60)]
    axes = plot_scatter(x, y, types=types).axes[0]
    drawn = {one.get_label(): one for one in axes.collections}
    assert len(drawn) == 24
    for kind, one in drawn.items():
        chosen = [i for i, name in enumerate(types) if name == kind]
        np.testing.assert_allclose(one.get_offsets(), np.stack([x[chosen], y[chosen]], 1))
    looks = {
        (tuple(one.get_facecolor()[0]), one.get_paths()[0].vertices.tobytes())
        for one in drawn.values()
    }
    assert len(looks) == 24


def test_the_curve_is_the_fitted_one_and_within_the_scores(points):
    x, y = points
    fit = fit_logistic(x, y)
    figure = plot_scatter(x, y, fit=fit, score_label="psnr", human_label="MOS", title="t")
    (axes,) = figure.axes
    (line,) = axes.lines
    at, predicted = line.get_data()
    np.testing.assert_allclose(predicted, fit.predict(at))
    assert (at[0], at[-1]) == (x.min(), x.max())
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == ("psnr", "MOS", "t")
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["fitted, 5 parameters"]


def test_without_types_and_curve_there_is_no_legend(points, tmp_path):
    figure = plot_scatter(*points)
    assert figure.legends == []
    save_figure(figure, tmp_path / "plot.png")
    with Image.open(tmp_path / "plot.png") as image:
        assert image.width > image.height > 300


def test_axes_say_the_direction():
    assert axis_label("psnr", lower_better=False) == "psnr (higher = better)"


@pytest.mark.parametrize("columns", [([], [], None), ([1.0], [1.0, 2.0], None), ([1.0], [1.0], [])])
def test_columns_must_fit(columns):
    x, y, types = columns
    with pytest.raises(AgreementError, match="as many human scores"):
        plot_scatter(x, y, types=types)
