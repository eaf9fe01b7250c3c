r"""Fit the diagnoser that ships with the package; no score of any person is involved.

The file ``src/snellen/diagnosis/data/diagnoser-gabor.safetensors`` was made by::

    python recipes/fit_diagnoser.py DATA/natural/bsds500/train DATA/natural/bsds500/val \
        --spare DATA/natural/photos

from the 300 photographs of the training and validation parts of BSDS500 (Arbelaez et al. 2011)
and 240 photographs of ImageNet; another 80, every fourth, are spared for ``measure_diagnoser.py``.
Its SHA-256 stands in ``docs/diagnosis.md``. Same images, seed and versions, same file: run it on
one thread (``OMP_NUM_THREADS=1``). It takes about ten minutes of one core.
"""

from dataclasses import astuple
from functools import partial
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.progress import Progress

from snellen.backbones import Backbone, create_backbone, file_sha256
from snellen.diagnosis import Draw, Examples, fit_diagnoser, make_examples
from snellen.images import find_images

SHIPPED = Path(__file__).parents[1] / "src/snellen/diagnosis/data/diagnoser-gabor.safetensors"


def main(
    folders: Annotated[list[Path], typer.Argument(help="Folders of pristine images.")],
    spare: Annotated[
        Path | None, typer.Option(help="Folder of which every fourth image is left out.")
    ] = None,
    output: Annotated[Path, typer.Option("-o", "--output")] = SHIPPED,
    backbone: Annotated[str, typer.Option(help="Network.")] = "gabor",
    thin: Annotated[int, typer.Option(min=1, help="Use every so-manieth image only.")] = 1,
    seed: Annotated[int, typer.Option(help="Of samples and fit.")] = 0,
    cache: Annotated[
        Path | None, typer.Option(help="Folder where examples are kept and found again.")
    ] = None,
) -> None:
    """Distort pristine images, describe what comes out, fit, and write the diagnoser."""
    torch.set_num_threads(1)
    network = create_backbone(backbone)
    pristine = [find_images(folder)[::thin] for folder in folders]
    jobs = [(images, Draw()) for images in pristine]
    others = [path for i, path in enumerate(find_images(spare)) if i % 4][::thin] if spare else []
    # Of two distortions there are a thousand pairs: they need more samples than one alone. What
    # cameras do comes alone and in pairs, so that one is not taken for a sign of the other.
    jobs.append((pristine[0], Draw(1, 0, 12)))
    jobs.append((others, Draw(1, 6, 4)))
    jobs += [(images, Draw(1, 0, 0, 6)) for images in (pristine[0], others)]
    examples: Examples | None = None
    for i, (images, draw) in enumerate(jobs):
        if not images:
            continue
        more = examples_of(network, images, draw, seed + i, cache)
        examples = more if examples is None else examples.joined(more)
    assert examples is not None
    diagnoser = fit_diagnoser(network, examples, seed=seed)
    diagnoser.save(output)
    typer.echo(f"{output}: {output.stat().st_size} bytes, sha256 {file_sha256(output)}")
    typer.echo(f"{len(examples)} examples, {len(examples.families)} families")


def examples_of(
    network: Backbone, images: list[Path], draw: Draw, seed: int, cache: Path | None
) -> Examples:
    """Make the examples of some images, or read those of an earlier run."""
    folder = images[0].parent
    counts = "-".join(map(str, (len(images), *astuple(draw))))
    name = f"{network.name}-{folder.parent.name}-{folder.name}-{counts}-{seed}.npz"
    kept = None if cache is None else cache / name
    if kept is not None and kept.exists():
        return Examples.load(kept)
    with Progress() as bar:
        task = bar.add_task(str(folder), total=len(images))
        examples = make_examples(
            network, images, draw=draw, seed=seed, progress=partial(bar.advance, task)
        )
    if kept is not None:
        examples.save(kept)
    return examples


if __name__ == "__main__":
    typer.run(main)
