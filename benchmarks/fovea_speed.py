"""Speed of `dfb` on the embedded network against the `lpips` package (alex and squeeze).

    python benchmarks/fovea_speed.py [--output FILE] [--repeats 9] [--threads 2]

Every round times the peers and `dfb` in float32 and in bfloat16 in turn, one pair of images at a
time, at 512x384 and 1920x1080; what is reported is the throughput ratio by round, median and
quartiles. Freed memory is kept for all of them, as the commands of `snellen` do. Weights of the
peers are random: they change scores, not times. With --agreement, the rank agreement of the two
precisions on distorted photographs is reported as well.
"""

import argparse
import warnings
from pathlib import Path
from typing import Any

import lpips
import torch
from _measure import hardware, interleaved, ratio, summary, write
from scipy.stats import spearmanr
from torch import Tensor

import snellen
from snellen.distortions import distort, list_distortions
from snellen.images import find_images, read_image
from snellen.runs import keep_freed_memory

SIZES = ((384, 512), (1080, 1920))
PEERS = ("alex", "squeeze")


def make_pair(size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Make a pair of images: a smooth random texture, and a noisy copy."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(1, 3, size[0] // 8, size[1] // 8, generator=generator)
    reference = torch.nn.functional.interpolate(coarse, size, mode="bicubic").clamp(0, 1)
    noise = 0.05 * torch.randn(reference.shape, generator=generator)
    return (reference + noise).clamp(0, 1), reference


def at_size(size: tuple[int, int], repeats: int) -> dict[str, Any]:
    """Time all of them at one size."""
    x, y = make_pair(size)
    functions: dict[str, Any] = {}
    for net in PEERS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            peer = lpips.LPIPS(net=net, pnet_rand=True, verbose=False).eval()

        def run(peer: lpips.LPIPS = peer) -> Tensor:
            with torch.inference_mode():
                score: Tensor = peer(x, y, normalize=True)
            return score

        functions[f"lpips {net}"] = run
    for precision in ("float32", "bfloat16"):
        metric = snellen.create_metric("dfb", precision=precision)
        functions[f"dfb {precision}"] = lambda metric=metric: metric(x, y)
    seconds = interleaved(functions, repeats)
    ours = [name for name in functions if name.startswith("dfb")]
    return {
        "size": f"{size[1]}x{size[0]}",
        "times": {name: summary(values) for name, values in seconds.items()},
        "ratios": {
            f"{mine} over lpips {net}": ratio(seconds[f"lpips {net}"], seconds[mine])
            for mine in ours
            for net in PEERS
        },
    }


def agreement(folder: Path, count: int) -> dict[str, float]:
    """Rank correlation of both precisions over photographs distorted in every way."""
    types = [one.name for one in list_distortions()]
    metrics = [snellen.create_metric("dfb", precision=p) for p in ("float32", "bfloat16")]
    scores: list[list[float]] = [[], []]
    for i, file in enumerate(find_images(folder)[:count]):
        image = read_image(file)[None]
        for j, name in enumerate(types[i % 3 :: 3]):
            worse = distort(image, f"{name}:{1 + (i + j) % 5}")
            for column, metric in zip(scores, metrics, strict=True):
                column.append(float(metric(worse, image)))
    return {"images": len(scores[0]), "srcc": float(spearmanr(*scores)[0])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, help="JSON file; standard output by default")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--agreement", type=Path, help="folder of photographs")
    parser.add_argument("--photographs", type=int, default=12)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()
    results = []
    for size in SIZES:
        results.append(at_size(size, arguments.repeats))
        print(results[-1]["size"], flush=True)
        for name, r in results[-1]["ratios"].items():
            print(f"  {name}: {r['median']:.2f}x [{r['q1']:.2f}, {r['q3']:.2f}]", flush=True)
    record: dict[str, Any] = {"schema": 1, "hardware": hardware(), "results": results}
    if arguments.agreement:
        record["precisions"] = agreement(arguments.agreement, arguments.photographs)
        print(f"float32 and bfloat16: {record['precisions']}")
    write(arguments.output, record)


if __name__ == "__main__":
    main()
