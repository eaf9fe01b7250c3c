"""What happens to clean images before a network restores them."""

import re
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from snellen.distortions import create_distortion, derived_seed, random_distortion
from snellen.errors import DistortionError, TrainingError

_BICUBIC = re.compile(r"bicubic x(?P<scale>[1-9]\d*)")
_RANGE = re.compile(r"(?P<name>[\w-]+)@(?P<low>[\d.]+)\.\.(?P<high>[\d.]+)")


@dataclass(frozen=True)
class Degradation:
    """A recipe that makes degraded images of clean ones.

    Parameters
    ----------
    spec
        Steps joined by ``+``: distortions of `snellen.create_distortion` (``"motion-blur@8"``);
        one whose strength is drawn anew for every image (``"motion-blur@4..12"``); ``"random"``,
        a pipeline after Real-ESRGAN drawn anew for every image; and, as the last step,
        ``"bicubic x4"``, which shrinks.

    Attributes
    ----------
    scale : int
        By how much images shrink.

    Raises
    ------
    TrainingError
        A step is none of these.

    Examples
    --------
    >>> Degradation("random + bicubic x4").scale
    4
    """

    spec: str

    def __post_init__(self) -> None:
        for place, step in enumerate(self._steps):
            if _BICUBIC.fullmatch(step) and place < len(self._steps) - 1:
                raise TrainingError(f"degrade: {self.spec!r}: bicubic must be the last step.")
            try:
                _check(step)
            except (DistortionError, ValueError) as error:
                raise TrainingError(
                    f"degrade: {self.spec!r}: {error} Or one of: bicubic x4, random, "
                    "TYPE@LOW..HIGH."
                ) from error

    @property
    def _steps(self) -> tuple[str, ...]:
        return tuple(step.strip() for step in self.spec.split("+"))

    @property
    def scale(self) -> int:
        """By how much images shrink."""
        found = _BICUBIC.fullmatch(self._steps[-1])
        return int(found["scale"]) if found else 1

    def __call__(self, batch: Tensor, seed: int) -> Tensor:
        """Degrade an image batch of one image, its sides multiples of the scale.

        Parameters
        ----------
        batch
            Tensor (1, 3, H, W) in [0, 1].
        seed
            The same seed gives the same pixels.

        Returns
        -------
        Tensor
            (1, 3, H / scale, W / scale), in [0, 1].
        """
        for place, step in enumerate(self._steps):
            batch = _apply(step, batch, derived_seed(seed, f"{place} {step}"))
        return batch


def shrunk(batch: Tensor, scale: int) -> Tensor:
    """Shrink by antialiased bicubic interpolation, as Pillow and MATLAB do, to 8-bit values."""
    size = [side // scale for side in batch.shape[2:]]
    small = F.interpolate(batch, size, mode="bicubic", antialias=True, align_corners=False)
    return (small.clamp(0, 1) * 255).round() / 255


def _check(step: str) -> None:
    drawn = _RANGE.fullmatch(step)
    if drawn:
        low, high = float(drawn["low"]), float(drawn["high"])
        if low > high:
            raise ValueError(f"{step}: the range is empty.")
        create_distortion(f"{drawn['name']}@{low}")
    elif step != "random" and not _BICUBIC.fullmatch(step):
        create_distortion(step)


def _apply(step: str, batch: Tensor, seed: int) -> Tensor:
    bicubic, drawn = _BICUBIC.fullmatch(step), _RANGE.fullmatch(step)
    if bicubic:
        return shrunk(batch, int(bicubic["scale"]))
    if step == "random":
        return random_distortion(seed)(batch, seed=seed)
    if drawn:
        low, high = float(drawn["low"]), float(drawn["high"])
        share = derived_seed(seed, "strength") / 2**48
        step = f"{drawn['name']}@{low + (high - low) * share!r}"
    return create_distortion(step)(batch, seed=seed)
