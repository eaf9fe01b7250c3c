"""The embedded network: its facts, its file, what a small shift does, and its training."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from snellen.backbones import Fovea, create_backbone, file_sha256
from snellen.distortions import distort
from snellen.errors import BackboneError, ImageError, WeightsError
from snellen.metrics import create_metric
from tests.backbones.inside import shipped_weights

RECIPE = Path(__file__).parents[2] / "recipes" / "fovea"


@pytest.fixture(scope="module")
def fovea():
    return create_backbone("fovea")


@pytest.fixture(scope="module")
def dfb():
    return create_metric("dfb")


class TestNetwork:
    def test_it_is_small(self):
        assert sum(p.numel() for p in Fovea().parameters()) <= 1_000_000
        assert shipped_weights().stat().st_size <= 2_500_000

    def test_layers_and_strides(self, fovea):
        assert [info.name for info in fovea.layers] == list(Fovea().layers)
        assert [info.stride for info in fovea.layers] == [2, 2, 4, 8, 16]
        assert [info.channels for info in fovea.layers] == [3, 16, 24, 35, 29]

    def test_receptive_fields_are_those_of_a_gradient(self):
        backbone, network = create_backbone("fovea"), Fovea().double()
        for name in ("retina", "stage1", "stage2", "stage3"):
            image = torch.rand(1, 3, 160, 160, dtype=torch.float64, requires_grad=True)
            # The linear reach: a ReLU would hide what happens to be inactive.
            features = _linear(network, image, name)
            middle = features.shape[2] // 2
            features[0, :, middle, middle].square().sum().backward()
            reached = image.grad[0].abs().sum(0).nonzero()
            side = int((reached.max(0).values - reached.min(0).values).max()) + 1
            assert side == backbone.layer(name).receptive_field

    @settings(max_examples=15)
    @given(st.integers(32, 83), st.integers(32, 83))
    def test_any_size_from_32(self, height, width):
        features = create_backbone("fovea", layers=["stage4"])(torch.rand(1, 3, height, width))
        maps = features["stage4"]
        assert maps.shape == (1, 29, *(-(-(side // 2) // 8) for side in (height, width)))
        assert maps.isfinite().all()

    def test_grey_gives_an_empty_retina(self, fovea):
        grey = fovea(torch.full((1, 3, 40, 36), 0.5), ["retina"])["retina"]
        assert grey.abs().max() < 1e-6
        ramp = torch.linspace(0, 1, 40).view(1, 1, 1, 40).expand(1, 3, 36, 40)
        luminance, *opponent = fovea(ramp, ["retina"])["retina"][0]
        assert luminance.diff(dim=1).min() > 0
        assert all(plane.abs().max() < 1e-6 for plane in opponent)

    def test_what_does_not_fit_is_refused(self, fovea):
        with pytest.raises(ImageError, match="at least 16x16"):
            fovea(torch.rand(1, 3, 15, 40))
        for channels in ((), ((4,), ()), ((4,), (4, 0))):
            with pytest.raises(BackboneError, match="channels must be positive"):
                Fovea(channels)


def _linear(network, image, name):
    x = network.retina(image)
    for i in range(1, int(name[-1]) + 1 if name != "retina" else 1):
        x = network.get_submodule(f"reduce{i}")(x) if i > 1 else x
        for module in network.get_submodule(f"stage{i}"):
            x = module(x) if isinstance(module, torch.nn.Conv2d) else x
    return x


class TestWeights:
    def test_what_runs_is_what_ships(self, fovea):
        shipped = load_file(shipped_weights())
        assert {t.dtype for t in shipped.values()} == {torch.float16}
        network = Fovea().to(memory_format=torch.channels_last)
        image = torch.rand(1, 3, 64, 64)
        network.load_state_dict({name: value.float() for name, value in shipped.items()})
        with torch.inference_mode():
            assert torch.equal(network(image), fovea(image, ["stage4"])["stage4"])
        assert fovea.weights.source == "embedded"
        assert fovea.weights_sha256 == file_sha256(shipped_weights())

    def test_a_control_with_random_weights(self, fovea):
        first, again = (create_backbone("fovea", "random", seed=3) for _ in range(2))
        assert first.weights.source == "random"
        assert first.weights_sha256 == again.weights_sha256 != fovea.weights_sha256

    def test_a_training_of_ones_own(self, tmp_path):
        own = {k: v * 0.5 for k, v in Fovea().state_dict().items()}
        save_file(own, tmp_path / "own.safetensors")
        wide = Fovea([[4], [5, 5], [6, 7], [8, 9]])
        save_file(wide.state_dict(), tmp_path / "wide.safetensors")
        image = torch.rand(1, 3, 48, 40)
        found = create_backbone("fovea", tmp_path / "wide.safetensors")(image, ["stage4"])
        torch.testing.assert_close(found["stage4"], wide.eval()(image))
        with pytest.raises(WeightsError, match="recipes/fovea makes others"):
            create_metric("dfb", weights=tmp_path / "wide.safetensors")
        backbone = create_backbone("fovea", tmp_path / "own.safetensors")
        assert backbone.weights.source == "file"
        metric = create_metric("dfb", weights=tmp_path / "own.safetensors")
        assert metric.backbone.weights_sha256 == backbone.weights_sha256

    def test_imagenet_has_nothing_to_do_with_it(self):
        with pytest.raises(WeightsError, match='Expected "embedded", "random"'):
            create_backbone("fovea", "imagenet")


class TestMetric:
    def test_the_same_twice_and_zero_for_the_same(self, dfb, photos):
        x, y = photos[0].flip(3), photos[0]
        assert torch.equal(dfb(x, y), dfb(x, y))
        assert dfb(y, y).item() == 0
        assert dfb.map(y, y).count_nonzero() == 0

    @pytest.mark.parametrize("name", ["gaussian-blur", "white-noise", "jpeg", "jpeg2000"])
    def test_order_of_severity(self, dfb, photos, name):
        for photo in photos:
            worse = torch.cat([distort(photo, f"{name}:{level}") for level in (1, 3, 5)])
            assert dfb(worse, photo.expand(3, -1, -1, -1)).diff().min() > 0

    def test_a_shift_by_a_pixel_is_hardly_seen(self, dfb, photos):
        """It counts for less than half of noise with the same error in pixels."""
        for photo in photos:
            moved, still = photo[..., 1:-1, 2:], photo[..., 1:-1, 1:-1]
            noise = torch.randn(still.shape, generator=torch.Generator().manual_seed(0))
            noisy = (still + noise * (moved - still).square().mean().sqrt()).clamp(0, 1)
            assert dfb(moved, still) < dfb(noisy, still) / 2

    def test_the_mean_of_its_map_is_the_distance(self, dfb, photos):
        noisy = distort(photos[1], "white-noise:3")
        expected = dfb(noisy, photos[1]).item()
        # Layers are enlarged to the image, which counts what is at the border a little differently.
        assert dfb.map(noisy, photos[1]).mean().item() == pytest.approx(expected, rel=0.05)


def test_no_channel_is_silent(fovea, photos):
    """On photographs, on their distortions and on what photographs have little of."""
    generator = torch.Generator().manual_seed(0)
    seen = list(photos) + [distort(p, "white-noise:5") for p in photos]
    seen += [torch.rand(4, 3, 64, 64, generator=generator)]
    seen += [torch.rand(40, 3, 1, 1, generator=generator).expand(-1, -1, 32, 32)]
    silent = 0
    for name in ("stage1", "stage2", "stage3", "stage4"):
        found = torch.stack([fovea(x, [name])[name].amax((0, 2, 3)) for x in seen]).amax(0)
        silent += int((found == 0).sum())
    assert silent <= 5


def _recipe(name):
    """Import a module of the recipe, which is no part of the package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, RECIPE / f"{name}.py")
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture
def recipe():
    _recipe("targets")
    _recipe("prune")
    _recipe("student")
    yield _recipe("train")
    for name in ("targets", "prune", "student", "train"):
        sys.modules.pop(name, None)


class TestRecipe:
    def pairs(self, photos):
        targets = sys.modules["targets"]
        generator = torch.Generator().manual_seed(0)
        specs = [["white-noise:1", "gaussian-blur:3", "jpeg:2+pixelate:1"]] * 3
        references = torch.randint(0, 256, (3, 3, 48, 48), dtype=torch.uint8, generator=generator)
        distorted = torch.randint(0, 256, (3, 3, 3, 48, 48), dtype=torch.uint8, generator=generator)
        scores = np.random.default_rng(0).random((3, 3, len(targets.MEMBERS)))
        return targets.Pairs(references, distorted, scores, np.array(specs))

    def test_a_killed_run_goes_on_to_the_same_weights(self, recipe, photos, tmp_path):
        pairs = self.pairs(photos)
        target = recipe.consensus(pairs, pairs)
        settings = recipe.Settings(steps=4, contents=2, versions=2, side=32)
        whole = recipe.Run(settings, tmp_path / "whole")
        list(whole.train(pairs, target))
        first = recipe.Run(settings, tmp_path / "cut")
        list(first.train(pairs, target, until=2))
        first.save()
        second = recipe.Run(settings, tmp_path / "cut")
        assert second.step == 2
        list(second.train(pairs, target))
        assert second.log == whole.log
        for name, value in whole.average.items():
            assert torch.equal(second.average[name], value)
        with pytest.raises(SystemExit, match="other settings"):
            recipe.Run(recipe.Settings(steps=5), tmp_path / "cut")

    def test_what_it_writes_is_what_the_package_reads(self, recipe, photos, tmp_path):
        run = recipe.Run(recipe.Settings(steps=1, side=32), tmp_path)
        network, head = run.export(tmp_path, self.pairs(photos))
        metric = create_metric("dfb", weights=network, head_weights=head)
        x, y = torch.rand(2, 3, 64, 64)[:, None]
        with torch.no_grad():
            torch.testing.assert_close(run.averaged()(y, x), metric(x, y), rtol=1e-4, atol=1e-7)

    def test_silent_channels_go_and_the_rest_stays(self, recipe):
        prune = sys.modules["prune"]
        network = Fovea([[4], [5, 6], [7, 8], [5, 6]])
        with torch.no_grad():
            for stage, silent in (("stage1", 2), ("stage2", 4), ("stage4", 0)):
                network.get_submodule(stage)[-2].bias[silent] = -1000.0
            network.stage3[0].bias[:3] = -1000.0
        images = torch.rand(3, 3, 64, 48)
        live = prune.live_channels(network, images.split(1))
        small = prune.pruned(network, live)
        assert {2} == set(range(4)) - set(live["stage1.1"].tolist())
        assert small.stage3[0].out_channels <= 4
        torch.testing.assert_close(small(images), network(images)[:, live["stage4.3"]])
        assert network(images)[:, 0].count_nonzero() == 0

    def test_the_consensus_is_the_mean_of_gaussianised_ranks(self, recipe, photos):
        pairs = self.pairs(photos)
        found = recipe.consensus(pairs, pairs)
        assert found.mean() == pytest.approx(0, abs=1e-9)
        pairs.scores[...] = np.arange(9).reshape(3, 3, 1)
        assert (np.diff(recipe.consensus(pairs, pairs).ravel()) > 0).all()

    def test_types_left_out_are_told_by_name(self, recipe, photos):
        assert recipe.unseen(self.pairs(photos)).tolist() == [[False, False, True]] * 3
