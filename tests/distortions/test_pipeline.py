import math
from collections import Counter

import numpy as np
import pytest
import torch
from scipy import ndimage

from snellen.distortions import random_distortion
from tests.distortions.inside import (
    Draw,
    Filter,
    GaussianNoise,
    Jpeg,
    KernelShape,
    PoissonNoise,
    Resize,
    draw_blur,
    draw_pipeline,
    draw_sinc,
    generator,
)

DRAWN = [draw_pipeline(seed).operations for seed in range(400)]


def share(condition, cases):
    """How often a condition holds."""
    cases = list(cases)
    return sum(map(condition, cases)) / len(cases)


def near(probability, count):
    """Four standard errors around a probability."""
    return pytest.approx(probability, abs=4 * math.sqrt(probability * (1 - probability) / count))


def drawn(kind, stage=slice(None)):
    return [[one for one in run if isinstance(one, kind)][stage] for run in DRAWN]


def test_two_stages_and_a_last_step_in_one_of_two_orders():
    for run in DRAWN:
        kinds = [type(one).__name__ for one in run]
        assert kinds[0] == "Filter"
        assert kinds[1] == "Resize"
        assert kinds[2] in ("GaussianNoise", "PoissonNoise")
        assert kinds[3] == "Jpeg"
        assert kinds.count("Jpeg") == 2
        assert kinds.count("Resize") == 3
    assert share(lambda run: isinstance(run[-1], Jpeg), DRAWN) == near(0.5, 400)


def test_probabilities_are_the_published_ones():
    first = [run[1].scale for run in DRAWN]
    assert share(lambda scale: scale > 1, first) == near(0.2, 400)
    assert share(lambda scale: scale < 1, first) == near(0.7, 400)
    second = [[one for one in run if isinstance(one, Resize)][1].scale for run in DRAWN]
    assert share(lambda scale: scale > 1, second) == near(0.3, 400)
    assert share(lambda scale: scale < 1, second) == near(0.4, 400)
    noises = [one for run in drawn((GaussianNoise, PoissonNoise)) for one in run]
    assert share(lambda noise: isinstance(noise, GaussianNoise), noises) == near(0.5, 800)
    assert share(lambda noise: noise.gray, noises) == near(0.4, 800)
    filters = [sum(isinstance(one, Filter) for one in run) for run in DRAWN]
    assert share(lambda count: count == 3, filters) == near(0.8 * 0.8, 400)


def test_ranges_are_the_published_ones():
    for run in DRAWN:
        sizes = [one.scale for one in run if isinstance(one, Resize)]
        assert 0.15 <= sizes[0] <= 1.5
        assert 0.3 <= sizes[1] <= 1.2
        assert sizes[2] == 1
        assert all(30 <= one.quality <= 95 for one in run if isinstance(one, Jpeg))
        noises = [one for one in run if isinstance(one, (GaussianNoise, PoissonNoise))]
        for noise, most_sigma, most_scale in zip(noises, (30, 25), (3, 2.5), strict=True):
            if isinstance(noise, GaussianNoise):
                assert 1 <= noise.sigma <= most_sigma
            else:
                assert 0.05 <= noise.scale <= most_scale
    spread = [run[2].sigma for run in DRAWN if isinstance(run[2], GaussianNoise)]
    assert np.mean(spread) == pytest.approx(15.5, abs=2.5)


def test_kernels_are_drawn_with_the_published_odds():
    draw = Draw(generator(0, "test"))
    kernels = [draw_blur(draw, (0.2, 3)) for _ in range(2000)]
    counts = Counter(kernel.kind for kernel in kernels)
    assert counts["sinc"] / 2000 == near(0.1, 2000)
    odds = {
        "iso": 0.45, "aniso": 0.25, "generalized-iso": 0.12, "generalized-aniso": 0.03,
        "plateau-iso": 0.12, "plateau-aniso": 0.03,
    }  # fmt: skip
    for kind, probability in odds.items():
        assert counts[kind] / 2000 == near(0.9 * probability, 2000)
    assert {kernel.size for kernel in kernels} == set(range(7, 22, 2))
    generalized = [k.beta for k in kernels if k.kind.startswith("generalized")]
    assert all(0.5 <= beta <= 4 for beta in generalized)
    assert share(lambda beta: beta < 1, generalized) == near(0.5, len(generalized))
    sincs = [draw_sinc(draw, math.pi / 3).cutoff for _ in range(100)]
    assert math.pi / 3 <= min(sincs) < max(sincs) <= math.pi


@pytest.mark.parametrize("sigma", [0.4, 1.0, 2.3])
def test_the_round_kernel_is_a_gaussian(sigma):
    pulse = np.zeros((21, 21))
    pulse[10, 10] = 1
    expected = ndimage.gaussian_filter(pulse, sigma, truncate=10 / sigma)
    kernel = KernelShape("iso", 21, (sigma, sigma)).weights()
    assert kernel == pytest.approx(expected, abs=1e-12)


def test_the_oval_kernel_has_its_variances_along_its_axes():
    angle, reach = 0.6, np.arange(21) - 10
    kernel = KernelShape("aniso", 21, (2.0, 1.0), angle).weights()
    x, y = np.meshgrid(reach, reach)
    along = math.cos(angle) * x + math.sin(angle) * y
    across = math.cos(angle) * y - math.sin(angle) * x
    assert (kernel * along**2).sum() == pytest.approx(4, rel=0.01)
    assert (kernel * across**2).sum() == pytest.approx(1, rel=0.01)
    assert (kernel * along * across).sum() == pytest.approx(0, abs=0.01)


def test_tails_follow_beta():
    profiles = {
        kind: KernelShape(kind, 21, (2.0, 2.0), beta=2.0).weights()[10, 10:]
        for kind in ("generalized-iso", "plateau-iso")
    }
    radius = np.arange(11) / 2.0
    for kind, expected in (
        ("generalized-iso", np.exp(-0.5 * radius**4)),
        ("plateau-iso", 1 / (1 + radius**4)),
    ):
        assert profiles[kind] / profiles[kind][0] == pytest.approx(expected)


def test_the_sinc_is_the_transform_of_a_disk():
    """Of all frequencies below the cutoff, summed on a fine grid; 21 taps of it."""
    axis = 2 * math.pi * np.fft.fftfreq(1024)
    disk = np.hypot(*np.meshgrid(axis, axis)) <= 1.7
    expected = np.fft.fftshift(np.fft.ifft2(disk).real)[502:523, 502:523]
    kernel = KernelShape("sinc", 21, cutoff=1.7).weights()
    assert kernel == pytest.approx(expected / expected.sum(), abs=2e-4)


def test_noise_has_its_variance():
    grey = torch.full((1, 3, 128, 128), 0.5)
    random = generator(3, "test")
    made = GaussianNoise(12.0, gray=False).run(grey, (128, 128), random) - grey
    assert made.std() * 255 == pytest.approx(12, rel=0.02)
    gray = GaussianNoise(12.0, gray=True).run(grey, (128, 128), random) - grey
    assert torch.equal(gray[:, 0], gray[:, 1])
    # one level: one photon for white, so that 128/255 of one photon has that variance, times 0.1
    shot = PoissonNoise(0.1, gray=False).run(grey, (128, 128), random) - grey
    assert shot.mean() == pytest.approx(0, abs=0.003)
    assert shot.var() == pytest.approx(0.1**2 * 128 / 255, rel=0.05)


def test_the_same_seeds_give_the_same_pixels(photos):
    batch = torch.cat([photo[..., 30:81, 40:99] for photo in photos])
    for seed in range(4):
        distortion = random_distortion(seed)
        made = distortion(batch, seed=[1, 2, 3, 4, 5])
        assert made.shape == batch.shape
        assert torch.equal(made[3], distortion(batch[3:4], seed=4)[0])
        assert torch.equal(made, (made * 255).round() / 255)
        assert not torch.equal(distortion(batch[:1], seed=1), distortion(batch[:1], seed=2))


def test_other_pipelines_give_other_pixels(photos):
    photo = photos[0][..., :64, :64]
    made = [random_distortion(seed)(photo) for seed in range(6)]
    assert len({image.sum().item() for image in made}) == 6
    damage = [float((image - photo).abs().mean()) for image in made]
    assert min(damage) > 0.005


def test_tiny_images_keep_their_size():
    for seed in range(6):
        assert random_distortion(seed)(torch.rand(1, 3, 5, 3)).shape == (1, 3, 5, 3)


def test_the_manifest_lists_what_was_drawn():
    (step,) = random_distortion(7).manifest()["steps"]
    assert step["type"] == "random"
    assert step["seed"] == 7
    assert [one["operation"] for one in step["operations"]] == [
        type(one).__name__ for one in draw_pipeline(7).operations
    ]
    assert {"kind", "size", "sigma", "angle"} <= set(step["operations"][0])
