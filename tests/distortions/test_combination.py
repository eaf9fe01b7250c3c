import json
import statistics

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from snellen.distortions import (
    create_distortion,
    derived_seed,
    distort,
    find_distortion,
    list_distortions,
    random_distortion,
)
from snellen.errors import DistortionError

NAMES = [one.name for one in list_distortions()]
steps = st.one_of(
    st.tuples(st.sampled_from(NAMES), st.integers(1, 5)).map(lambda s: f"{s[0]}:{s[1]}"),
    st.tuples(st.sampled_from(NAMES), st.floats(-9, 400).map(lambda x: x + 0.0)).map(
        lambda s: f"{s[0]}@{s[1]!r}"
    ),
    st.integers(0, 2**48).map(lambda seed: f"random@{seed}"),
)


@pytest.fixture
def image(photos):
    return photos[0][..., 40:104, 60:124]


def test_a_single_type_is_that_type(image):
    noise = find_distortion("white-noise")
    assert torch.equal(distort(image, "white-noise:3", seed=8), noise(image, 3, seed=8))
    assert torch.equal(distort(image, "noise@0.02", seed=8), noise.at(image, 0.02, seed=8))


def test_steps_come_in_order(image):
    blur, jpeg = find_distortion("gaussian-blur"), find_distortion("jpeg")
    assert torch.equal(distort(image, "blur:3+jpeg:4"), jpeg(blur(image, 3), 4))
    assert torch.equal(distort(image, "jpeg:4 + blur:3"), blur(jpeg(image, 4), 3))
    assert not torch.equal(distort(image, "blur:3+jpeg:4"), distort(image, "jpeg:4+blur:3"))


def test_a_type_that_comes_twice_draws_anew():
    grey = torch.full((1, 3, 96, 96), 0.5)
    once = distort(grey, "white-noise@0.0009", seed=5) - grey
    twice = distort(grey, "white-noise@0.0009+white-noise@0.0009", seed=5) - grey
    second = twice - once
    assert abs(torch.corrcoef(torch.stack([once.ravel(), second.ravel()]))[0, 1]) < 0.03
    assert twice.var() == pytest.approx(2 * 0.0009, rel=0.05)


def test_two_types_of_noise_draw_independently():
    grey = torch.full((1, 3, 96, 96), 0.5)
    noises = [
        distort(grey, spec, seed=5) - grey for spec in ("white-noise:5", "multiplicative-noise:5")
    ]
    assert abs(torch.corrcoef(torch.stack([noise.ravel() for noise in noises]))[0, 1]) < 0.03


def test_each_image_has_its_seed(image):
    batch = torch.cat([image, image, image])
    made = distort(batch, "white-noise:3+impulse-noise:2+noise:1", seed=[1, 2, 1])
    assert torch.equal(made[0], made[2])
    assert not torch.equal(made[0], made[1])
    alone = distort(image, "white-noise:3+impulse-noise:2+noise:1", seed=2)
    assert torch.equal(made[1], alone[0])


@given(st.lists(steps, min_size=1, max_size=3))
def test_specifications_say_all(texts):
    made = create_distortion("+".join(texts))
    again = create_distortion(made.spec)
    assert again == made
    assert again.spec == made.spec == "+".join(step.text for step in made.steps)
    assert len(made.steps) == len(texts)


def test_distortions_know_whether_they_are_random():
    assert not create_distortion("blur:3+jpeg:2").random
    assert create_distortion("blur:3+noise:2").random


@pytest.mark.parametrize("spec", ["noise:3+jpeg@35", "random@7+motion-blur:2"])
def test_the_manifest_is_enough_to_do_it_again(spec, image):
    manifest = json.loads(json.dumps(create_distortion(spec).manifest(seed=3)))
    assert torch.equal(
        distort(image, manifest["spec"], seed=manifest["seed"]), distort(image, spec, seed=3)
    )
    assert len(manifest["steps"]) == 2
    assert {"torch", "pillow", "libjpeg_turbo"} <= set(manifest["versions"])


def test_the_manifest_names_strength_and_source():
    (step,) = create_distortion("jp2:4").manifest()["steps"]
    assert step == {
        "type": "jpeg2000", "level": 4, "strength": 120.0, "parameter": "compression ratio",
        "source": "KADID-10k type 9",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", "expected TYPE:LEVEL"),
        ("jpeg", r"expected TYPE:LEVEL \(jpeg:3\).*IJG quality 43, 36, 24, 7, 4"),
        ("jpeg:", "expected TYPE:LEVEL"),
        ("jpeg:3:4", "expected TYPE:LEVEL"),
        ("jpeg:6", "level 6"),
        ("jpeg:two", "level 'two'"),
        ("jpeg@much", "'much' is no number"),
        ("jpg:1+jqeg:2", "did you mean"),
        ("blur:3+", "expected TYPE:LEVEL"),
        ("random", "random@SEED"),
        ("random@-1", "random@SEED"),
        ("random:3", "random@SEED"),
    ],
)
def test_wrong_specifications_are_explained(spec, message):
    with pytest.raises(DistortionError, match=message):
        create_distortion(spec)


@pytest.mark.parametrize("spec", ["jpeg@0", "jpeg@35.5", "jpeg2000@0.5", "webp@101", "avif@-1"])
def test_strengths_that_a_type_cannot_have_are_refused(spec, image):
    with pytest.raises(DistortionError, match=spec.partition("@")[0]):
        distort(image, spec)


def test_derived_seeds_are_stable_and_spread():
    assert derived_seed(0, "kodim01") == 75795460040494
    seeds = [derived_seed(seed, name) for seed in range(20) for name in map(str, range(50))]
    assert len(set(seeds)) == 1000
    assert all(0 <= seed < 2**48 and int(float(seed)) == seed for seed in seeds)
    assert statistics.fmean(seeds) / 2**48 == pytest.approx(0.5, abs=0.04)


def test_a_random_distortion_is_a_specification():
    assert random_distortion(12) == create_distortion("random@12")
    assert random_distortion(12).random
