"""What all tests share: photographs, distorted pairs, outside data, and no network.

One torch thread per process and one seed per test make results repeatable, and let several
pytest workers run beside each other without fighting for the cores.
"""

import functools
import io
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from hypothesis import settings
from PIL import Image
from torch.nn import functional

ROOT = Path(__file__).resolve().parents[1]

torch.set_num_threads(1)
# The same examples on every run, so that a change is what makes a test fail, never chance;
# SNELLEN_FUZZ=N draws N new ones a test instead, to look for what nobody thought of.
settings.register_profile("snellen", deadline=None, derandomize=True)
settings.register_profile(
    "fuzz", deadline=None, max_examples=int(os.environ.get("SNELLEN_FUZZ") or 100)
)
settings.load_profile("fuzz" if os.environ.get("SNELLEN_FUZZ") else "snellen")


class NetworkUsedError(RuntimeError):
    """A test reached for the network.

    Not an OSError: download code catches those and retries, or quietly does without.
    """


def _is_local(host: object) -> bool:
    return host in (None, "", "localhost", "::1", b"localhost") or str(host).startswith("127.")


@pytest.fixture
def four_threads() -> Iterator[None]:
    """Give torch four threads, so that images go side by side."""
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """Let tests talk to this machine only, so that one that would download fails loudly."""
    lookup = socket.getaddrinfo

    def guarded(connect: Callable) -> Callable:
        @functools.wraps(connect)
        def call(self, address):
            if self.family != socket.AF_UNIX and not _is_local(address[0]):
                raise NetworkUsedError(f"tests must not use the network: connect to {address}")
            return connect(self, address)

        return call

    def guarded_lookup(host, *args, **kwargs):
        if not _is_local(host):
            raise NetworkUsedError(f"tests must not use the network: look-up of {host}")
        return lookup(host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded(socket.socket.connect))
        patch.setattr(socket.socket, "connect_ex", guarded(socket.socket.connect_ex))
        patch.setattr(socket, "getaddrinfo", guarded_lookup)
        yield


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Start every test from the same random state."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of outside data, which is never part of the repository."""
    data = Path(os.environ.get("SNELLEN_SHARED", ROOT.parent / "shared")) / "data"
    if not data.is_dir():
        pytest.skip(f"no outside data at {data}: set SNELLEN_SHARED to the folder that holds data/")
    return data


@pytest.fixture
def photos() -> list[torch.Tensor]:
    """Five photographs (1, 3, H, W) in [0, 1] that scikit-image ships inside its package.

    Sides are at least 161, the least that five-scale MS-SSIM takes; three have odd sizes.
    """
    return [photo.clone() for photo in _photos()]


@pytest.fixture
def distorted_pairs() -> list[tuple[str, torch.Tensor, torch.Tensor]]:
    """Eight (name, distorted, reference): batches (1, 3, H, W) in [0, 1].

    Values are those of 8-bit images; most sides are odd, the least is 65.
    """
    return [(name, x.clone(), y.clone()) for name, x, y in _distorted_pairs()]


@functools.cache
def _photos() -> tuple[torch.Tensor, ...]:
    crops = [
        (skimage.data.astronaut, 20, 150, 176, 224),
        (skimage.data.chelsea, 60, 90, 161, 195),
        (skimage.data.coffee, 100, 150, 185, 231),
        (skimage.data.rocket, 120, 200, 224, 176),
        (_motorcycle, 200, 250, 163, 241),
    ]
    return tuple(
        _from_bytes(load()[top : top + height, left : left + width])
        for load, top, left, height, width in crops
    )


def _motorcycle() -> np.ndarray:
    left, _, _ = skimage.data.stereo_motorcycle()
    return left


@functools.cache
def _distorted_pairs() -> tuple[tuple[str, torch.Tensor, torch.Tensor], ...]:
    astronaut, cat, coffee, rocket, motorcycle = _photos()
    return (
        ("noise", *_distort(_noise, astronaut[..., :97, :131])),
        ("blur", *_distort(_blur, cat[..., 30:131, 40:167])),
        ("jpeg", *_distort(_jpeg, coffee[..., 20:133, 50:179])),
        ("contrast", *_distort(_contrast, rocket[..., 60:161, :151])),
        ("brightness", *_distort(_brighter, motorcycle[..., 10:127, 100:191])),
        ("shift", *_shift(astronaut, 96, 128)),
        ("noise, small", *_distort(_noise, cat[..., :67, :71])),
        ("jpeg, wide", *_distort(_jpeg, motorcycle[..., 40:105, :225])),
    )


def _distort(
    distortion: Callable[[torch.Tensor], torch.Tensor], reference: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    distorted = distortion(reference).clamp(0, 1)
    return (distorted * 255).round() / 255, reference


def _noise(x: torch.Tensor) -> torch.Tensor:
    return x + 0.08 * torch.randn(x.shape, generator=torch.Generator().manual_seed(7))


def _blur(x: torch.Tensor) -> torch.Tensor:
    taps = torch.exp(-torch.arange(-5.0, 6.0).square() / (2 * 1.6**2))
    kernel = torch.outer(taps, taps) / taps.sum().square()
    padded = functional.pad(x, (5, 5, 5, 5), mode="reflect")
    return functional.conv2d(padded, kernel.expand(3, 1, 11, 11), groups=3)


def _jpeg(x: torch.Tensor) -> torch.Tensor:
    buffer = io.BytesIO()
    pixels = (x[0].permute(1, 2, 0) * 255).round().byte().numpy()
    Image.fromarray(pixels).save(buffer, format="JPEG", quality=12)
    return _from_bytes(np.asarray(Image.open(buffer)))


def _contrast(x: torch.Tensor) -> torch.Tensor:
    return 0.5 + 0.55 * (x - 0.5)


def _brighter(x: torch.Tensor) -> torch.Tensor:
    return x + 0.15


def _shift(photo: torch.Tensor, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    moved = photo[..., 3 : 3 + height, 5 : 5 + width]
    return moved, photo[..., :height, :width]


def _from_bytes(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].contiguous().float() / 255
