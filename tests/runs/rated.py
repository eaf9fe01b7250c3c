"""A small database whose human scores follow a known metric, written as files."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

QUALITIES = (90, 60, 30, 10)
SIGMAS = (4, 10, 20, 35)


def write_database(folder: Path, photos: list, *, higher_better: bool = True) -> Path:
    """Three references, JPEG and noise at four levels each; the score is the level, by hand."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    lines = [f"# higher_better: {str(higher_better).lower()}", "image,reference,type,level,score"]
    for i, photo in enumerate(photos[:3]):
        pixels = (photo[0].permute(1, 2, 0).numpy() * 255).round().astype("uint8")
        Image.fromarray(pixels).save(folder / f"r{i}.png")
        for level in range(4):
            for kind, image in (
                ("jpeg", jpeg(pixels, QUALITIES[level])),
                ("noise", noisy(pixels, SIGMAS[level], rng)),
            ):
                name = f"{kind}_{i}_{level}.png"
                Image.fromarray(image).save(folder / name)
                score = 5 - level + 0.1 * i + (0.3 if kind == "jpeg" else 0)
                score = score if higher_better else 100 - 10 * score
                lines.append(f"{name},r{i}.png,{kind},{level + 1},{score}")
    table = folder / "scores.csv"
    table.write_text("\n".join(lines) + "\n")
    return table


def jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def noisy(pixels: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    return (pixels + sigma * rng.standard_normal(pixels.shape)).round().clip(0, 255).astype("uint8")
