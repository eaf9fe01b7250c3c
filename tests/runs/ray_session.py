"""What the tests of the Ray engine run in a process of its own: Ray leaves threads behind.

python -m tests.runs.ray_session compare FOLDER
python -m tests.runs.ray_session ways IMAGES REFERENCES
python -m tests.runs.ray_session score FOLDER SINK
"""

import importlib.util
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from snellen.runs import score
from tests.runs.inside import Item, Location, Source

OPTIONS = {"workers": 1, "block": 16}
WAYS = {
    "batch 1": {"batch_size": 1},
    "batch 16": {"batch_size": 16},
    "tiled": {"batch_size": 1, "tile": 32},
}
ROOT = Path(__file__).resolve().parents[2]
needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not installed: pip install snellen[ray]"
)


def session(*arguments):
    """Start a session of Ray."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.runs.ray_session", *map(str, arguments)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def result_of(process):
    """Wait for a session, and return what it found."""
    out, err = process.communicate(timeout=300)
    if "Ray did not start here" in err or "timed out during startup" in err:
        pytest.skip("Ray gives its own processes 30 s to start, which this machine did not keep")
    assert process.returncode == 0, err
    return json.loads(out.splitlines()[-1])


class Deadly(Location):
    """A file over which whoever opens it dies at once, as over one that takes all memory."""

    __slots__ = ()

    def open(self):
        os.kill(os.getpid(), signal.SIGKILL)


def compare(folder: Path) -> None:
    """Score a folder here and on Ray, then images of which one kills its worker."""
    reference = Location(str(folder / "0000.png"))
    deadly = [Item(Location(str(folder / f"{i:04d}.png")), reference) for i in range(6)]
    deadly[3] = Item(Deadly("deadly.png"), reference)
    killing = Source(lambda: deadly, count=6, has_references=True)
    common = {"metrics": ["dfb", "psnr"], "reference": folder / "0000.png"}
    import ray

    here = list(score(folder, **common))
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="error")
    found = {
        "local": here,
        "ray": list(score(folder, **common, engine="ray", engine_options=OPTIONS)),
        "killing": list(
            score(killing, "psnr", engine="ray", engine_options={**OPTIONS, "block": 1})
        ),
        "still there": ray.is_initialized(),
    }
    ray.shutdown()
    print(json.dumps(found))


def ways(images: Path, references: Path) -> None:
    """Score pairs on Ray in every way."""
    import ray

    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="error")
    found = {
        way: list(
            score(
                images, ["dfb", "psnr", "ssim"], reference=references, engine="ray",
                engine_options=OPTIONS, **options,
            )
        )
        for way, options in WAYS.items()
    }  # fmt: skip
    ray.shutdown()
    print(json.dumps(found))


def into(folder: Path, sink: Path) -> None:
    """Score a folder on a Ray of its own."""
    reference = folder / "0000.png"
    run = score(folder, "psnr", reference=reference, engine="ray", engine_options=OPTIONS)
    done = run.into(sink)
    print(json.dumps({"rows": done.rows, "kept": done.kept}))


if __name__ == "__main__":
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    torch.set_num_threads(1)
    what, *paths = sys.argv[1:]
    {"compare": compare, "score": into, "ways": ways}[what](*map(Path, paths))
