"""Weights files of every kind, honest, damaged and hostile."""

import hashlib
import importlib.util
import io
import json
import pickle
import random
import tarfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import nn

from snellen.errors import WeightsError
from tests.backbones.inside import load_into, load_state_dict, state_sha256, strip_prefix

STATE = {"conv.weight": torch.arange(12.0).reshape(1, 3, 2, 2), "conv.bias": torch.ones(1)}
DTYPES = [torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool]


def save(content, path, kind="zip"):
    if kind == "safetensors":
        save_file(content, path)
    else:
        torch.save(content, path, _use_new_zipfile_serialization=kind == "zip")
    return path


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor)


@pytest.fixture(params=[("a.pth", "zip"), ("a.pth", "legacy"), ("a.safetensors", "safetensors")])
def saved(request, tmp_path):
    name, kind = request.param
    return save(STATE, tmp_path / name, kind)


class TestRead:
    def test_each_format(self, saved):
        assert_same(load_state_dict(saved), STATE)

    @pytest.mark.parametrize("suffix", [".pth", ".pt", ".bin", ".ckpt", ".pth.tar", ".PTH"])
    def test_each_suffix(self, tmp_path, suffix):
        assert_same(load_state_dict(save(STATE, tmp_path / f"net{suffix}")), STATE)

    @pytest.mark.parametrize(
        "wrap",
        [
            lambda s: {"state_dict": s, "epoch": 3, "best": 0.5},
            lambda s: {"model": s, "optimizer": {"lr": 0.1}},
            lambda s: {"model": {"state_dict": s}},
            lambda s: {"params": {"other": torch.zeros(1)}, "params_ema": s},
            lambda s: {"params": s},
            lambda s: OrderedDict(s),
        ],
    )
    def test_wrapped(self, tmp_path, wrap):
        assert_same(load_state_dict(save(wrap(STATE), tmp_path / "net.pth")), STATE)

    def test_layer_called_model_is_no_wrapping(self, tmp_path):
        state = {"model": torch.ones(2), "params": torch.zeros(1)}
        assert_same(load_state_dict(save(state, tmp_path / "net.pth")), state)

    def test_parameters_come_without_gradient(self, tmp_path):
        path = save(dict(nn.Linear(2, 2).named_parameters()), tmp_path / "net.pth")
        assert not any(tensor.requires_grad for tensor in load_state_dict(path).values())

    @pytest.mark.parametrize(("net", "channels"), [("alex", 64), ("vgg", 64), ("squeeze", 64)])
    def test_published_lpips_heads(self, shared, net, channels):
        folder = Path(importlib.util.find_spec("lpips").origin).parent / "weights" / "v0.1"
        state = load_state_dict(folder / f"{net}.pth")
        assert state["lin0.model.1.weight"].shape == (1, channels, 1, 1)
        oracle = load_file(shared / "weights" / "lpips_lin_weights.safetensors")
        values = {tensor.numpy().tobytes() for tensor in oracle.values()}
        assert all(tensor.numpy().tobytes() in values for tensor in state.values())

    def test_published_network(self, shared):
        state = load_state_dict(shared / "weights" / "squeezenet1_1.safetensors")
        network = torchvision.models.squeezenet1_1()
        load_into(network, state, source="squeezenet1_1")
        assert_same(network.state_dict(), state)


class WritesMarker:
    """Its pickle writes a file when it is opened without care."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.write_text, (self.marker, "code has run")


class TestHostile:
    @pytest.mark.parametrize("kind", ["zip", "legacy"])
    @pytest.mark.parametrize("wrap", [lambda x: x, lambda x: {**STATE, "extra": x}])
    def test_code_is_refused_and_not_run(self, tmp_path, kind, wrap):
        marker = tmp_path / "marker"
        path = save(wrap(WritesMarker(marker)), tmp_path / "net.pth", kind)
        with pytest.raises(WeightsError, match=r"net\.pth: refused.*safetensors"):
            load_state_dict(path)
        assert not marker.exists()
        torch.load(path, weights_only=False)
        assert marker.exists(), "the file of this test must be a dangerous one"

    def test_bare_pickle(self, tmp_path):
        marker = tmp_path / "marker"
        (tmp_path / "net.bin").write_bytes(pickle.dumps(WritesMarker(marker)))
        with pytest.raises(WeightsError, match=r"refused|damaged"):
            load_state_dict(tmp_path / "net.bin")
        assert not marker.exists()

    def test_whole_module_names_what_was_found(self, tmp_path):
        with pytest.raises(WeightsError, match=r"refused.*torch\.nn\.modules\.linear\.Linear"):
            load_state_dict(save(nn.Linear(1, 1), tmp_path / "net.pth"))

    @pytest.mark.filterwarnings("ignore:.*torch.jit")
    def test_torchscript(self, tmp_path):
        torch.jit.save(torch.jit.trace(nn.Linear(2, 2), torch.ones(1, 2)), tmp_path / "net.pt")
        with pytest.raises(WeightsError, match=r"refused.*TorchScript archives"):
            load_state_dict(tmp_path / "net.pt")

    @pytest.mark.parametrize("member", ["storages", "\udc80hidden"])
    @pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
    def test_tar_is_refused(self, tmp_path, member, form):
        """Also one whose first byte is that of a pickle: PyTorch before 2.6 ran code from it."""
        path = tmp_path / "net.pth"
        with tarfile.open(path, "w", format=form, errors="surrogateescape") as archive:
            content = pickle.dumps(WritesMarker(tmp_path / "marker"))
            information = tarfile.TarInfo(member)
            information.size = len(content)
            archive.addfile(information, io.BytesIO(content))
        with pytest.raises(WeightsError, match="tar file"):
            load_state_dict(path)
        assert not (tmp_path / "marker").exists()

    def test_file_that_contains_itself(self, tmp_path):
        loop = {}
        loop["model"] = loop
        with pytest.raises(WeightsError, match="dictionary of tensors"):
            load_state_dict(save(loop, tmp_path / "net.pth"))


class TestUnreadable:
    def test_missing(self, tmp_path):
        with pytest.raises(WeightsError, match=r"none\.pth: there is no such file"):
            load_state_dict(tmp_path / "none.pth")

    def test_folder(self, tmp_path):
        with pytest.raises(WeightsError, match="found a folder"):
            load_state_dict(tmp_path)

    @pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
    def test_empty(self, tmp_path, name):
        (tmp_path / name).touch()
        with pytest.raises(WeightsError, match="empty"):
            load_state_dict(tmp_path / name)

    def test_unknown_suffix(self, tmp_path):
        (tmp_path / "net.h5").write_bytes(b"x")
        with pytest.raises(WeightsError, match=r"ends in \.safetensors, \.pth"):
            load_state_dict(tmp_path / "net.h5")

    @pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
    def test_web_page(self, tmp_path, name):
        (tmp_path / name).write_bytes(b"<!DOCTYPE html><html>please log in</html>")
        with pytest.raises(WeightsError, match=r"web page|not a whole"):
            load_state_dict(tmp_path / name)

    def test_truncated_anywhere(self, saved):
        whole = saved.read_bytes()
        for size in random.Random(0).sample(range(1, len(whole)), 40):
            saved.write_bytes(whole[:size])
            with pytest.raises(WeightsError, match=saved.name):
                load_state_dict(saved)

    @pytest.mark.parametrize(
        "content",
        [torch.ones(2), [torch.ones(2)], {}, {"a": 1.0}, {"a": torch.ones(1), "b": "text"}, 3],
    )
    def test_anything_but_tensors_by_name(self, tmp_path, content):
        with pytest.raises(WeightsError, match=r"expected .*tensors.*state_dict"):
            load_state_dict(save(content, tmp_path / "net.pth"))

    def test_safetensors_without_tensors(self, tmp_path):
        with pytest.raises(WeightsError, match="empty dictionary"):
            load_state_dict(save({}, tmp_path / "a.safetensors", "safetensors"))


class TestStripPrefix:
    def test_nested_common_prefixes(self):
        state = {f"module.model.{name}": tensor for name, tensor in STATE.items()}
        assert_same(strip_prefix(state), STATE)

    def test_prefix_that_not_all_share_stays(self):
        state = {"model.a": torch.ones(1), "head.a": torch.ones(1)}
        assert_same(strip_prefix(state), state)

    def test_given_prefix_selects(self):
        state = {"visual.a": torch.ones(1), "text.a": torch.zeros(1)}
        assert_same(strip_prefix(state, "visual."), {"a": torch.ones(1)})

    def test_given_prefix_that_none_has(self):
        with pytest.raises(WeightsError, match=r"No name begins with 'visual\.'.*conv\.weight"):
            strip_prefix(STATE, "visual.")

    def test_nothing_to_strip(self):
        assert strip_prefix({}) == {}
        assert list(strip_prefix({"model.": torch.ones(1)})) == ["model."]


def network():
    return nn.Sequential(
        OrderedDict(conv=nn.Conv2d(3, 4, 3), norm=nn.BatchNorm2d(4), fc=nn.Linear(4, 10))
    )


class TestLoadInto:
    def test_everything_arrives(self):
        source, target = network(), network()
        load_into(target, source.state_dict(), source="x.pth")
        assert_same(target.state_dict(), source.state_dict())

    def test_all_or_nothing(self):
        target = network()
        before = {name: tensor.clone() for name, tensor in target.state_dict().items()}
        wrong = network().state_dict()
        wrong["fc.weight"] = torch.ones(5, 4)
        with pytest.raises(WeightsError, match=r"x\.pth: .*fc\.weight \(5, 4\) instead of \(10, 4"):
            load_into(target, wrong, source="x.pth")
        assert_same(target.state_dict(), before)

    def test_missing_and_unexpected_names_are_listed_up_to_five(self):
        state = {f"other{i}": torch.ones(1) for i in range(8)}
        with pytest.raises(WeightsError) as caught:
            load_into(network(), state, source="x.pth")
        message = str(caught.value)
        assert "8 unexpected: other0, other1, other2, other3, other4, and 3 more" in message
        assert "8 missing: conv.weight" in message
        assert "another architecture" in message

    def test_hint_at_a_prefix(self):
        state = {f"module.{name}": tensor for name, tensor in network().state_dict().items()}
        with pytest.raises(WeightsError, match=r"strip_prefix\(state\), which removes 'module\.'"):
            load_into(network(), state, source="x.pth")

    def test_hint_at_another_width(self):
        state = {name: torch.ones(7, 7) for name in network().state_dict()}
        with pytest.raises(WeightsError, match="another width"):
            load_into(network(), state, source="x.pth")

    @pytest.mark.parametrize("change", ["absent", "extra", "shape"])
    def test_ignored_names(self, change):
        target, state = network(), network().state_dict()
        if change == "absent":
            del state["fc.weight"]
        elif change == "extra":
            state["fc.scale"] = torch.ones(1)
        else:
            state["fc.weight"] = torch.ones(5, 4)
        with pytest.raises(WeightsError):
            load_into(network(), state, source="x.pth")
        load_into(target, state, source="x.pth", ignore=["fc."])
        assert torch.equal(target.conv.weight, state["conv.weight"])
        assert torch.equal(target.fc.bias, state["fc.bias"])

    def test_old_files_without_batch_counters(self):
        state = network().state_dict()
        del state["norm.num_batches_tracked"]
        target = network()
        load_into(target, dict(state), source="x.pth")
        assert torch.equal(target.conv.weight, state["conv.weight"])

    def test_old_names_of_densenet(self):
        settings = {"growth_rate": 4, "block_config": (2, 2), "num_init_features": 8}
        source = torchvision.models.DenseNet(**settings, num_classes=3)
        target = torchvision.models.DenseNet(**settings, num_classes=3)
        old = {
            name.replace("norm1", "norm.1").replace("norm2", "norm.2")
            if "denselayer" in name
            else name: tensor
            for name, tensor in source.state_dict().items()
        }
        assert old.keys() != source.state_dict().keys()
        load_into(target, old, source="densenet.pth")
        assert_same(target.state_dict(), source.state_dict())


@st.composite
def states(draw):
    names = draw(st.lists(st.text("abc.1é", min_size=1, max_size=6), min_size=1, unique=True))
    state = {}
    for name in names[:5]:
        shape = draw(st.lists(st.integers(0, 3), max_size=3))
        values = np.random.default_rng(draw(st.integers(0, 9))).integers(0, 2, shape)
        state[name] = torch.from_numpy(np.asarray(values)).to(draw(st.sampled_from(DTYPES)))
    return state


class TestStateSha256:
    def test_against_the_definition(self):
        """Written out by hand for one float32 tensor, with numpy instead of torch."""
        expected = hashlib.sha256(
            json.dumps(["w", "torch.float32", [2, 1]]).encode()
            + np.array([[1.0], [-2.5]], "<f4").tobytes()
        ).hexdigest()
        assert state_sha256({"w": torch.tensor([[1.0], [-2.5]])}) == expected

    def test_same_for_each_format(self, saved):
        assert state_sha256(load_state_dict(saved)) == state_sha256(STATE)

    @given(states(), st.randoms(use_true_random=False))
    def test_order_and_layout_do_not_matter(self, state, chance):
        names = list(state)
        chance.shuffle(names)
        other = {
            name: state[name].mT.contiguous().mT if state[name].ndim > 1 else state[name]
            for name in names
        }
        assert state_sha256(other) == state_sha256(state)

    def test_one_number_picked_with_a_stride(self):
        numbers = torch.arange(10.0)
        assert state_sha256({"w": numbers[::5][1:]}) == state_sha256({"w": torch.tensor([5.0])})

    @given(states(), st.data())
    def test_every_change_shows(self, state, data):
        name = data.draw(st.sampled_from(sorted(state)))
        tensor = state[name]
        changes = {
            "name": {f"{n}x" if n == name else n: t for n, t in state.items()},
            "shape": {**state, name: tensor[None]},
            "type": {**state, name: tensor.to(torch.float64)},
            "gone": {n: t for n, t in state.items() if n != name},
        }
        if tensor.numel():
            flipped = tensor.clone().reshape(-1)
            flipped[-1] = 1 - flipped[-1].to(torch.int64)
            changes["value"] = {**state, name: flipped.reshape(tensor.shape)}
        digests = {state_sha256(changed) for changed in changes.values()}
        assert len(digests) == len(changes)
        assert state_sha256(state) not in digests
