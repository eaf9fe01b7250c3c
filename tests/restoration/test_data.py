"""Degraded pairs and training patches."""

import numpy as np
import pytest
import torch
from PIL import Image

from snellen import distort
from snellen.errors import TrainingError
from snellen.images import read_image, write_png
from snellen.restoration import Degradation, PairSource, Patches
from tests.restoration.inside import NumberedSamples


def patches(folder, degrade="bicubic x2", **options):
    source = PairSource((str(folder),), degrade=degrade)
    known = {"patch": 48, "scale": source.degradation.scale, "seed": 0}
    return Patches(source.find(), source.degradation, **{**known, **options})


def test_bicubic_is_that_of_pillow(photos):
    image = photos[0][..., :160, :200]
    small = Degradation("bicubic x4")(image, 0)
    pixels = (image[0].permute(1, 2, 0) * 255).round().byte().numpy()
    expected = Image.fromarray(pixels).resize((50, 40), Image.Resampling.BICUBIC)
    difference = np.abs((small[0].permute(1, 2, 0) * 255).numpy() - np.asarray(expected, float))
    assert difference.max() <= 1


def test_a_drawn_strength_lies_in_its_range(photos):
    image = photos[1]
    low, high = (distort(image, f"blur@{sigma}") for sigma in (1, 3))
    spread = [float((Degradation("blur@1..3")(image, seed) - image).abs().mean()) for seed in
              range(12)]  # fmt: skip
    assert float((low - image).abs().mean()) <= min(spread) < max(spread)
    assert max(spread) <= float((high - image).abs().mean())


def test_random_pipelines_differ_by_seed(photos):
    degrade = Degradation("random + bicubic x2")
    image = photos[0][..., :64, :64]
    assert degrade(image, 0).shape == (1, 3, 32, 32)
    torch.testing.assert_close(degrade(image, 5), degrade(image, 5), rtol=0, atol=0)
    assert not torch.equal(degrade(image, 5), degrade(image, 6))


@pytest.mark.parametrize("spec", ["bicubic x4 + blur:2", "bicubic", "blur@3..1", "jpeg", "x..y"])
def test_unknown_recipes_are_refused(spec):
    with pytest.raises(TrainingError, match="degrade"):
        Degradation(spec)


def test_a_sample_depends_on_seed_and_number_alone(folder):
    one, other = patches(folder), patches(folder)
    later = [other[n] for n in (7, 3)]
    for (x, y), (u, v) in zip([one[7], one[3]], later, strict=True):
        assert torch.equal(x, u)
        assert torch.equal(y, v)
    assert not torch.equal(patches(folder, seed=1)[3][1], one[3][1])
    assert not torch.equal(one[3][1], one[8][1])


@pytest.mark.parametrize("workers", [0, 2])
def test_workers_change_nothing(folder, workers):
    sampler = NumberedSamples(6)
    sampler.set_epoch(1)
    loader = torch.utils.data.DataLoader(
        patches(folder), batch_size=2, sampler=sampler, num_workers=workers
    )
    got = torch.cat([clean for _, clean in loader])
    expected = torch.stack([patches(folder)[n][1] for n in range(6, 12)])
    assert torch.equal(got, expected)


def test_every_image_comes_once_an_epoch(folder):
    data = patches(folder)
    for epoch in (0, 1):
        order = torch.randperm(5, generator=data._random(f"order {epoch}"))
        assert sorted(order.tolist()) == list(range(5))


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_patches_are_aligned(folder, scale):
    spec = f"bicubic x{scale}"
    data = patches(folder, spec)
    for n in range(12):
        x, y = data[n]
        assert x.shape == (3, 48 // scale, 48 // scale)
        assert y.shape == (3, 48, 48)
        alone = Degradation(spec)(y[None], 0)[0]
        inner = slice(4, -4)
        assert (x - alone)[:, inner, inner].abs().max() <= 1.01 / 255


def test_pairs_of_folders_give_aligned_patches(folder, tmp_path):
    for path in folder.iterdir():
        image = read_image(path)[None, :, :100, :116]
        write_png(tmp_path / "small" / path.name, Degradation("bicubic x4")(image, 0)[0])
    source = PairSource((str(folder),), (str(tmp_path / "small"),))
    data = Patches(source.find(), None, patch=48, scale=4, seed=0)
    for n in range(6):
        x, y = data[n]
        alone = Degradation("bicubic x4")(y[None], 0)[0]
        assert (x - alone)[:, 3:-3, 3:-3].abs().max() <= 1.01 / 255


def test_patterns_pair_by_what_the_star_stands_for(tmp_path, photos):
    for i in (1, 2):
        write_png(tmp_path / f"img_{i}_HR.png", photos[0][0])
        write_png(tmp_path / f"img_{i}_LR.png", photos[0][0])
    clean, degraded = (f"{tmp_path}/*_{kind}.png" for kind in ("HR", "LR"))
    pairs = PairSource((clean,), (degraded,)).find()
    assert [(p.degraded.name, p.clean.name) for p in pairs] == [
        ("img_1_LR.png", "img_1_HR.png"),
        ("img_2_LR.png", "img_2_HR.png"),
    ]
    (tmp_path / "img_2_LR.png").unlink()
    with pytest.raises(TrainingError, match="'img_2' has no partner"):
        PairSource((clean,), (degraded,)).find()


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda f: PairSource((str(f),)), "degraded"),
        (lambda f: PairSource((str(f),), (str(f),), "bicubic x2"), "degraded"),
        (lambda f: PairSource((str(f),), (str(f), str(f))), "as many"),
        (lambda f: PairSource((str(f),), degrade="bicubic x2", limit=0), "limit"),
        (lambda f: PairSource((str(f / "no"),), degrade="bicubic x2").find(), "no such folder"),
        (lambda f: PairSource((f"{f}/*.webp",), degrade="bicubic x2").find(), "no file fits"),
        (lambda f: patches(f, patch=47), "multiple of the scale"),
        (lambda f: patches(f, patch=200), "smaller than a patch"),
    ],
)
def test_errors_say_what_is_wrong(folder, make, match):
    with pytest.raises(TrainingError, match=match):
        make(folder)
