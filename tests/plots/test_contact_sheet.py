import numpy as np
import pytest
import torch

from snellen.distortions import distort, find_distortion, list_distortions
from snellen.errors import DistortionError, ImageError
from snellen.plots import plot_contact_sheet, save_figure


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_tiles_are_the_distorted_centre_pixel_by_pixel(photos, tmp_path):
    photo = photos[0]
    figure = plot_contact_sheet(photo, ["blur", "noise"], levels=(2, 5), seed=4, size=64)
    canvas = figure.axes[0].images[0].get_array()
    top, left = (photo.shape[2] - 64) // 2, (photo.shape[3] - 64) // 2
    cut = photo[..., top : top + 64, left : left + 64]
    windows = np.lib.stride_tricks.sliding_window_view(canvas[..., 0], (64, 64))
    for spec in ("gaussian-blur:2", "gaussian-blur:5", "white-noise:2", "white-noise:5"):
        tile = distort(cut, spec, seed=4)[0, 0].numpy()
        candidates = np.argwhere(windows[..., 0, 0] == tile[0, 0])
        assert any(np.array_equal(windows[y, x], tile) for y, x in candidates), spec
    save_figure(figure, tmp_path / "sheet.png")
    assert (tmp_path / "sheet.png").stat().st_size > 5000


def test_every_type_is_named_with_its_strengths():
    figure = plot_contact_sheet(torch.rand(3, 20, 24), levels=(1, 5), size=16)
    shown = texts(figure)
    for kind in list_distortions():
        assert kind.name in shown
        assert f"5: {kind.levels[4]:g}" in shown
    width, height = figure.get_size_inches()
    assert 0.8 < width / height < 2.2


def test_groups_head_their_rows():
    figure = plot_contact_sheet(
        torch.rand(1, 3, 20, 20), [find_distortion("jpeg"), "webp", "contrast"], (3,), size=16
    )
    heads = [t for t in texts(figure) if t in ("compression", "sharpness-contrast", "blur")]
    assert heads == ["compression", "sharpness-contrast"]


def test_one_image_and_something_to_show_are_needed():
    with pytest.raises(ImageError, match="shows one image; got 2"):
        plot_contact_sheet(torch.rand(2, 3, 20, 20))
    with pytest.raises(DistortionError, match="at least one type"):
        plot_contact_sheet(torch.rand(1, 3, 20, 20), [])
    with pytest.raises(DistortionError, match="did you mean"):
        plot_contact_sheet(torch.rand(1, 3, 20, 20), ["bluur"])
