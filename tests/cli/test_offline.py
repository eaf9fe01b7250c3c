"""With the network cable out: a fresh process and an empty home, and every command works.

A ``sitecustomize`` on the path of the process and of all that it starts writes down every reach
for a network, then refuses it. Notes are needed as well: download code often catches what it is
refused, and does without.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image

from snellen.distortions import distort

UNPLUGGED = """
import os, socket, sys

def unplugged(event, arguments):
    outside = event == "socket.__new__" and arguments[1] != socket.AF_UNIX
    if outside or event in ("socket.getaddrinfo", "socket.gethostbyname", "urllib.Request"):
        with open(os.environ["NOTES"], "a") as notes:
            print(event, *arguments[1:], file=notes)
        raise OSError("the network cable is out")

sys.addaudithook(unplugged)
"""

COMMANDS = """
import json, sys
from snellen.cli import app

for arguments in json.loads(sys.argv[1]):
    assert not app(arguments, standalone_mode=False), arguments
"""

CHOICES = ("SNELLEN_WEIGHTS", "SNELLEN_OFFLINE", "HF_HUB_OFFLINE", "HF_HOME", "TORCH_HOME")


@pytest.fixture
def python(tmp_path):
    """Run code in a fresh interpreter without a network, in an empty home."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(UNPLUGGED)
    for name in ("home", "cache"):
        (tmp_path / name).mkdir()
    path = os.pathsep.join([str(tmp_path / "site"), *filter(None, sys.path)])
    environment = {k: v for k, v in os.environ.items() if k not in CHOICES and k[:4] != "XDG_"}
    environment |= {
        "HOME": str(tmp_path / "home"),
        "USERPROFILE": str(tmp_path / "home"),
        "SNELLEN_CACHE": str(tmp_path / "cache"),
        # An index of fonts takes longer to make than all the rest.
        "MPLCONFIGDIR": matplotlib.get_cachedir(),
        "NOTES": str(tmp_path / "notes"),
        "PYTHONPATH": path,
    }

    def run(code, *arguments):
        return subprocess.run(
            [sys.executable, "-c", code, *arguments],
            env=environment, cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


@pytest.fixture
def rated(photos, tmp_path):
    """Folders of four references and of versions with less and less noise, and their list."""
    for folder in ("sent", "received"):
        (tmp_path / folder).mkdir()
    lines = ["# higher_better: true", "image,reference,score"]
    for i, photo in enumerate(photos[:4]):
        reference = photo[..., :96, :96]
        write(tmp_path / "sent" / f"{i}.png", reference)
        noise = distort(reference, f"white-noise:{5 - i}", seed=i)
        write(tmp_path / "received" / f"{i}.png", noise)
        lines += [f"received/{i}.png,sent/{i}.png,{i}", f"sent/{i}.png,sent/{i}.png,5"]
    (tmp_path / "pairs.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def write(path: Path, image):
    pixels = (image[0].permute(1, 2, 0) * 255).round().byte().numpy()
    Image.fromarray(pixels).save(path)


def test_everything_by_default_works_without_a_network(python, rated):
    commands = [
        ["compare", "received", "sent", "-o", "compare.csv"],
        ["score", "received", "-o", "score.csv"],
        ["describe", "sent", "-o", "described"],
        ["score", "received", "--reference-descriptor", "described", "-o", "reduced.csv"],
        ["diagnose", "received", "-o", "diagnose.csv"],
        ["exam", "layers", "fovea", "--dataset", "mine=pairs.csv", "--resamples", "20",
         "--random-control", "-o", "layers"],
    ]  # fmt: skip
    done = python(COMMANDS, json.dumps(commands))
    assert done.returncode == 0, done.stderr
    assert not (rated / "notes").exists(), (rated / "notes").read_text()
    assert list((rated / "cache").iterdir()) == []
    for name in ("compare", "score", "reduced", "diagnose", "layers/layers"):
        table = np.genfromtxt(rated / f"{name}.csv", str, delimiter=",", comments=None)
        assert len(table) > 4, name


def test_the_cable_is_out(python, tmp_path):
    done = python(
        "from urllib.request import urlopen; urlopen('https://weights.example', timeout=1)"
    )
    assert done.returncode == 1
    assert "the network cable is out" in done.stderr
    assert "urllib.Request" in (tmp_path / "notes").read_text()
    done = python("import socket; socket.socket()")
    assert "the network cable is out" in done.stderr
