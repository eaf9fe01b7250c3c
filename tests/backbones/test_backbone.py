"""One frozen network: its features, sizes, precisions, gradients, memory."""

import copy
import functools
import pickle
import re
import weakref
from typing import ClassVar

import pytest
import timm
import torch
import torchvision
from torch import nn
from torchvision.models import vgg
from torchvision.models.feature_extraction import create_feature_extractor

from snellen.backbones import INPUT_LAYER, create_backbone
from snellen.errors import BackboneError, ImageError

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


@functools.cache
def reference(name):
    """The network itself, from the seed that `create_backbone` takes by default."""
    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        if name.startswith("timm/"):
            dynamic = {"dynamic_img_size": True} if "vit_" in name else {}
            network = timm.create_model(name.removeprefix("timm/"), pretrained=False, **dynamic)
        else:
            network = torchvision.models.get_model(name, weights=None, **options)
    return network.eval()


@functools.cache
def backbone(name):
    return create_backbone(name, weights=None if name == "gabor" else "random")


def normalised(x, name):
    if name in ("googlenet", "inception_v3", "timm/vit_tiny_patch16_224"):
        return (x - 0.5) / 0.5
    return (x - MEAN) / STD


def by_hooks(network, x, paths):
    """Outputs of modules, copied before the network can overwrite them."""
    caught = {}
    handles = [
        network.get_submodule(path).register_forward_hook(
            lambda _m, _i, output, path=path: caught.__setitem__(path, output.clone())
        )
        for path in paths
    ]
    with torch.no_grad():
        network(x)
    for handle in handles:
        handle.remove()
    return caught


def as_map(value, rows, columns, channels):
    if value.ndim == 2:
        return value[:, :, None, None]
    if value.ndim == 4:
        return value if value.shape[1] == channels else value.permute(0, 3, 1, 2)
    value = value[:, -rows * columns :]
    return torch.stack([value[:, i] for i in range(rows * columns)], 2).unflatten(
        2, (rows, columns)
    )


NETWORKS = {
    "alexnet": (71, 95),
    "vgg16": (48, 40),
    "squeezenet1_0": (71, 66),
    "squeezenet1_1": (71, 66),
    "resnet18": (70, 90),
    "densenet121": (64, 70),
    "mobilenet_v2": (65, 80),
    "efficientnet_b0": (64, 96),
    "convnext_tiny": (64, 96),
    "swin_t": (64, 96),
    "vit_b_32": (224, 224),
    "googlenet": (64, 90),
    "inception_v3": (97, 85),
    "timm/resnet10t": (70, 90),
    "timm/convnext_atto": (64, 96),
    "timm/vit_tiny_patch16_224": (64, 96),
    "timm/swin_tiny_patch4_window7_224": (224, 224),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_features_are_those_of_the_network(name):
    height, width = NETWORKS[name]
    x = torch.rand(1, 3, height, width)
    ours = backbone(name)
    features = ours(x)
    expected = by_hooks(reference(name), normalised(x, name), [i.path for i in ours.layers])
    assert len(features) == len(ours.layers) >= 8
    for info in ours.layers:
        found, stride = features[info.name], info.stride or 32
        value = as_map(expected[info.path], height // stride, width // stride, info.channels)
        torch.testing.assert_close(found, value, rtol=1e-4, atol=1e-5, msg=info.name)
        assert found.shape[1] == info.channels


def test_features_of_vgg16_bn():
    """Its features alone, as somebody's own module: the classifier would take seconds to make."""
    network = nn.Sequential(vgg.make_layers(vgg.cfgs["D"], batch_norm=True)).eval()
    ours = create_backbone(network, mean=(0, 0, 0), std=(1, 1, 1))
    x = torch.randn(1, 3, 48, 40)
    expected = by_hooks(network, x, [info.path for info in ours.layers])
    assert len(expected) == 44
    for name, found in ours(x).items():
        torch.testing.assert_close(found, expected[name], rtol=1e-4, atol=1e-5, msg=name)


@pytest.mark.parametrize("name", ["vgg16", "resnet18", "densenet121"])
def test_features_are_those_of_torchvisions_extractor(name):
    ours = backbone(name)
    paths = [info.path for info in ours.layers if info.kind not in ("ReLU", "_DenseBlock")]
    nodes = {path: path for path in paths if not re.search("pool.*|classifier|fc", path)}
    x = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        expected = create_feature_extractor(reference(name), nodes)(normalised(x, name))
    for path, found in ours(x, list(nodes)).items():
        value = expected[path]
        before_relu = nn.Conv2d if name == "vgg16" else nn.BatchNorm2d
        if isinstance(reference(name).get_submodule(path), before_relu):
            value, found = value.relu(), found.relu()  # theirs was overwritten by the next layer
        torch.testing.assert_close(found, value, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["alexnet", "squeezenet1_1", "resnet18", "swin_t", "gabor"])
def test_strides_are_the_ratio_of_sizes(name):
    x = torch.rand(1, 3, 256, 320)
    for info in backbone(name).layers:
        found = backbone(name)(x, [info.name])[info.name]
        if info.stride is not None and info.kind != "AdaptiveAvgPool2d":
            ratio = torch.tensor([256 / found.shape[2], 320 / found.shape[3]])
            # Without padding, up to a receptive field of positions is lost at the border.
            assert ((ratio - info.stride).abs() <= 0.2 * info.stride).all(), info.name


class TestStream:
    def test_order_of_depth_names_and_input(self):
        x = torch.rand(2, 3, 64, 64)
        asked = ["layer3", INPUT_LAYER, "layer1", "layer1.1", "layer3"]
        found = list(backbone("resnet18").stream(x, asked))
        assert [name for name, _ in found] == [INPUT_LAYER, "layer1", "layer1.1", "layer3"]
        assert found[0][1] is x
        assert torch.equal(found[1][1], found[2][1])

    def test_by_path_and_by_field_name(self):
        x = torch.rand(1, 3, 32, 32)
        by_path, by_name = backbone("vgg16")(x, ["features.3", "relu1_2"]).items()
        assert (by_path[0], by_name[0]) == ("features.3", "relu1_2")
        assert torch.equal(by_path[1], by_name[1])

    def test_stops_at_the_deepest_layer(self):
        network = copy.deepcopy(reference("resnet18"))
        ours = create_backbone(network)
        calls = []
        for module in ours.modules():
            if isinstance(module, nn.Conv2d):
                module.register_forward_hook(lambda *_: calls.append(1))
        ours(torch.rand(1, 3, 64, 64), ["layer1", "layer2"])
        assert len(calls) == 1 + 4 + 5

    @pytest.mark.parametrize("name", ["vgg16", "resnet18"])
    def test_every_layer_is_let_go_of(self, name):
        layers = [info.name for info in backbone(name).layers if info.stride]
        previous = None
        for _, features in backbone(name).stream(torch.rand(1, 3, 64, 64), layers):
            assert previous is None or previous() is None
            previous = weakref.ref(features)
            del features

    def test_while_a_layer_is_computed_only_the_one_before_is_alive(self):
        class Spy(nn.Module):
            is_leaf = True
            made: ClassVar[list] = []
            alive: ClassVar[list] = []

            def forward(self, x):
                Spy.alive.append(sum(ref() is not None for ref in Spy.made))
                output = x + 1
                Spy.made.append(weakref.ref(output))
                return output

        ours = create_backbone(nn.Sequential(*(Spy() for _ in range(4))))
        Spy.made.clear()
        Spy.alive.clear()
        x = torch.rand(1, 3, 64, 64)
        first, second = (ours.stream(x, ["0", "3"]) for _ in range(2))
        for _ in range(2):  # not zip, which holds on to what it gave last
            assert next(first)[1].shape == next(second)[1].shape == x.shape
        # Its own input, and where the other image stands.
        assert Spy.alive == [0, 1, 2, 2, 2, 2, 2, 2]

    def test_in_place_layers_do_not_corrupt_what_is_kept(self):
        x = torch.rand(1, 3, 64, 64)
        taps = {"vgg16": ["conv1_2", "relu1_2"], "resnet18": ["layer1.0.bn2", "layer1.0"]}
        for name, layers in taps.items():
            features = backbone(name)(x, layers)
            assert (features[layers[0]] < 0).any()
            assert (features[layers[1]] >= 0).all()

    def test_no_layer_at_all(self):
        assert backbone("resnet18")(torch.rand(1, 3, 64, 64), []) == {}


class TestTokens:
    @pytest.mark.parametrize(
        ("name", "size", "patch"),
        [("vit_b_32", (224, 224), 32), ("timm/vit_tiny_patch16_224", (64, 112), 16)],
    )
    def test_a_distinctive_patch_is_found_in_its_place(self, name, size, patch):
        plain = torch.full((1, 3, *size), 0.5)
        ours = backbone(name)
        for row, column in ((0, 0), (1, 3), (size[0] // patch - 1, size[1] // patch - 1)):
            changed = plain.clone()
            changed[..., row * patch : (row + 1) * patch, column * patch : (column + 1) * patch] = 1
            a, b = (ours(x, ["blocks.0"])["blocks.0"] for x in (plain, changed))
            distance = (a - b).square().sum(1)[0]
            assert distance.shape == (size[0] // patch, size[1] // patch)
            assert divmod(int(distance.argmax()), distance.shape[1]) == (row, column)

    def test_registers_and_class_token_are_dropped(self):
        network = timm.models.VisionTransformer(
            img_size=64, patch_size=16, embed_dim=24, depth=2, num_heads=2, reg_tokens=4,
            num_classes=5, dynamic_img_size=True,
        )  # fmt: skip
        ours = create_backbone(network)
        x = torch.rand(2, 3, 48, 80)
        whole = by_hooks(network.eval(), (x - MEAN) / STD, ["blocks.1"])["blocks.1"]
        assert whole.shape == (2, 5 + 15, 24)
        expected = whole[:, 5:].transpose(1, 2).reshape(2, 24, 3, 5)
        torch.testing.assert_close(ours(x, ["blocks.1"])["blocks.1"], expected)
        assert ours.layer("blocks.1").stride == 16


class TestFrozen:
    def test_stays_in_evaluation_mode_without_gradients_of_its_own(self):
        ours = create_backbone(
            nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5))
        )
        ours.train()
        assert not any(module.training for module in ours.modules())
        assert not any(p.requires_grad for p in ours.parameters())
        before = copy.deepcopy(ours.state_dict())
        x = torch.rand(2, 3, 16, 16)
        assert torch.equal(ours(x, ["1"])["1"], ours(x, ["1"])["1"])
        assert all(torch.equal(before[key], value) for key, value in ours.state_dict().items())

    def test_gradients_reach_the_image_but_only_when_asked(self):
        x = torch.rand(1, 3, 64, 64)
        assert not backbone("resnet18")(x, ["layer1"])["layer1"].requires_grad
        x.requires_grad_()
        backbone("resnet18")(x, ["layer1"])["layer1"].square().sum().backward()
        expected = torch.autograd.grad(
            create_feature_extractor(reference("resnet18"), ["layer1"])((x - MEAN) / STD)["layer1"]
            .square()
            .sum(),
            x,
        )[0]
        torch.testing.assert_close(x.grad, expected, rtol=1e-3, atol=1e-5)

    @pytest.mark.parametrize("name", ["squeezenet1_1", "timm/vit_tiny_patch16_224", "gabor"])
    def test_inference_mode_does_not_leak(self, name):
        with torch.inference_mode():
            ours = create_backbone(name, None if name == "gabor" else "random")
            layer = ours.layers[-2 if name != "gabor" else -1].name
            ours(torch.rand(1, 3, 64, 64), [layer])
        x = torch.rand(1, 3, 64, 64, requires_grad=True)
        ours(x, [layer])[layer].square().sum().backward()
        assert torch.isfinite(x.grad).all()
        assert x.grad.abs().sum() > 0

    def test_the_image_is_never_written_to(self):
        class Writes(nn.Module):
            def __init__(self, branch):
                super().__init__()
                self.conv, self.branch = nn.Conv2d(3, 4, 3), branch

            def forward(self, x):
                x.mul_(2)
                return self.conv(x) if not self.branch or x.sum() > -1 else x

        for branch in (False, True):  # traced, and by hooks
            ours = create_backbone(Writes(branch), mean=(0, 0, 0), std=(1, 1, 1))
            x = torch.rand(1, 3, 16, 16).contiguous(memory_format=torch.channels_last)
            before = x.clone()
            once, twice = (ours(x, ["conv"])["conv"] for _ in range(2))
            assert torch.equal(once, twice)
            assert torch.equal(x, before)


class TestPrecision:
    def test_bfloat16_computes_in_bfloat16_but_normalises_in_float32(self):
        seen = []

        class Look(nn.Module):
            is_leaf = True

            def forward(self, x):
                seen.append(x)
                return x * 1

        module = nn.Sequential(Look(), nn.Conv2d(3, 4, 1))
        ours = create_backbone(module, precision="bfloat16")
        x = torch.rand(1, 3, 16, 16)
        assert ours(x, ["1"])["1"].dtype is torch.bfloat16
        assert torch.equal(seen[-1], ((x - MEAN) / STD).bfloat16())
        assert ours.precision is torch.bfloat16
        assert ours.manifest()["precision"] == "bfloat16"

    def test_casting_there_and_back_keeps_the_normalisation(self):
        ours = create_backbone("squeezenet1_1", "random")
        x = torch.rand(1, 3, 64, 64)
        before = ours.normalise(x)
        ours.to(torch.bfloat16).to(torch.float32)
        assert torch.equal(ours.normalise(x), before)
        assert ours.manifest()["mean"] == [0.485, 0.456, 0.406]

    def test_float64_is_exact(self):
        ours = create_backbone("squeezenet1_1", "random", precision="float64")
        network = copy.deepcopy(reference("squeezenet1_1")).double()
        mean = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64).view(1, 3, 1, 1)
        std = torch.tensor([0.229, 0.224, 0.225], dtype=torch.float64).view(1, 3, 1, 1)
        for dtype in (torch.float32, torch.float64):
            x = torch.rand(1, 3, 64, 64, dtype=dtype)
            found = ours(x, ["fire9"])["fire9"]
            with torch.no_grad():
                expected = network.features((x.double() - mean) / std)
            assert found.dtype is torch.float64
            torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)

    @pytest.mark.parametrize("precision", ["bfloat16", "float64"])
    def test_hash_is_of_the_weights_as_they_came(self, precision):
        other = create_backbone("squeezenet1_1", "random", precision=precision, layers=["fire3"])
        assert other.weights_sha256 == backbone("squeezenet1_1").weights_sha256


class TestKeep:
    def test_select_frees_memory_and_keeps_the_numbers(self):
        ours = create_backbone("alexnet", "random")
        x = torch.rand(1, 3, 64, 64)
        before = ours(x, ["relu2", "relu1"])
        ours.select(["relu2", "relu1"])
        assert [info.name for info in ours.layers] == ["relu2", "relu1"]
        expected = sum(p.numel() for p in reference("alexnet").features[:4].parameters())
        assert sum(p.numel() for p in ours.parameters()) == expected
        after = ours(x)
        assert list(after) == ["relu1", "relu2"]
        assert all(torch.equal(after[name], before[name]) for name in before)

    def test_keep_lists_what_is_left(self):
        ours = create_backbone("resnet18", "random")
        ours.keep([INPUT_LAYER, "layer1"])
        assert [info.name for info in ours.layers][-1] == "layer1"
        assert {n for n, _ in ours._runner.network.named_children()} == {
            "conv1", "bn1", "relu", "maxpool", "layer1",
        }  # fmt: skip

    @pytest.mark.parametrize("name", ["fc", "layer4.0", "relu5"])
    def test_what_was_given_up_is_an_error_that_says_so(self, name):
        network = "alexnet" if name == "relu5" else "resnet18"
        ours = create_backbone(network, "random")
        ours.keep([ours.layers[2].name])
        with pytest.raises(BackboneError, match=rf"{name}' was given up to save memory"):
            ours(torch.rand(1, 3, 64, 64), [name])

    def test_keep_what_is_already_gone(self):
        ours = create_backbone("squeezenet1_1", "random", layers=["fire2"])
        with pytest.raises(BackboneError, match="given up"):
            ours.keep(["fire3"])
        assert ours(torch.rand(1, 3, 64, 64))["fire2"].shape == (1, 128, 15, 15)


@pytest.mark.parametrize(
    "name", ["gabor", "squeezenet1_1", "efficientnet_b0", "timm/vit_tiny_patch16_224"]
)
@pytest.mark.parametrize("copy_of", [copy.deepcopy, lambda b: pickle.loads(pickle.dumps(b))])
def test_copies_give_the_same_features(name, copy_of):
    x = torch.rand(1, 3, 64, 64)
    before = backbone(name)(x)
    after = copy_of(backbone(name))(x)
    assert list(before) == list(after)
    assert all(torch.equal(before[layer], after[layer]) for layer in before)


@pytest.mark.parametrize("name", ["gabor", "alexnet", "squeezenet1_1", "resnet18", "swin_t"])
def test_features_do_not_depend_on_the_rest_of_the_batch(name, photos):
    batch = torch.cat([photo[..., :128, :160] for photo in photos])
    together, alone = backbone(name)(batch), backbone(name)(batch[2:3])
    for layer, value in alone.items():
        scale = float(value.abs().max())
        torch.testing.assert_close(together[layer][2:3], value, rtol=1e-5, atol=1e-5 * scale)


class TestErrors:
    @pytest.mark.parametrize(
        ("name", "size"), [("alexnet", (20, 24)), ("squeezenet1_1", (16, 9)), ("vgg16", (8, 300))]
    )
    def test_too_small(self, name, size):
        with pytest.raises(BackboneError, match=f"images of {size[1]}x{size[0]} pixels"):
            backbone(name)(torch.rand(1, 3, *size))

    def test_small_images_are_fine_where_only_shallow_layers_are_asked_for(self):
        assert backbone("vgg16")(torch.rand(1, 3, 8, 8), ["relu1_2"])["relu1_2"].shape[2:] == (8, 8)

    def test_too_small_for_gabor(self):
        with pytest.raises(ImageError, match="at least"):
            backbone("gabor")(torch.rand(1, 3, 1, 1))

    def test_not_a_multiple_of_the_patch(self):
        with pytest.raises(BackboneError, match="cannot take images of 100x64 pixels"):
            backbone("timm/vit_tiny_patch16_224")(torch.rand(1, 3, 64, 100))

    @pytest.mark.parametrize("name", ["vit_b_32", "timm/swin_tiny_patch4_window7_224"])
    def test_fixed_size(self, name):
        with pytest.raises(BackboneError, match="takes images of 224x224 pixels only; got 300x200"):
            backbone(name)(torch.rand(1, 3, 200, 300))

    @pytest.mark.parametrize(
        "batch",
        [
            torch.rand(1, 1, 64, 64),
            torch.rand(3, 64, 64),
            torch.rand(1, 4, 64, 64),
            torch.zeros(1, 3, 64, 64, dtype=torch.uint8),
        ],
    )
    def test_not_an_image_batch(self, batch):
        with pytest.raises(BackboneError, match=r"takes an image batch \(N, 3, H, W\) of floats"):
            backbone("alexnet")(batch)

    def test_unknown_layer_names_near_ones_and_all(self):
        with pytest.raises(
            BackboneError, match=r"Did you mean .*relu1_2.*conv1_1, relu1_1"
        ) as info:
            backbone("vgg16").layer("relu1_3")
        assert "input" in str(info.value)

    def test_an_error_that_has_nothing_to_do_with_size_is_not_blamed_on_it(self):
        ours = create_backbone("squeezenet1_1", "random")
        for parameter in ours.parameters():
            parameter.data = parameter.data[:1]  # broken from outside
        with pytest.raises(RuntimeError) as info:
            ours(torch.rand(1, 3, 80, 80))
        assert not isinstance(info.value, BackboneError)

    def test_running_out_of_memory_is_not_blamed_on_the_size(self):
        class Hungry(nn.Module):
            def forward(self, x):
                if x.shape[-1] > 128:
                    raise torch.OutOfMemoryError("out of memory: input size")
                return x * 1

        ours = create_backbone(nn.Sequential(Hungry(), nn.Conv2d(3, 3, 1)))
        with pytest.raises(torch.OutOfMemoryError):
            ours(torch.rand(1, 3, 130, 130))


class TestDescription:
    def test_layer_of_the_input(self):
        info = backbone("resnet18").layer(INPUT_LAYER)
        assert (info.channels, info.stride, info.receptive_field) == (3, 1, 1)

    @pytest.mark.parametrize(
        ("name", "head", "body"),
        [
            ("resnet18", "fc", "layer4"),
            ("squeezenet1_1", "conv10", "fire9"),
            ("swin_t", "head", "norm"),
        ],
    )
    def test_head(self, name, head, body):
        assert backbone(name).is_head(head)
        assert not backbone(name).is_head(body)

    def test_main_layers_are_the_trunk(self):
        assert [info.name for info in backbone("resnet18").layers] == [
            "conv1", "bn1", "relu", "maxpool", "layer1.0", "layer1", "layer2.0", "layer2",
            "layer3.0", "layer3", "layer4.0", "layer4", "avgpool", "fc",
        ]  # fmt: skip
        vit = [info.name for info in backbone("timm/vit_tiny_patch16_224").layers]
        assert vit == ["patch_embed", *(f"blocks.{i}" for i in range(12)), "norm", "head"]

    def test_manifest_is_plain(self):
        import json

        manifest = backbone("squeezenet1_1").manifest()
        assert json.loads(json.dumps(manifest)) == manifest
        assert manifest["weights"]["source"] == "random"
        assert manifest["weights"]["seed"] == 0
        assert re.fullmatch(r"[0-9a-f]{64}", manifest["weights"]["sha256"])
