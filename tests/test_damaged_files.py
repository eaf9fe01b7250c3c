"""Files of what was fitted, damaged in every way: an error of ours, which names the file."""

import json
import os
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

import snellen
from snellen.backbones import load_state_dict
from snellen.diagnosis import create_diagnoser
from snellen.errors import SnellenError
from snellen.metrics import Projection, ResponseHead, load_channel_weights
from snellen.restoration import VDSR, load_restorer, save_restorer

PACKAGE = Path(snellen.__file__).parent


def niqe(path):
    return snellen.create_metric("niqe", weights=path)


def piqs_brisque(path):
    return snellen.create_metric("brisque", weights=path)


def restorer_file(path):
    network = VDSR(depth=3, width=4)
    save_restorer(
        path, network, name="vdsr", options={"depth": 3, "width": 4}, scale=2, manifest={}
    )
    return path


KINDS = {
    "head of ddr": (ResponseHead.load, "metrics/data/ddr-gabor.safetensors"),
    "projection": (Projection.load, "metrics/data/rr-gabor.safetensors"),
    "scene model": (niqe, "metrics/data/niqe-bsds.safetensors"),
    "diagnoser": (create_diagnoser, "diagnosis/data/diagnoser-gabor.safetensors"),
    "restorer": (load_restorer, restorer_file),
}


@pytest.fixture(params=KINDS)
def kind(request, tmp_path):
    """A loader, the words and tensors of a whole file, and where to write others."""
    load, source = KINDS[request.param]
    whole = source(tmp_path / "whole.safetensors") if callable(source) else PACKAGE / source
    with safe_open(whole, framework="pt") as file:
        words = file.metadata() or {}
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    load(whole)
    return load, words, tensors, tmp_path / "damaged.safetensors"


def refuse(load, path):
    with pytest.raises(SnellenError) as caught:
        load(path)
    assert path.name in str(caught.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_not_finite(kind, value):
    load, words, tensors, path = kind
    for name, tensor in tensors.items():
        spoiled = tensor.clone()
        spoiled.view(-1)[-1] = value
        save_file({**tensors, name: spoiled}, path, words)
        refuse(load, path)


def test_missing_and_misshapen_tensors(kind):
    load, words, tensors, path = kind
    for name, tensor in tensors.items():
        others = {key: value for key, value in tensors.items() if key != name}
        for spoiled in (
            others,
            {**others, name: tensor.reshape(-1)[1:].clone()},
            {**others, name: torch.zeros(0)},
            {**others, name: tensor[None].clone()},
        ):
            save_file(spoiled, path, words)
            if name == "mean" and spoiled.get(name, torch.zeros(0)).shape == (1, 36):
                continue  # as the authors write it
            refuse(load, path)


def test_words_that_are_no_json_or_other_json(kind):
    load, words, tensors, path = kind
    if not any(value.startswith("{") for value in words.values()):
        pytest.skip("nothing is read from its words")
    for key, value in words.items():
        if not value.startswith("{"):
            continue
        spoiled = [
            "",
            "{",
            value[: len(value) // 2],
            "[]",
            "3",
            "null",
            "NaN",
            '"x"',
            "[" * 100_000,
        ]
        if set(words) == {key} or key == "network":  # all that the file says
            document = json.loads(value)
            spoiled += ["{}"]
            spoiled += [
                json.dumps({**document, k: None})
                for k in document
                if k not in ("fit", "made_for", "seed", "manifest", "degradations")
            ]
            spoiled += [
                json.dumps({k: v for k, v in document.items() if k != left})
                for left in ("network", "name", "options", "scale", "seed", "degradations")
                if left in document
            ]
        for text in spoiled:
            save_file(tensors, path, {**words, key: text})
            refuse(load, path)


def test_cut_off_and_garbage(kind):
    load, words, tensors, path = kind
    save_file(tensors, path, words)
    whole = path.read_bytes()
    for data in (
        b"",
        whole[:4],
        whole[:100],
        whole[:-1],
        b"\xff" * 8 + whole[8:],
        bytes(8) + whole[8:],
        b"<html>" * 100,
        whole[:8] + b"[" * 1000,
    ):
        path.write_bytes(data)
        refuse(load, path)


def test_pipe(kind):
    load, _, _, path = kind
    os.mkfifo(path)
    refuse(load, path)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0])
def test_channel_weights(tmp_path, value):
    path = tmp_path / "weights.safetensors"
    save_file({"a": torch.tensor([1.0, value])}, path, {"snellen": "channel weights"})
    refuse(load_channel_weights, path)
    save_file({"a": torch.tensor([1.0, 2.0])}, path, {"snellen": "channel weights"})
    assert load_channel_weights(path)["a"].tolist() == [1, 2]


def test_regression_of_brisque(tmp_path):
    path = tmp_path / "svm.pt"
    for coefficients, vectors in [
        (torch.full((3, 1), float("nan")), torch.zeros(3, 36)),
        (torch.zeros(3, 1), torch.full((3, 36), float("inf"))),
    ]:
        torch.save((coefficients, vectors), path)
        refuse(piqs_brisque, path)


def test_restorer_with_impossible_options(tmp_path):
    whole = restorer_file(tmp_path / "whole.safetensors")
    state = load_state_dict(whole)
    for change in (
        {"name": "nothing"},
        {"options": {"depth": -1}},
        {"options": {"width": "x"}},
        {"options": {"who": 1}},
        {"scale": 0},
        {"scale": True},
        {"name": 3},
    ):
        built = {"name": "vdsr", "options": {"depth": 3, "width": 4}, "scale": 2, "manifest": {}}
        words = {"snellen": "restoration network", "network": json.dumps({**built, **change})}
        save_file(state, whole, words)
        with pytest.raises(SnellenError):
            load_restorer(whole)
