"""Real weights see real photographs, through our own decoding and our own extractor."""

import pytest
import torch
from torch.nn.functional import interpolate

from snellen.backbones import create_backbone
from snellen.images import read_image

PHOTOGRAPHS = 60


@pytest.fixture(scope="module")
def labelled(shared):
    """Photographs of 224 x 224 and the number of the class of each."""
    synsets = (shared / "weights" / "imagenet_synset_words.txt").read_text(encoding="utf-8")
    number = {line.split()[0]: i for i, line in enumerate(synsets.splitlines())}
    paths = sorted((shared / "natural" / "photos").glob("n*.JPEG"))
    paths = paths[:: max(1, len(paths) // PHOTOGRAPHS)][:PHOTOGRAPHS]
    images = torch.cat([square(read_image(path)) for path in paths])
    return images, torch.tensor([number[path.name.split("_")[0]] for path in paths])


def square(image):
    """Short side to 256 pixels, then the 224 in the middle."""
    image = image.reshape(1, *image.shape[-3:])
    height, width = image.shape[-2:]
    scale = 256 / min(height, width)
    size = [max(256, round(side * scale)) for side in (height, width)]
    image = interpolate(image, size, mode="bilinear", antialias=True).clamp(0, 1)
    top, left = ((side - 224) // 2 for side in size)
    return image[..., top : top + 224, left : left + 224]


@pytest.mark.parametrize("name", ["squeezenet1_0", "squeezenet1_1"])
def test_photographs_are_recognised(name, shared, labelled):
    images, labels = labelled
    backbone = create_backbone(name, shared / "weights" / f"{name}.safetensors")
    layer = "classifier.3"
    scores = torch.cat([backbone(part, [layer])[layer].flatten(1) for part in images.split(10)])
    best = scores.topk(5).indices

    def accuracy(labels):
        hits = best == labels[:, None]
        return float(hits[:, 0].float().mean()), float(hits.any(1).float().mean())

    top1, top5 = accuracy(labels)
    assert len(labels) == PHOTOGRAPHS
    assert top1 >= 0.5, (top1, top5)
    assert top5 >= 0.75, (top1, top5)
    assert accuracy(labels.roll(1))[1] < 0.1  # the test can tell right from wrong
