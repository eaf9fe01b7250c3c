"""Training patches that depend on seed and number alone, never on who loads them."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from snellen.distortions import derived_seed
from snellen.errors import TrainingError
from snellen.images import image_size, read_image
from snellen.restoration._degrading import Degradation
from snellen.restoration._pairs import ImagePair, trimmed

_MARGIN = 16  # degraded with it and cut off again, so that no patch shows the border of a filter


class Patches(Dataset[tuple[Tensor, Tensor]]):
    """Aligned random patches, (degraded, clean), by number.

    Sample number n shows image n modulo the number of images of a shuffled list; list, place, turn
    and degradation follow from the seed and n.

    Parameters
    ----------
    pairs
        Files.
    degradation
        How clean images are degraded, unless the pairs are of files.
    patch
        Side of the clean patch in pixels, a multiple of the scale.
    scale
        By how much degraded images are smaller.
    seed
        Of everything random.
    cache_bytes
        Most memory for decoded images.

    Raises
    ------
    TrainingError
        The patch is no multiple of the scale, or an image is smaller than it.
    """

    def __init__(
        self,
        pairs: Sequence[ImagePair],
        degradation: Degradation | None,
        *,
        patch: int,
        scale: int,
        seed: int,
        cache_bytes: int = 1 << 29,
    ) -> None:
        if patch < scale or patch % scale:
            raise TrainingError(f"patch must be a multiple of the scale {scale}; got {patch}.")
        self.pairs, self.degradation = list(pairs), degradation
        self.patch, self.scale, self.seed = patch, scale, seed
        self._decoded = _Decoded(cache_bytes)
        for pair in self.pairs:
            height, width = image_size(pair.clean)
            if min(height, width) < patch:
                raise TrainingError(
                    f"{pair.clean} is {width}x{height} pixels, smaller than a patch of {patch}; "
                    "take it out, or choose a smaller patch."
                )

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        """Return sample `number`: degraded and clean patch, (3, h, w) and (3, H, W)."""
        epoch, place = divmod(number, len(self.pairs))
        order = torch.randperm(len(self.pairs), generator=self._random(f"order {epoch}"))
        random = self._random(f"sample {number}")
        pair = self.pairs[int(order[place])]
        if pair.degraded is None:
            x, y = self._degraded_here(pair, random)
        else:
            x, y = self._cut(pair, random)
        turn = int(torch.randint(8, (), generator=random))
        return _turned(x, turn), _turned(y, turn)

    def _random(self, what: str) -> torch.Generator:
        return torch.Generator().manual_seed(derived_seed(self.seed, what))

    def _degraded_here(self, pair: ImagePair, random: torch.Generator) -> tuple[Tensor, Tensor]:
        clean = trimmed(self._decoded.read(pair.clean)[None], self.scale)
        (top, left), side = self._corner(clean, random), self.patch
        margin = -(-_MARGIN // self.scale) * self.scale
        above, before = min(top, margin), min(left, margin)
        region = clean[..., top - above : top + side + margin, left - before : left + side + margin]
        assert self.degradation is not None
        seed = int(torch.randint(2**31, (), generator=random))
        made = self.degradation(region, seed)
        small = side // self.scale
        y, x = above // self.scale, before // self.scale
        degraded = made[0, :, y : y + small, x : x + small]
        return degraded, region[0, :, above : above + side, before : before + side]

    def _cut(self, pair: ImagePair, random: torch.Generator) -> tuple[Tensor, Tensor]:
        assert pair.degraded is not None
        clean, degraded = (self._decoded.read(p)[None] for p in (pair.clean, pair.degraded))
        clean = trimmed(clean, self.scale)
        if [side * self.scale for side in degraded.shape[2:]] != list(clean.shape[2:]):
            raise TrainingError(f"{pair.clean} is not {self.scale} times {pair.degraded}.")
        top, left = self._corner(clean, random)
        y, x, small = top // self.scale, left // self.scale, self.patch // self.scale
        return (
            degraded[0, :, y : y + small, x : x + small],
            clean[0, :, top : top + self.patch, left : left + self.patch],
        )

    def _corner(self, clean: Tensor, random: torch.Generator) -> tuple[int, int]:
        free = [(side - self.patch) // self.scale + 1 for side in clean.shape[2:]]
        top, left = (int(torch.randint(n, (), generator=random)) * self.scale for n in free)
        return top, left


class NumberedSamples(Sampler[int]):
    """The numbers of one stretch of training after another.

    Parameters
    ----------
    count
        Samples of one stretch.
    """

    def __init__(self, count: int) -> None:
        self.count, self.epoch = count, 0

    def set_epoch(self, epoch: int) -> None:
        """Go to a stretch; the trainer calls this."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        """Yield the numbers of the stretch."""
        return iter(range(self.epoch * self.count, (self.epoch + 1) * self.count))

    def __len__(self) -> int:
        return self.count


class _Decoded:
    """Decoded images, the last ones used, as 8 bits where that is exact."""

    def __init__(self, most_bytes: int) -> None:
        self._most, self._held = most_bytes, 0
        self._images: OrderedDict[Path, Tensor] = OrderedDict()

    def read(self, path: Path) -> Tensor:
        if path not in self._images:
            image = read_image(path)
            levels = (image * 255).round().to(torch.uint8)
            exact = torch.equal(levels.float() / 255, image)
            self._images[path] = levels if exact else image
            self._held += self._images[path].nbytes
        self._images.move_to_end(path)
        image = self._images[path]
        while self._held > self._most and len(self._images) > 1:
            self._held -= self._images.popitem(last=False)[1].nbytes
        return image.float() / 255 if image.dtype == torch.uint8 else image


def _turned(image: Tensor, turn: int) -> Tensor:
    """Apply one of the eight symmetries of the square."""
    image = image.flip(2) if turn >= 4 else image
    return torch.rot90(image, turn % 4, (1, 2)).contiguous()
