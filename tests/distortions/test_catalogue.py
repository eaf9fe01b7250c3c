"""Promises that every type of the catalogue keeps."""

import math
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from snellen.distortions import GROUPS, LEVELS, DistortionType, find_distortion, list_distortions
from snellen.errors import DistortionError, ImageError
from tests.distortions.inside import ALIASES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "distortions.md"
TYPES = {one.name: one for one in list_distortions()}
KADID = [
    "gaussian-blur", "lens-blur", "motion-blur", "color-diffusion", "color-shift",
    "color-quantization", "saturation-hsv", "saturation-lab", "jpeg2000", "jpeg", "white-noise",
    "white-noise-ycbcr", "impulse-noise", "multiplicative-noise", "denoise", "brighten",
    "darken", "mean-shift", "jitter", "non-eccentricity-patch", "pixelate", "quantization",
    "color-block", "sharpen", "contrast",
]  # fmt: skip
TID2013 = [
    "gaussian-noise", "color-noise", "correlated-noise", "masked-noise", "high-frequency-noise",
    "impulse-noise", "quantization", "gaussian-blur", "denoise", "jpeg", "jpeg2000",
    "jpeg-transmission", "jpeg2000-transmission", "non-eccentricity-patch", "block",
    "mean-shift", "contrast", "saturation", "multiplicative-noise", "comfort-noise",
    "noisy-compression", "color-quantization-dither", "chromatic-aberration", "sparse-sampling",
]  # fmt: skip

every_type = pytest.mark.parametrize("kind", list(TYPES.values()), ids=list(TYPES))


@pytest.fixture
def images(photos):
    """Five photographs of 48x56, no side a multiple of 16."""
    return torch.cat([photo[..., 40:88, 60:116] for photo in photos])


def psnr(distorted, reference):
    error = float((distorted - reference).double().square().mean())
    return math.inf if error == 0 else -10 * math.log10(error)


@every_type
def test_form_is_kept(kind, images):
    for batch in (images[:1], images[:1, :, :33, :47], images[:1, :, 8:40, 8:40]):
        for level in (1, 5):
            distorted = kind(batch, level, seed=3)
            assert distorted.shape == batch.shape
            assert distorted.dtype == torch.float32
            assert distorted.min() >= 0
            assert distorted.max() <= 1


@every_type
def test_the_input_is_left_alone(kind, images):
    before = images.clone()
    kind(images, 5)
    assert torch.equal(images, before)


@every_type
def test_an_image_gets_the_same_pixels_in_every_batch(kind, images):
    alone = [kind(image[None], 4, seed=11) for image in images]
    assert torch.equal(kind(images, 4, seed=11), torch.cat(alone))
    assert torch.equal(kind(images[:2], 4, seed=11), torch.cat(alone[:2]))
    # another layout in memory, the same values
    strided = images.contiguous(memory_format=torch.channels_last)
    assert torch.equal(kind(strided, 4, seed=11), torch.cat(alone))


@every_type
def test_one_seed_per_image(kind, images):
    seeds = [5, 6, 7, 8, 9]
    alone = [kind(image[None], 3, seed=seed) for image, seed in zip(images, seeds, strict=True)]
    assert torch.equal(kind(images, 3, seed=seeds), torch.cat(alone))


@every_type
def test_the_seed_matters_for_random_types_only(kind, photos):
    photo = photos[0][..., :96, :96]
    versions = [kind(photo, 5, seed=seed) for seed in range(4)]
    same = [torch.equal(versions[0], other) for other in versions[1:]]
    assert all(same) != kind.random


@pytest.mark.parametrize("name", [name for name, kind in TYPES.items() if not kind.signed])
def test_higher_levels_are_worse(name, photos):
    """Mean PSNR over photographs falls from level to level."""
    kind, means = TYPES[name], []
    crops = [photo[..., 16:144, 16:144] for photo in photos[:4]]
    for level in LEVELS:
        values = [psnr(kind(crop, level, seed=2), crop) for crop in crops]
        means.append(np.mean(np.minimum(values, 100)))
    assert np.all(np.diff(means) < 1e-3), np.round(means, 2)
    assert means[-1] < 45


def test_only_shifts_contrasts_and_blocks_go_in_two_directions():
    """All levels of the others have a severity; MOS of TID2013 does not order those of these."""
    assert {name for name, kind in TYPES.items() if kind.signed} == {
        "mean-shift", "contrast", "tid-mean-shift", "tid-contrast", "tid-block",
    }  # fmt: skip


@every_type
def test_a_level_is_its_strength(kind, images):
    assert torch.equal(kind(images[:1], 2), kind.at(images[:1], kind.levels[1]))


def test_both_databases_are_complete():
    assert set(KADID) <= set(TYPES)
    assert {f"tid-{name}" for name in TID2013} <= set(TYPES)
    assert {"webp", "avif", "gamma-contrast"} <= set(TYPES)
    for number, name in enumerate(KADID, start=1):
        assert re.search(rf"KADID-10k type {number}\b", TYPES[name].source), name
    for number, name in enumerate(TID2013, start=1):
        assert re.search(rf"TID2013 type {number}\b", TYPES[f"tid-{name}"].source), name


@every_type
def test_rows_are_well_formed(kind):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", kind.name)
    assert kind.group in GROUPS
    assert len(kind.levels) == len(set(kind.levels)) == 5
    assert kind.parameter
    steps = np.sign(np.diff(kind.levels))
    assert abs(steps.sum()) == 4 or kind.signed


def test_lists_are_narrowed_by_group_and_source():
    assert [one.name for one in list_distortions("blur", "KADID")] == [
        "gaussian-blur", "lens-blur", "motion-blur",
    ]  # fmt: skip
    groups = [one.group for one in list_distortions()]
    assert groups == sorted(groups, key=GROUPS.index)
    with pytest.raises(DistortionError, match=r"No group is called 'colour'.*spatial"):
        list_distortions("colour")


def test_other_names_lead_to_types():
    assert not set(ALIASES) & set(TYPES)
    assert all(find_distortion(alias).name == name for alias, name in ALIASES.items())
    with pytest.raises(DistortionError, match="did you mean gaussian-blur"):
        find_distortion("gausian-blur")
    with pytest.raises(DistortionError, match=r"see list_distortions"):
        find_distortion("xyzzy")


@pytest.mark.parametrize("level", [0, 6, 2.5, True, "3", None])
def test_levels_are_whole_numbers_from_1_to_5(level):
    with pytest.raises(DistortionError, match=r"jpeg: level .* jpeg@STRENGTH"):
        TYPES["jpeg"](torch.rand(1, 3, 16, 16), level)


def test_wrong_calls_are_refused():
    batch = torch.rand(3, 3, 16, 16)
    with pytest.raises(DistortionError, match="2 seeds for 3 images"):
        TYPES["white-noise"](batch, 1, seed=[1, 2])
    with pytest.raises(DistortionError, match="strength nan"):
        TYPES["gaussian-blur"].at(batch, math.nan)
    with pytest.raises(ImageError, match="divide by 255"):
        TYPES["gaussian-blur"](batch * 255, 1)


def test_seeds_may_be_numpy_integers_of_any_sign():
    batch, kind = torch.rand(2, 3, 16, 16), TYPES["white-noise"]
    assert torch.equal(kind(batch, 1, seed=np.int64(-4)), kind(batch, 1, seed=-4))
    assert torch.equal(kind(batch, 1, seed=np.array([1, 2])), kind(batch, 1, seed=[1, 2]))


def test_a_type_of_ones_own_works_like_any_other():
    def fade(batch, strength, seeds):
        return batch * (1 - strength)

    kind = DistortionType("fade", "brightness", (0.1, 0.2, 0.3, 0.4, 0.5), fade, "share", "ours")
    assert kind(torch.ones(1, 3, 4, 4), 5).eq(0.5).all()


def test_the_page_of_the_documentation_shows_the_catalogue():
    page = PAGE.read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert rows == table_rows(), "python tests/distortions/test_catalogue.py --update"


def table_rows():
    return [
        f"| `{kind.name}` | {kind.group} | {', '.join(f'{one:g}' for one in kind.levels)} | "
        f"{kind.parameter} | {marks(kind)} | {kind.source} |"
        for kind in TYPES.values()
    ]


def marks(kind):
    return ", ".join(mark for mark in ("random", "signed") if getattr(kind, mark))


def update_page():
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    head = lines.index("| type | group | levels 1 to 5 | parameter | | source |") + 2
    rest = [line for line in lines[head:] if not line.startswith("| `")]
    PAGE.write_text("\n".join([*lines[:head], *table_rows(), *rest]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit("usage: python tests/distortions/test_catalogue.py --update")
    update_page()
