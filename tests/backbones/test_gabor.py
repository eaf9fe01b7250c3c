"""The Gabor bank against the theory it claims to follow, measured with gratings."""

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import fx

from snellen.errors import BackboneError, ImageError
from tests.backbones.inside import GABOR_LAYERS, OPPONENT, PLANES, GaborBank

SCALES = (1, 2, 3, 4)
LUMINANCE = slice(0, 6)
OPTIONS = (
    {},
    {
        "n_scales": 2,
        "n_orientations": 5,
        "peak_frequency": 0.2,
        "bandwidth": 0.8,
        "semi_saturation": 0.05,
        "pool": 1.0,
        "cross_plane": 0.3,
    },
    {"n_scales": 3, "n_orientations": 4, "bandwidth": 1.2},
)


@pytest.fixture(scope="module")
def bank():
    return GaborBank()


def gratings(size, frequency, orientation, contrast=1.0, plane="luminance", phase=0.0):
    """Image batch (N, 3, size, size) of gratings on mid-grey, in float64; arguments broadcast."""
    f, theta, c, phi = (
        a.ravel()[:, None, None]
        for a in np.broadcast_arrays(frequency, orientation, contrast, phase)
    )
    y, x = np.mgrid[:size, :size] - size // 2
    wave = c / 2 * np.cos(2 * np.pi * f * (x * np.cos(theta) + y * np.sin(theta)) + phi)
    direction = np.linalg.inv(OPPONENT)[:, PLANES.index(plane)]
    return torch.from_numpy(0.5 + direction[:, None, None] * wave[:, None])


def run(bank, layer, images):
    """One layer, without the scales that it does not need."""
    features = bank.opponent(images)
    scale = int(layer[-1])
    for level in range(2, scale + 1):
        features = bank.get_submodule(f"reduce{level}")(features)
    for stage in ("simple", "energy", "complex"):
        features = bank.get_submodule(f"{stage}{scale}")(features)
        if layer.startswith(stage):
            return features
    raise ValueError(layer)


def clear_size(scale, pool_positions=0):
    """Side of an image whose middle does not see the border (default options)."""
    reach = 9 * 2 ** (scale - 1) + 6 * (2 ** (scale - 1) - 1) + pool_positions * 2**scale
    return 2 ** (scale + 1) * math.ceil(2 * reach / 2 ** (scale + 1))


def measure(bank, layer, frequency, orientation, contrast=1.0, plane="luminance", pool=0):
    """Root mean square over phase, (..., C), in the middle of full-field gratings.

    Two phases a quarter apart give it exactly.
    """
    shape = np.broadcast(frequency, orientation, contrast).shape
    size = clear_size(int(layer[-1]), pool)
    powers = []
    for phase in (0.3, 0.3 + np.pi / 2):
        images = gratings(size, frequency, orientation, contrast, plane, phase).float()
        with torch.inference_mode():
            features = run(bank, layer, images)
        middle = features[..., features.shape[-2] // 2, features.shape[-1] // 2]
        powers.append(middle.double().numpy() ** 2)
    return np.sqrt(np.mean(powers, 0)).reshape(*shape, -1)


def peak_of(x, curve):
    """Position of the maximum by a parabola through the logarithms of the three highest."""
    i = int(np.argmax(curve))
    a, b, _ = np.polyfit(x[i - 1 : i + 2] - x[i], np.log(curve[i - 1 : i + 2]), 2)
    return x[i] - b / (2 * a)


def half_height_crossings(x, curve):
    """Positions left and right of the peak where a curve falls to half its height."""
    i = int(np.argmax(curve))
    half = curve[i] / 2
    left = np.interp(half, curve[: i + 1], x[: i + 1])
    right = np.interp(-half, -curve[i:], x[i:])
    return left, right


class TestMeasuredTuning:
    @pytest.mark.parametrize("scale", SCALES)
    def test_frequency(self, bank, scale):
        channels = bank.channels(f"energy{scale}")
        octaves = np.linspace(-1, 1, 21)
        for j in (0, 1):
            frequency = channels[j].frequency * 2**octaves
            curve = measure(bank, f"energy{scale}", frequency, channels[j].orientation)[:, j]
            assert 2 ** peak_of(np.log2(frequency), curve) == pytest.approx(
                channels[j].frequency, rel=0.02
            )
            left, right = half_height_crossings(octaves, curve)
            assert right - left == pytest.approx(channels[j].bandwidth, rel=0.05)

    @pytest.mark.parametrize("scale", SCALES)
    def test_orientation(self, bank, scale):
        channels = bank.channels(f"energy{scale}")[LUMINANCE]
        degrees = np.arange(0, 180, 5.0)
        curves = measure(bank, f"energy{scale}", channels[0].frequency, np.radians(degrees))
        for channel, curve in zip(channels, curves.T, strict=False):
            turn = round(np.degrees(channel.orientation) / 5)
            around = np.roll(curve, 18 - turn)
            assert abs(peak_of(degrees - 90, around)) < 1
            left, right = half_height_crossings(degrees, around)
            half_width = np.degrees(channel.half_width)
            assert (right - left) / 2 == pytest.approx(half_width, rel=0.05)

    @pytest.mark.parametrize("scale", SCALES)
    @pytest.mark.parametrize("stage", ["simple", "energy"])
    def test_prediction_is_that_of_the_discrete_system(self, bank, stage, scale):
        rng = np.random.default_rng(scale)
        frequency, orientation = rng.uniform(0.01, 0.49, 12), rng.uniform(0, np.pi, 12)
        frequency[:6] = rng.uniform(0.3, 2, 6) * 0.25 / 2 ** (scale - 1)
        layer, contrast = f"{stage}{scale}", rng.uniform(0.1, 1, 12)
        measured = measure(bank, layer, frequency, orientation, contrast)
        predicted = bank.tuning(layer, frequency, orientation, contrast)
        if stage == "simple":
            predicted = predicted / np.sqrt(2)
        np.testing.assert_allclose(measured, predicted, atol=1e-5)

    @pytest.mark.parametrize("layer", ["complex1", "complex2"])
    @pytest.mark.parametrize("plane", PLANES)
    def test_contrast_response(self, bank, layer, plane):
        peak, contrast = bank.channels(layer)[0].frequency, np.array([0.005, 0.05, 0.2, 0.5])
        measured = measure(bank, layer, peak, 0.4, contrast, plane, pool=6)
        predicted = bank.tuning(layer, peak, 0.4, contrast, plane)
        np.testing.assert_allclose(measured, predicted, rtol=0.01, atol=2e-4)
        strongest = predicted.max(-1)
        assert strongest[1] / strongest[0] > 8
        assert strongest[3] / strongest[2] < 1.4

    @pytest.mark.parametrize("options", OPTIONS[1:])
    @pytest.mark.parametrize("stage", ["energy", "complex"])
    def test_other_options(self, options, stage):
        bank = GaborBank(**options)
        frequency, orientation = [0.05, 0.09, 0.12, 0.2], [0.1, 1.0, 2.0, 3.0]
        measured = measure(bank, f"{stage}2", frequency, orientation, 0.4, pool=8)
        predicted = bank.tuning(f"{stage}2", frequency, orientation, 0.4)
        np.testing.assert_allclose(measured, predicted, rtol=0.01, atol=5e-4)


class TestClosedForm:
    @pytest.mark.parametrize("options", OPTIONS)
    @pytest.mark.parametrize("scale", [1, 2])
    def test_agrees_with_the_gaussian_of_the_textbook(self, options, scale):
        bank = GaborBank(**options)
        peak = bank.channels(f"energy{scale}")[0].frequency
        octaves = bank.config()["bandwidth"]
        half = peak * (2**octaves - 1) / (2**octaves + 1)
        frequency = np.linspace(0.1, 1.7, 9)[:, None] * peak
        theta = np.linspace(0, np.pi, 13)
        n = bank.config()["n_orientations"]
        predicted = bank.tuning(f"energy{scale}", frequency, theta)[..., :n]
        for j, own in enumerate(np.arange(n) * np.pi / n):
            squared = [
                frequency**2 + peak**2 - 2 * s * frequency * peak * np.cos(theta - own)
                for s in (1, -1)
            ]
            gaussian = 0.5 * 2.0 ** -(np.minimum(*squared) / half**2)
            np.testing.assert_allclose(predicted[..., j], gaussian, atol=0.01)

    def test_low_contrast_keeps_the_tuning_of_the_energy(self, bank):
        frequency = np.linspace(0.05, 0.4, 15)
        normalised, energy = (
            bank.tuning(layer, frequency, 0.2, 0.001) for layer in ("complex1", "energy1")
        )
        np.testing.assert_allclose(normalised, energy / 0.1, rtol=1e-4)

    def test_high_contrast_saturates_below_one(self, bank):
        response = bank.tuning("complex2", 0.125, np.pi / 6, [1, 10, 1000]).max(-1)
        assert np.all(np.diff(response) > 0)
        assert response[-1] < 1

    def test_folds_of_a_coarse_grid_stay_out(self, bank):
        beyond = np.linspace(0.3, 0.5, 21)
        assert bank.tuning("energy3", beyond, 0.0).max() < 0.01 * 0.5

    def test_opponent_layer(self, bank):
        np.testing.assert_allclose(bank.tuning("opponent", 0.1, 0.0, 0.6, "red-green"), [0, 0.3, 0])

    def test_arguments_broadcast(self, bank):
        assert bank.tuning("energy1", [[0.1], [0.2]], [0.0, 1.0, 2.0]).shape == (2, 3, 18)

    def test_channels_lie_as_the_responses(self, bank):
        for layer in GABOR_LAYERS[1:]:
            for i, channel in enumerate(bank.channels(layer)):
                response = bank.tuning(
                    layer, channel.frequency, channel.orientation, 0.5, channel.plane
                )
                assert response[i] == pytest.approx(response.max(), rel=1e-3)

    @pytest.mark.parametrize("arguments", [("energy9", "luminance"), ("energy1", "green")])
    def test_unknown_names(self, bank, arguments):
        with pytest.raises(BackboneError, match="choose from"):
            bank.tuning(arguments[0], 0.1, 0.0, 1.0, arguments[1])


class TestQuadrature:
    @pytest.mark.parametrize("scale", SCALES)
    def test_energy_does_not_depend_on_phase(self, bank, scale):
        channel = bank.channels(f"energy{scale}")[1]
        phases = np.arange(8) * np.pi / 8
        images = gratings(
            clear_size(scale), channel.frequency, channel.orientation, 0.8, phase=phases
        )
        energy = run(bank, f"energy{scale}", images.float())[:, 1]
        middle = energy[:, energy.shape[1] // 2, energy.shape[2] // 2]
        assert (middle.max() - middle.min()) / middle.mean() < 1e-3
        assert middle.mean().item() == pytest.approx(0.4, rel=1e-3)

    @pytest.mark.parametrize("scale", SCALES)
    def test_even_and_odd_are_equally_strong(self, bank, scale):
        channels = bank.channels(f"simple{scale}")
        frequency = channels[0].frequency * np.linspace(0.6, 1.5, 10)
        for j in range(6):
            pair = bank.tuning(f"simple{scale}", frequency, channels[j].orientation)[:, [j, j + 6]]
            np.testing.assert_allclose(pair[:, 0], pair[:, 1], atol=0.005 * 0.5)

    @pytest.mark.parametrize("options", OPTIONS)
    def test_even_filters_ignore_the_mean(self, options):
        bank = GaborBank(**options)
        for scale in range(1, bank.config()["n_scales"] + 1):
            assert bank.tuning(f"simple{scale}", 0.0, 0.0).max() < 1e-15


class TestPlanes:
    @pytest.mark.parametrize("plane", PLANES)
    def test_gratings_drive_their_own_plane_only(self, bank, plane):
        responses = measure(bank, "energy1", 0.25, 0.0, 0.5, plane).reshape(3, 6)
        own = PLANES.index(plane)
        assert responses[own, 0] == pytest.approx(0.25, rel=1e-3)
        assert np.delete(responses, own, axis=0).max() < 1e-6


class TestImages:
    @given(height=st.integers(16, 50), width=st.integers(16, 50))
    @settings(max_examples=15, deadline=None)
    def test_any_size(self, bank, height, width):
        image = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(height))
        for layer, features in features_of(bank, image).items():
            stride = 1 if layer == "opponent" else 2 ** int(layer[-1])
            expected = (1, len(bank.channels(layer)), -(-height // stride), -(-width // stride))
            assert features.shape == expected
            assert features.isfinite().all()

    @pytest.mark.parametrize("shape", [(3, 32, 32), (1, 1, 32, 32), (1, 3, 15, 32)])
    def test_refuses_other_shapes(self, bank, shape):
        with pytest.raises(ImageError, match="at least 16x16"):
            bank(torch.zeros(shape))

    @pytest.mark.parametrize("value", [0.0, 0.2, 0.5, 1.0])
    def test_constant_images_give_exactly_nothing(self, bank, value):
        features = features_of(bank, torch.full((1, 3, 49, 64), value))
        for layer in GABOR_LAYERS[1:]:
            limit = 1e-6 if layer.startswith("simple") else 0
            assert features[layer].abs().max() <= limit

    def test_one_pixel_shift(self, bank, photograph):
        before = features_of(bank, photograph[..., :-1])
        after = features_of(bank, photograph[..., 1:])
        for scale in SCALES:
            layer = f"complex{scale}"
            change = (after[layer] - before[layer]).norm() / before[layer].norm()
            assert change < 0.6 / 2**scale
            means = [f[layer].mean((2, 3)) for f in (before, after)]
            assert (means[1] - means[0]).norm() < 0.005 * means[0].norm()

    def test_shift_is_interpolation(self, bank, photograph):
        """Half a grid step is made good by band-limited interpolation: nothing has folded."""
        before = features_of(bank, photograph[..., :-2])["complex1"]
        after = features_of(bank, photograph[..., 1:-1])["complex1"]
        width = before.shape[-1]
        ramp = torch.exp(1j * np.pi * torch.fft.rfftfreq(width))
        moved = torch.fft.irfft(torch.fft.rfft(before) * ramp, n=width)
        inner = slice(width // 4, 3 * width // 4)
        error, size = (moved - after)[..., inner].norm(), after[..., inner].norm()
        assert error / size < 0.05

    def test_batch_composition_does_not_matter(self, bank, photograph):
        batch = torch.cat([photograph, photograph.flip(3), photograph.flip(1)])
        alone = bank(batch[1:2])
        torch.testing.assert_close(bank(batch)[1:2], alone, rtol=1e-6, atol=1e-6)

    def test_memory_format_does_not_matter(self, bank, photograph):
        channels_last = bank(photograph.contiguous(memory_format=torch.channels_last))
        torch.testing.assert_close(channels_last, bank(photograph), rtol=1e-5, atol=1e-5)

    def test_bfloat16(self, photograph):
        bank = GaborBank()
        exact = features_of(bank, photograph)
        rough = features_of(bank.bfloat16(), photograph.bfloat16())
        for layer in GABOR_LAYERS:
            assert rough[layer].dtype == torch.bfloat16
            assert (rough[layer].float() - exact[layer]).norm() < 0.1 * exact[layer].norm()


class TestGradients:
    @pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
    def test_finite_on_constant_images(self, bank, value):
        image = torch.full((1, 3, 33, 32), value, requires_grad=True)
        total = sum(f.sum() for f in features_of(bank, image).values())
        total.backward()
        assert image.grad.isfinite().all()

    def test_match_finite_differences(self):
        bank = GaborBank(n_scales=2).double()
        generator = torch.Generator().manual_seed(0)
        image = torch.rand(1, 3, 16, 17, dtype=torch.float64, generator=generator)
        assert torch.autograd.gradcheck(bank, image.requires_grad_(), fast_mode=True)

    @pytest.mark.parametrize("scale", [1, 2, 3])
    def test_reach_as_far_as_declared(self, scale):
        bank = GaborBank(n_scales=scale).double()
        image = torch.rand(1, 3, 300, 300, dtype=torch.float64, requires_grad=True)
        features = run(bank, f"simple{scale}", image)
        features[0, 1, features.shape[2] // 2, features.shape[3] // 2].backward()
        extent, jump = 1, 1
        for name in (*(f"reduce{s}" for s in range(2, scale + 1)), f"simple{scale}"):
            stage = bank.get_submodule(name)
            extent += (stage.kernel_extent - 1) * jump
            jump *= stage.stride_factor
        assert image.grad[0, 0].any(0).sum() == extent
        assert jump == 2**scale


class TestModule:
    def test_is_the_same_every_time_and_needs_no_weights(self, bank):
        assert not bank.state_dict()
        again = dict(GaborBank().named_buffers())
        for name, buffer in bank.named_buffers():
            assert torch.equal(buffer, again[name])
        assert not list(bank.parameters())

    def test_config_rebuilds_it(self):
        bank = GaborBank(**OPTIONS[1])
        config = bank.config()
        assert {name: config[name] for name in OPTIONS[1]} == OPTIONS[1]
        assert json.loads(json.dumps(config)) == config

    def test_traces_to_named_layers(self, bank):
        graph = StageTracer().trace(bank)
        called = [node.target for node in graph.nodes if node.op == "call_module"]
        assert [name for name in called if not name.startswith("reduce")] == list(GABOR_LAYERS)
        image = torch.rand(1, 3, 40, 40)
        torch.testing.assert_close(fx.GraphModule(bank, graph)(image), bank(image))

    def test_stages_declare_their_channels(self, bank):
        for layer in GABOR_LAYERS:
            assert bank.get_submodule(layer).out_channels == len(bank.channels(layer))

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("n_scales", 0),
            ("n_orientations", 1),
            ("peak_frequency", 0.3),
            ("bandwidth", 2.0),
            ("semi_saturation", 0.0),
            ("pool", 0.0),
            ("cross_plane", -0.1),
        ],
    )
    def test_refuses_options_out_of_range(self, name, value):
        with pytest.raises(BackboneError, match=name):
            GaborBank(**{name: value})


class StageTracer(fx.Tracer):
    def is_leaf_module(self, m, module_qualified_name):
        return getattr(m, "is_leaf", False)


def features_of(bank, image):
    features = {}
    hooks = [
        bank.get_submodule(layer).register_forward_hook(
            lambda module, inputs, output, layer=layer: features.__setitem__(layer, output)
        )
        for layer in bank.layers
    ]
    bank(image)
    for hook in hooks:
        hook.remove()
    return features


@pytest.fixture(scope="module")
def photograph():
    data = pytest.importorskip("skimage.data")
    pixels = torch.from_numpy(data.astronaut()[:257, 100:357].copy())
    return pixels.permute(2, 0, 1)[None].float() / 255
