"""A folder of which five per cent are no images: each a row with its reason, the rest scored."""

import math
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from snellen.runs import score
from tests.runs.folders import BROKEN, broken_files, noise

COUNT = 400


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """`images`, of many sizes and forms, `references`, and what is wrong with images by name."""
    root = tmp_path_factory.mktemp("mixed")
    images, references = root / "images", root / "references"
    reasons = broken_files(images)
    references.mkdir()
    sizes = random.Random(0)
    for i in range(COUNT - BROKEN):
        size = sizes.randint(32, 64), sizes.randint(32, 64)
        noise(i, *size).save(images / f"{i:04d}.{('png', 'jpg', 'webp', 'bmp')[i % 4]}")
        noise(COUNT + i, *size).save(references / f"{i:04d}.png", compress_level=1)
    for name in reasons:
        noise(0, 48, 48).save(references / f"{Path(name).stem}.png")
    return images, references, reasons


def psnr(image, reference):
    """By its definition, of two files."""
    with Image.open(image) as a, Image.open(reference) as b:
        x, y = (np.asarray(one.convert("RGB"), np.float64) / 255 for one in (a, b))
    return -10 * math.log10(np.square(x - y).mean() + 1e-8)


@pytest.mark.parametrize("batch", [1, 16])
def test_every_broken_file_is_a_row_with_its_reason_and_the_rest_is_scored(
    folders, tmp_path, batch
):
    images, references, reasons = folders
    done = score(images, "psnr", reference=references, batch_size=batch).into(tmp_path / "out")
    assert (done.rows, done.failed) == (COUNT, BROKEN)
    rows = {Path(row["image"]).name: row for row in done.table().to_pylist()}
    assert sorted(rows) == sorted(path.name for path in images.iterdir())
    assert {name for name, row in rows.items() if row["error"]} == set(reasons)
    for name, row in rows.items():
        if name in reasons:
            assert reasons[name] in row["error"]
            assert name in row["error"]
            assert (row["psnr"], row["width"]) == (None, None)
        else:
            assert row["psnr"] == pytest.approx(psnr(row["image"], row["reference"]), rel=1e-5)


def test_a_broken_reference_is_the_reason_of_its_image_alone(folders, tmp_path):
    images, references, _ = folders
    broken, table = tmp_path / "references", tmp_path / "pairs.csv"
    reasons = broken_files(broken)
    pairs = [(references / f"{Path(name).stem}.png", broken / name) for name in reasons]
    pairs.append((images / "0000.png", references / "0000.png"))
    lines = [f"{image},{reference}\n" for image, reference in pairs]
    table.write_text("image,reference\n" + "".join(lines))
    rows = list(score(table, "psnr"))
    assert [row["error"] is None for row in rows] == [False] * BROKEN + [True]
    for row, (name, reason) in zip(rows, reasons.items(), strict=False):
        assert reason in row["error"]
        assert name in row["error"]
