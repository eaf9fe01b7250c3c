"""Cost of training losses: LPIPS beside the `lpips` package, and the contextual loss by patch.

    python benchmarks/loss_speed.py [--output FILE] [--nets squeeze alex] [--repeats 9]

A step is forward and backward to the image, a fresh target each time, as in training; the same
random weights in both, checked to give the same loss. Both are timed in turn in one process. Peak
memory is that of one step in a process of its own, over what was there before it. Losing cases are
printed like any other.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from _measure import hardware, interleaved, ratio, summary, write
from compare_speed import BACKBONES, peer_and_weights
from torch import Tensor, nn

from snellen.losses import ContextualLoss, FeatureLoss

PATCHES = (128, 256, 512)


def images(batch: int, side: int) -> tuple[Tensor, Tensor]:
    """Make restored images and targets."""
    generator = torch.Generator().manual_seed(0)
    target = torch.rand(batch, 3, side, side, generator=generator)
    noise = 0.05 * torch.randn(target.shape, generator=generator)
    return (target + noise).clamp(0, 1), target


def step(loss: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor) -> Tensor:
    """Run forward and backward; return the gradient."""
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(x, y.clone()), x)
    return gradient


def both(net: str, folder: Path) -> dict[str, Callable[[Tensor, Tensor], Tensor]]:
    """Make the peer's loss and ours with the same weights."""
    peer, files = peer_and_weights(net, folder)
    peer.requires_grad_(False)
    return {
        "peer": lambda x, y: peer(x, y, normalize=True).mean(),
        "ours": FeatureLoss(f"lpips-{net}", **files),
    }


def peak_of_one_step(what: str, side: int) -> float:
    """Run one step in a fresh process and return what it took over what was there, in MiB."""
    command = [sys.executable, __file__, "--one", what, str(side), str(torch.get_num_threads())]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout.splitlines()[-1]))


def one(what: str, side: int) -> float:
    """Measure one step of what `peak_of_one_step` names; the first small step warms up."""
    with tempfile.TemporaryDirectory() as name:
        loss: nn.Module | Callable[[Tensor, Tensor], Tensor]
        if what.startswith("contextual"):
            network = "squeezenet1_1"
            loss = ContextualLoss(network, "relu1", weights="random", **_blocks(what))
            batch = 1
        else:
            which, net = what.split()
            loss, batch = both(net, Path(name))[which], 8
        step(loss, *images(1, 64))
        before = _resident()
        step(loss, *images(batch, side))
        return _peak() - before


def _blocks(what: str) -> dict[str, Any]:
    return {"block_bytes": 1 << 62} if what == "contextual, one block" else {}


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def lpips(net: str, side: int, repeats: int) -> dict[str, Any]:
    """Time and weigh the LPIPS losses of one network."""
    x, y = images(8, side)
    with tempfile.TemporaryDirectory() as name:
        losses = both(net, Path(name))
        peer, ours = (step(loss, x, y) for loss in losses.values())
        seconds = interleaved(
            {key: partial(step, loss, x, y) for key, loss in losses.items()}, repeats
        )
    return {
        "net": net,
        "side": side,
        "times": {key: summary(values) for key, values in seconds.items()},
        "ours_over_peer": ratio(seconds["peer"], seconds["ours"]),
        "peak_mib": {key: peak_of_one_step(f"{key} {net}", side) for key in losses},
        "relative_gradient_difference": float((peer - ours).norm() / peer.norm()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, help="JSON file; standard output by default")
    parser.add_argument("--nets", nargs="+", default=["squeeze", "alex"], choices=BACKBONES)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        what, side, threads = arguments.one
        torch.set_num_threads(int(threads))
        print(json.dumps(one(what, int(side))))
        return
    torch.set_num_threads(arguments.threads)
    results: list[dict[str, Any]] = []
    for net in arguments.nets:
        found = lpips(net, 128, arguments.repeats)
        results.append(found)
        speed, peak = found["ours_over_peer"], found["peak_mib"]
        print(
            f"lpips-{net}, 8 patches of 128: {speed['median']:.2f}x the peer's speed "
            f"[{speed['q1']:.2f}, {speed['q3']:.2f}], peak {peak['ours']:.0f} MiB, the peer's "
            f"{peak['peer']:.0f}; gradients differ by {found['relative_gradient_difference']:.1e}",
            flush=True,
        )
    for side in PATCHES:
        peaks = {what: peak_of_one_step(what, side) for what in _contextual(side)}
        results.append({"contextual_peak_mib": peaks, "side": side, "positions": (side // 2) ** 2})
        said = ", ".join(f"{what} {value:.0f} MiB" for what, value in peaks.items())
        print(f"patch {side}, {(side // 2) ** 2} positions: {said}", flush=True)
    write(arguments.output, {"schema": 1, "hardware": hardware(), "results": results})


def _contextual(side: int) -> list[str]:
    """In one block, a patch of 512 would need 17 GiB a matrix."""
    return ["contextual"] if side > 256 else ["contextual", "contextual, one block"]


if __name__ == "__main__":
    main()
