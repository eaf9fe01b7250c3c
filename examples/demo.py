"""Compare real photographs with distorted versions of them: a table, and a figure.

Run by ``make demo``. Needs no download: the photographs come with scikit-image, the network is
the embedded one.
"""

import io
from pathlib import Path

import numpy as np
import skimage.data
import torch
from PIL import Image, ImageEnhance, ImageFilter
from rich.console import Console
from rich.progress import track
from rich.table import Table

import snellen
from snellen.plots import plot_comparison, save_figure
from snellen.runs import keep_freed_memory

OUTPUT = Path("demo")
METRICS = ["dfb", "psnr", "ssim"]


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    """Encode and decode an image."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def noise(image: Image.Image, deviation: float) -> Image.Image:
    """Add white Gaussian noise; the deviation is in units of the full range."""
    pixels = np.asarray(image) / 255
    pixels = pixels + deviation * np.random.default_rng(0).standard_normal(pixels.shape)
    return Image.fromarray((pixels.clip(0, 1) * 255).round().astype(np.uint8))


def versions(image: Image.Image) -> dict[str, Image.Image]:
    """Distort an image in several ways."""
    return {
        "none": image,
        "JPEG, quality 50": jpeg(image, 50),
        "JPEG, quality 8": jpeg(image, 8),
        "blur, 1 pixel": image.filter(ImageFilter.GaussianBlur(1)),
        "blur, 4 pixels": image.filter(ImageFilter.GaussianBlur(4)),
        "noise, 3 %": noise(image, 0.03),
        "noise, 12 %": noise(image, 0.12),
        "contrast, 80 %": ImageEnhance.Contrast(image).enhance(0.8),
    }


def main() -> None:
    """Score every version of three photographs, and draw the first."""
    keep_freed_memory()
    metrics = snellen.create_metrics(METRICS)
    names = {m.name: f"{m.name} {'↓' if m.lower_better else '↑'}" for m in metrics}
    table = Table("photograph", "distortion", *names.values(), box=None, header_style="bold")
    drawn = []
    for photograph in ("chelsea", "astronaut", "coffee"):
        reference = Image.fromarray(getattr(skimage.data, photograph)()).convert("RGB")
        prepared = metrics.prepare(reference)
        progress = track(
            versions(reference).items(), photograph, transient=True, console=Console(stderr=True)
        )
        for distortion, distorted in progress:
            scores = metrics(distorted, prepared)
            cells = (f"{float(scores[name]):.4f}" for name in names)
            table.add_row(photograph, distortion, *cells)
            if photograph == "chelsea" and distortion in (
                "JPEG, quality 8", "blur, 4 pixels", "noise, 12 %"
            ):  # fmt: skip
                drawn.append((distorted, f"{distortion}: dfb = {float(scores['dfb']):.3f}"))
        table.add_section()
    Console().print(table)

    reference = Image.fromarray(skimage.data.chelsea())
    images = [snellen.images.as_image_batch(image) for image, _ in drawn]
    maps = [metrics["dfb"].map(image, reference) for image, _ in drawn]
    titles = [title for _, title in drawn]
    batch = snellen.images.as_image_batch(reference)
    figure = plot_comparison(batch, images, maps, titles, map_title="dfb")
    save_figure(figure, OUTPUT / "comparison.png")
    print(f"\nWhere they differ: {OUTPUT / 'comparison.png'}")


if __name__ == "__main__":
    torch.manual_seed(0)
    main()
