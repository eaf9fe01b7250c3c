"""`create_backbone`: names, seeds, files, users' own modules."""

import copy

import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch import nn

from snellen.backbones import create_backbone, file_sha256
from snellen.errors import BackboneError, WeightsError

X = torch.linspace(0, 1, 3 * 64 * 64).reshape(1, 3, 64, 64)


def squeezenet(seed=3):
    torch.manual_seed(seed)
    return torchvision.models.squeezenet1_1(weights=None).eval()


class TestRandom:
    def test_the_seed_decides(self):
        a, b, c = (create_backbone("squeezenet1_1", "random", seed=seed) for seed in (5, 5, 6))
        assert a.weights_sha256 == b.weights_sha256 != c.weights_sha256
        assert torch.equal(a(X, ["fire3"])["fire3"], b(X, ["fire3"])["fire3"])

    def test_the_global_generator_is_left_alone(self):
        torch.manual_seed(1)
        expected = torch.rand(3)
        torch.manual_seed(1)
        create_backbone("squeezenet1_1", "random", seed=9)
        assert torch.equal(torch.rand(3), expected)

    def test_not_for_own_modules_nor_gabor(self):
        with pytest.raises(WeightsError, match="keeps the weights that it has"):
            create_backbone(nn.Conv2d(3, 3, 1), "random")
        with pytest.raises(WeightsError, match="gabor has no weights"):
            create_backbone("gabor", "random")


class TestFiles:
    @pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
    def test_weights_of_torchvision_layout(self, tmp_path, suffix):
        network, path = squeezenet(), tmp_path / f"weights{suffix}"
        if suffix == ".pth":
            torch.save(network.state_dict(), path)
        else:
            save_file(network.state_dict(), path)
        backbone = create_backbone("squeezenet1_1", path, mean=(0, 0, 0), std=(1, 1, 1))
        with torch.no_grad():
            torch.testing.assert_close(backbone(X, ["fire9"])["fire9"], network.features(X))
        weights = backbone.manifest()["weights"]
        assert weights == {"source": "file", "sha256": file_sha256(path), "file": path.name}

    def test_another_network(self, tmp_path):
        path = tmp_path / "weights.safetensors"
        save_file(squeezenet().state_dict(), path)
        with pytest.raises(WeightsError, match="do not fit the network"):
            create_backbone("resnet18", path)
        with pytest.raises(WeightsError, match="do not fit the network"):
            create_backbone("squeezenet1_0", path)

    def test_a_classifier_of_other_classes_may_be_missing(self, tmp_path):
        network, path = squeezenet(), tmp_path / "weights.safetensors"
        save_file(network.features.state_dict(prefix="features."), path)
        backbone = create_backbone("squeezenet1_1", path, layers=["fire2"])
        mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (backbone.mean, backbone.std))
        with torch.no_grad():
            expected = network.features[:4]((X - mean) / std)
        torch.testing.assert_close(backbone(X)["fire2"], expected)

    def test_no_such_file(self, tmp_path):
        with pytest.raises(WeightsError, match=r"no such file: .*nowhere\.pth"):
            create_backbone("squeezenet1_1", tmp_path / "nowhere.pth")

    def test_googlenet_sees_the_range_that_it_was_trained_on(self, tmp_path):
        path = tmp_path / "googlenet.safetensors"
        torch.manual_seed(0)
        network = torchvision.models.googlenet(
            weights=None, transform_input=True, init_weights=False, aux_logits=False
        ).eval()
        save_file(network.state_dict(), path)
        backbone = create_backbone("googlenet", path)
        mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
        std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
        with torch.no_grad():
            expected = network((X - mean) / std)[:, :, None, None]
        torch.testing.assert_close(backbone(X, ["fc"])["fc"], expected, rtol=1e-4, atol=1e-5)

    def test_no_published_weights(self):
        with pytest.raises(WeightsError, match="No weights are published for Sequential"):
            create_backbone(nn.Sequential(nn.Conv2d(3, 3, 1)), "imagenet", name="mine")


class TestNames:
    @pytest.mark.parametrize(
        ("name", "near"),
        [("resnet81", "resnet18"), ("vgg61", "vgg16"), ("timm/convnext_ato", "convnext_atto")],
    )
    def test_unknown(self, name, near):
        with pytest.raises(BackboneError, match=f"No backbone is called '{name}'.*{near}"):
            create_backbone(name)

    def test_options(self):
        with pytest.raises(BackboneError, match="precision must be one of"):
            create_backbone("gabor", precision="float16")
        with pytest.raises(BackboneError, match="pooling must be one of"):
            create_backbone("gabor", pooling="min")
        for layers in ("fire2", []):
            with pytest.raises(BackboneError, match="layers must be a list"):
                create_backbone("gabor", layers=layers)
        for values in ((0.5,), (1, 1, 0)):
            with pytest.raises(BackboneError, match="std must be three numbers"):
                create_backbone("gabor", std=values)


class TestOwnModule:
    def network(self):
        return nn.Sequential(
            nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(inplace=True), nn.Conv2d(6, 4, 1)
        )

    def test_is_not_changed(self):
        network = self.network().train()
        calls = []
        network[0].register_forward_hook(lambda *_: calls.append(1))
        before = copy.deepcopy(network.state_dict())
        backbone = create_backbone(network, layers=["2"], precision="bfloat16")
        backbone(X)
        assert network.training
        assert all(module.training for module in network.modules())
        assert all(p.requires_grad for p in network.parameters())
        assert network[2].inplace
        assert network[0].weight.is_contiguous()
        assert len(network[0]._forward_hooks) == 1
        assert len(network) == 4
        assert all(torch.equal(before[k], v) for k, v in network.state_dict().items())
        assert {p.dtype for p in network.parameters()} == {torch.float32}

    def test_inplace_and_hooks_of_an_untraceable_one_stay_too(self):
        class Branch(nn.Module):
            def __init__(self, inner):
                super().__init__()
                self.inner = inner

            def forward(self, x):
                return self.inner(x) if x.mean() < 99 else x

        network = Branch(self.network())
        backbone = create_backbone(network)
        found = backbone(X, ["inner.1", "inner.2"])
        assert torch.equal(found["inner.1"].relu(), found["inner.2"])
        assert (found["inner.1"] < 0).any()
        assert network.inner[2].inplace
        assert not any(module._forward_hooks for module in network.modules())
        assert not backbone.thread_safe  # code that was not seen may keep something
        assert create_backbone(self.network()).thread_safe

    def test_chosen_layers_and_normalisation(self):
        network = self.network().eval()
        backbone = create_backbone(network, layers=["0"], mean=(0, 0, 0), std=(0.5, 0.5, 0.5))
        assert [info.name for info in backbone.layers] == ["0"]
        with torch.no_grad():
            torch.testing.assert_close(backbone(X)["0"], network[0](X / 0.5))
        assert backbone.name == "Sequential"
        assert backbone.manifest()["weights"]["source"] == "module"

    def test_weights_from_a_file(self, tmp_path):
        other, path = self.network(), tmp_path / "own.safetensors"
        save_file(other.state_dict(), path)
        a, b = create_backbone(self.network(), path), create_backbone(other)
        assert torch.equal(a(X, ["3"])["3"], b(X, ["3"])["3"])

    def test_a_network_of_one_size(self):
        with torch.device("meta"):
            probe = torchvision.models.VisionTransformer(224, 32, 1, 2, 24, 48)
        network = probe.to_empty(device="cpu")
        for parameter in network.parameters():
            nn.init.normal_(parameter, std=0.1)
        backbone = create_backbone(network)
        layer = "encoder.layers.encoder_layer_0"
        assert backbone(torch.rand(1, 3, 224, 224), [layer])[layer].shape == (1, 24, 7, 7)
        with pytest.raises(BackboneError, match="cannot take images of 64x64 pixels"):
            backbone(X, [layer])

    def test_double_precision_weights_stay_until_cast(self):
        backbone = create_backbone(self.network().double(), precision="float64")
        assert backbone(X, ["3"])["3"].dtype is torch.float64

    @pytest.mark.parametrize("kind", [tuple, list, dict])
    def test_several_outputs_leave_the_layers_inside(self, kind):
        class Several(nn.Module):
            def __init__(self):
                super().__init__()
                self.a, self.b = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 3)

            def forward(self, x):
                a = self.a(x)
                return {"a": a, "b": self.b(a)} if kind is dict else kind((a, self.b(a)))

        backbone = create_backbone(Several())
        assert [info.channels for info in backbone.layers] == [4, 5]
        assert backbone(X)["b"].shape == (1, 5, 60, 60)

    @pytest.mark.parametrize("thing", [3, None, nn.Conv2d, torchvision.models.resnet18])
    def test_not_a_module(self, thing):
        with pytest.raises(BackboneError, match=r"must be a name or a torch\.nn\.Module"):
            create_backbone(thing)

    def test_needs_other_channels(self):
        with pytest.raises(BackboneError, match=r"Sequential failed on a trial .*channels"):
            create_backbone(nn.Sequential(nn.Conv2d(1, 3, 3)))

    def test_takes_other_arguments(self):
        class Two(nn.Module):
            def forward(self, x, y):
                return x + y

        class Lists(nn.Module):
            def forward(self, images):
                return images["image"]

        for network in (Two(), Lists()):
            with pytest.raises(BackboneError, match="failed on a trial image batch"):
                create_backbone(network)

    def test_nothing_to_choose_from(self):
        class Bare(nn.Module):
            def forward(self, x):
                return x.mean((2, 3))

        for network in (Bare(), nn.Conv2d(3, 3, 1)):
            with pytest.raises(BackboneError, match="has no layers"):
                create_backbone(network)

    def test_unknown_layer(self):
        with pytest.raises(BackboneError, match="has no layer 'conv9'"):
            create_backbone(self.network(), layers=["conv9"])
