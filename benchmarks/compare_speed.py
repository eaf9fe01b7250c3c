"""Speed of our LPIPS rows against the `lpips` package: same weights, same images, one process.

    python benchmarks/compare_speed.py [--output FILE] [--nets alex squeeze vgg] [--repeats 9]

Every round times the peer and ours in turn; what is reported is the throughput ratio by round,
median and quartiles, for batches of 1 and 8 pairs of 512x384 pixels in float32 and bfloat16, and
for one reference against 20 distorted versions. Weights are random: they change scores, not
times. Losing cases are printed like any other.
"""

import argparse
import tempfile
import warnings
from pathlib import Path
from typing import Any

import lpips
import torch
import torchvision
from _measure import hardware, interleaved, ratio, summary, write
from safetensors.torch import save_file
from torch import Tensor

import snellen

BACKBONES = {"alex": "alexnet", "squeeze": "squeezenet1_1", "vgg": "vgg16"}


def peer_and_weights(net: str, folder: Path) -> tuple[lpips.LPIPS, dict[str, Any]]:
    """Make the peer with random trunk, and files of the same weights for us."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = lpips.LPIPS(net=net, pnet_rand=True, verbose=False).eval()
        trunk = torchvision.models.get_model(BACKBONES[net], weights=None).state_dict()
    names = [name for name in trunk if name.startswith("features.")]
    values = [value.detach().clone() for value in peer.net.state_dict().values()]
    trunk.update(zip(names, values, strict=True))
    head = {k: v.clone() for k, v in peer.state_dict().items() if k.startswith("lin")}
    head = {k: v for k, v in head.items() if not k.startswith("lins")}
    files = {
        "weights": folder / f"{net}.safetensors",
        "head_weights": folder / f"{net}-head.safetensors",
    }
    save_file({k: v.contiguous() for k, v in trunk.items()}, files["weights"])
    save_file(head, files["head_weights"])
    return peer, files


def pairs(n: int) -> tuple[Tensor, Tensor]:
    """Make n pairs of images of 512x384 pixels: smooth random textures, and noisy copies."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(n, 3, 48, 64, generator=generator)
    reference = torch.nn.functional.interpolate(coarse, (384, 512), mode="bicubic").clamp(0, 1)
    noise = 0.05 * torch.randn(reference.shape, generator=generator)
    return (reference + noise).clamp(0, 1), reference


def against_peer(net: str, batch: int, repeats: int, folder: Path) -> dict[str, Any]:
    """Time one network and batch size, ours in both precisions."""
    peer, files = peer_and_weights(net, folder)
    ours = snellen.create_metric(f"lpips-{net}", **files)
    half = snellen.create_metric(f"lpips-{net}", precision="bfloat16", **files)
    x, y = pairs(batch)

    def run_peer() -> Tensor:
        with torch.no_grad():
            score: Tensor = peer(x, y, normalize=True)
        return score.flatten()

    functions = {"peer": run_peer, "float32": lambda: ours(x, y), "bfloat16": lambda: half(x, y)}
    seconds = interleaved(functions, repeats)
    expected, got, rounded = run_peer(), ours(x, y), half(x, y)
    return {
        "net": net,
        "batch": batch,
        "times": {name: summary(values) for name, values in seconds.items()},
        "float32_over_peer": ratio(seconds["peer"], seconds["float32"]),
        "bfloat16_over_float32": ratio(seconds["float32"], seconds["bfloat16"]),
        "largest_difference_to_peer": float((expected - got).abs().max()),
        "bfloat16_relative_change": float(((rounded - got) / got).abs().max()),
    }


def one_reference(net: str, count: int, repeats: int, folder: Path) -> dict[str, Any]:
    """Time one reference against many distorted versions: computed each time, and once."""
    _, files = peer_and_weights(net, folder)
    metric = snellen.create_metric(f"lpips-{net}", **files)
    x, y = pairs(count)

    def each() -> list[Tensor]:
        return [metric(x[i : i + 1], y[:1]) for i in range(count)]

    def once() -> list[Tensor]:
        prepared = metric.prepare(y[:1])
        return [metric(x[i : i + 1], prepared) for i in range(count)]

    seconds = interleaved({"each": each, "once": once}, repeats, warm_up=1)
    change = torch.cat(each()) - torch.cat(once())
    return {
        "net": net,
        "distorted": count,
        "times": {name: summary(values) for name, values in seconds.items()},
        "once_over_each": ratio(seconds["each"], seconds["once"]),
        "largest_change_of_score": float(change.abs().max()),
    }


def line(result: dict[str, Any]) -> str:
    """Say a result in one line."""
    if "once_over_each" in result:
        r = result["once_over_each"]
        return (
            f"{result['net']:8s} 1 reference, {result['distorted']} distorted: prepared once "
            f"{r['median']:.2f}x [{r['q1']:.2f}, {r['q3']:.2f}]"
        )
    ours, half = result["float32_over_peer"], result["bfloat16_over_float32"]
    return (
        f"{result['net']:8s} batch {result['batch']}: float32 {ours['median']:.2f}x the peer "
        f"[{ours['q1']:.2f}, {ours['q3']:.2f}], bfloat16 {half['median']:.2f}x float32 "
        f"[{half['q1']:.2f}, {half['q3']:.2f}], score changed by "
        f"{100 * result['bfloat16_relative_change']:.2f} %"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, help="JSON file; standard output by default")
    parser.add_argument("--nets", nargs="+", default=list(BACKBONES), choices=BACKBONES)
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 8])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    results = []
    with tempfile.TemporaryDirectory() as name:
        for net in arguments.nets:
            # VGG takes seconds a batch: fewer rounds tell as much.
            repeats = arguments.repeats if net != "vgg" else max(3, arguments.repeats // 3)
            for batch in arguments.batches:
                results.append(against_peer(net, batch, repeats, Path(name)))
                print(line(results[-1]), flush=True)
            results.append(one_reference(net, 20, max(3, repeats // 3), Path(name)))
            print(line(results[-1]), flush=True)
    write(arguments.output, {"schema": 1, "hardware": hardware(), "results": results})


if __name__ == "__main__":
    main()
