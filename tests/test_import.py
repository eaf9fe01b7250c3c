"""Importing is quick and quiet: heavy libraries wait until they are needed.

Each import runs in a fresh interpreter, where an audit hook notes every reach for the network.
"""

import json
import subprocess
import sys

import pytest

PROBE = """
import json, sys
reached = []
sys.addaudithook(
    lambda event, args: event in ("socket.connect", "socket.getaddrinfo") and reached.append(event)
)
import {module}
report = dict(modules=sorted(name for name in sys.modules if "." not in name), reached=reached)
print(json.dumps(report), file=sys.stderr)
"""

LATE = {"timm", "torchvision", "open_clip", "piq", "matplotlib", "pandas", "pyarrow", "scipy"}


def fresh_import(module: str) -> tuple[set[str], list[str], str]:
    probe = [sys.executable, "-W", "error", "-c", PROBE.format(module=module)]
    done = subprocess.run(probe, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stderr)
    return set(report["modules"]), report["reached"], done.stdout


@pytest.mark.parametrize(
    ("module", "late"),
    [
        ("snellen", LATE | {"torch", "numpy", "PIL", "huggingface_hub", "typer"}),
        ("snellen.errors", LATE | {"torch"}),
        ("snellen.images", LATE),
        ("snellen.readouts", LATE),
        ("snellen.backbones", LATE),
        ("snellen.metrics", LATE),
        ("snellen.losses", LATE),
        ("snellen.restoration", LATE | {"lightning", "spandrel", "tensorboard"}),
        ("snellen.cli", LATE | {"torch"}),
    ],
)
def test_import_is_light_silent_and_offline(module, late):
    loaded, reached, printed = fresh_import(module)
    assert loaded & late == set()
    assert reached == []
    assert printed == ""


def test_the_probe_sees_what_it_looks_for():
    loaded, reached, printed = fresh_import(
        "this, matplotlib, socket; socket.getaddrinfo('::1', 9)"
    )
    assert "matplotlib" in loaded
    assert reached == ["socket.getaddrinfo"]
    assert "Zen of Python" in printed


def test_the_public_face_is_listed_without_loading_it():
    loaded, _, _ = fresh_import("snellen; assert set(snellen.__all__) <= set(dir(snellen))")
    assert "torch" not in loaded
