import numpy as np
import pytest
import torch
from PIL import Image

from snellen.errors import ImageError
from snellen.plots import plot_comparison, save_figure


@pytest.fixture
def panels():
    generator = torch.Generator().manual_seed(0)
    reference = torch.rand(1, 3, 20, 30, generator=generator)
    images = [reference * 0.5, reference]
    maps = [torch.full((1, 1, 20, 30), 0.5), torch.zeros(1, 1, 20, 30)]
    return reference, images, maps


def test_one_row_for_each_version_on_one_scale(panels):
    reference, images, maps = panels
    figure = plot_comparison(reference, images, maps, ["half", "same"], map_title="dfb")
    shown = [axes.images[0] for axes in figure.axes if axes.images and axes.get_title()]
    assert len(shown) == 6
    assert [axes.get_title() for axes in figure.axes[:6]] == [
        "reference", "half", "dfb", "reference", "same", "dfb",
    ]  # fmt: skip
    np.testing.assert_allclose(shown[1].get_array(), images[0][0].permute(1, 2, 0))
    assert {shown[i].get_clim() for i in (2, 5)} == {(0, 0.5)}


def test_identical_images_draw_without_a_warning(panels, tmp_path):
    reference, _, maps = panels
    save_figure(plot_comparison(reference, [reference], maps[1:], ["same"]), tmp_path / "f.png")
    assert (tmp_path / "f.png").stat().st_size > 0


def test_the_file_is_a_picture_and_folders_are_made(panels, tmp_path):
    reference, images, maps = panels
    path = tmp_path / "a" / "b" / "figure.png"
    save_figure(plot_comparison(reference, images, maps, ["x", "y"]), path)
    with Image.open(path) as image:
        assert image.width > image.height > 100


def test_counts_must_agree(panels):
    reference, images, maps = panels
    with pytest.raises(ImageError, match="2 images, 2 maps and 1 titles"):
        plot_comparison(reference, images, maps, ["one"])
    with pytest.raises(ImageError, match="at least one"):
        plot_comparison(reference, [], [], [])


def test_an_unknown_suffix_names_the_known_ones(panels, tmp_path):
    reference, images, maps = panels
    with pytest.raises(ImageError, match=r"\.png"):
        save_figure(plot_comparison(reference, images, maps, ["x", "y"]), tmp_path / "f.xyz")


def test_a_figure_that_cannot_be_written_names_the_file(panels, tmp_path):
    reference, images, maps = panels
    figure = plot_comparison(reference, images, maps, ["x", "y"])
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ImageError, match=r"file.f\.png: the figure cannot be written"):
        save_figure(figure, tmp_path / "file" / "f.png")
