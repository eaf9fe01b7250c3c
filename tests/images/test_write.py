import numpy as np
import pytest
import torch
from PIL import Image

from snellen.errors import ImageError
from snellen.images import read_image, read_png_note, write_png


def test_pixels_and_note_come_back(tmp_path, photos):
    path = tmp_path / "deep" / "a.png"
    write_png(path, photos[0][0], "made of b.png")
    assert torch.equal(read_image(path), photos[0][0])
    assert read_png_note(path) == "made of b.png"
    assert [p.name for p in path.parent.iterdir()] == ["a.png"]


def test_values_are_rounded_to_the_nearest_level(tmp_path):
    write_png(tmp_path / "a.png", torch.tensor([0.0, 0.4999, 0.5001, 1.0]).expand(3, 1, 4) / 255)
    assert np.asarray(Image.open(tmp_path / "a.png"))[0, :, 0].tolist() == [0, 0, 1, 1]


def test_a_file_without_a_note_has_none(tmp_path):
    write_png(tmp_path / "a.png", torch.zeros(3, 4, 4))
    (tmp_path / "b.png").write_bytes(b"no image")
    assert [read_png_note(tmp_path / name) for name in ("a.png", "b.png", "c.png")] == [None] * 3


def test_a_batch_is_refused(tmp_path):
    with pytest.raises(ImageError, match=r"expected an image \(3, H, W\)"):
        write_png(tmp_path / "a.png", torch.zeros(1, 3, 4, 4))
