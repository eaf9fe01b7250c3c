"""Errors in transmission: bits of a coded image flipped on their way to the decoder.

The streams are real, and so is what the decoders make of them. JPEG carries restart markers,
which end the damage; in JPEG 2000 only the bodies of packets are hit, since an error in a header
loses all that follows.
"""

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from snellen.distortions._codecs import decode, encode, encode_codestream, encode_tables
from snellen.distortions._each import each_image
from snellen.distortions._eight_bit import from_pil, to_pil
from snellen.distortions._random import generator
from snellen.distortions._strengths import checked
from snellen.distortions._target import TID_DECIBELS, Trial, nearest_psnr
from snellen.distortions._type import Apply, DistortionType

Stream: TypeAlias = tuple[bytes, list[tuple[int, int]]]
"""A coded image, and where errors may fall: half-open ranges of bytes."""

# Every segment is hit so many times before errors run out: enough for any level.
_ROUNDS = 64

# How near in dB is near enough, and how many errors may be left out to get there.
_NEAR, _MOST_LEFT_OUT = 0.5, 10

_RESTART_BLOCKS = 8
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_SOS, _EOI = b"\xff\xda", b"\xff\xd9"
_COD, _PLT, _SOD = b"\xff\x52", b"\xff\x58", b"\xff\x93"

# Longest header of a packet of one code-block, as the coarsest resolution has them, and of three.
_COARSE_HEADER, _HEADER = 5, 12


def jpeg_stream(image: Image.Image) -> Stream:
    """Encode JPEG, quality 95, 4:4:4, with a restart marker every 8 blocks."""
    data = encode(
        image, "JPEG", quality=95, subsampling="4:4:4", restart_marker_blocks=_RESTART_BLOCKS
    )
    start, _ = _segment_after(data, _SOS)
    marks = [mark.span() for mark in _RESTART.finditer(data, start)]
    starts = [start, *(stop for _, stop in marks)]
    stops = [*(begin for begin, _ in marks), len(data) - len(_EOI)]
    return data, list(zip(starts, stops, strict=True))


def jpeg2000_stream(image: Image.Image) -> Stream:
    """Encode a JPEG 2000 codestream of 40 dB whose packets each hold a square of 64 pixels."""
    data = encode_codestream(
        image,
        quality_mode="dB",
        quality_layers=[40],
        plt=True,
        precinct_size=(64, 64),
        codeblock_size=(32, 32),
    )
    lengths, start, resolutions = _packets(data)
    stops = start + np.cumsum(lengths)
    coarse = len(lengths) // resolutions
    headers = np.where(np.arange(len(lengths)) < coarse, _COARSE_HEADER, _HEADER)
    bodies = zip(stops - lengths + headers, stops, strict=True)
    return data, [(int(begin), int(end)) for begin, end in bodies if begin < end]


def _segment_after(data: bytes, marker: bytes) -> tuple[int, dict[bytes, list[bytes]]]:
    """Walk the marker segments up to a marker; return where it ends, and all before it."""
    position, found = 2, dict[bytes, list[bytes]]()
    while True:
        name = data[position : position + 2]
        if name == _SOD == marker:
            return position + 2, found
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        found.setdefault(name, []).append(data[position + 4 : position + 2 + length])
        position += 2 + length
        if name == marker:
            return position, found


def _packets(data: bytes) -> tuple[npt.NDArray[np.int64], int, int]:
    """Read lengths of all packets, where the first one starts, and the number of resolutions.

    ISO 15444-1, A.7.3 (PLT: lengths in groups of seven bits) and A.6.1 (COD: byte 5).
    """
    start, segments = _segment_after(data, _SOD)
    lengths, value = [], 0
    for byte in b"".join(segment[1:] for segment in segments.get(_PLT, [])):
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            lengths.append(value)
            value = 0
    return np.array(lengths, np.int64), start, segments[_COD][0][5] + 1


def bit_errors(stream: Stream, random: torch.Generator) -> npt.NDArray[np.int64]:
    """Draw where bits flip, in the order in which errors are added: rows of byte and mask.

    Each round hits every segment once, in random order. An error that would make or break a
    marker of JPEG is left out, as is a second one in the same byte.
    """
    data, segments = stream
    if not segments:
        return np.empty((0, 2), np.int64)
    shape = _ROUNDS, len(segments)
    order = torch.rand(shape, generator=random).argsort(dim=1, stable=True).ravel().numpy()
    where = torch.rand(shape, generator=random, dtype=torch.float64).ravel().numpy()
    masks = 1 << torch.randint(8, shape, generator=random).ravel().numpy()
    begins, ends = np.array(segments, np.int64)[order].T
    places = begins + np.floor(where * (ends - begins)).astype(np.int64)
    values = np.frombuffer(data, np.uint8)
    harmless = (values[places] != 0xFF) & (values[places - 1] != 0xFF)
    harmless &= (values[places] ^ masks != 0xFF) & (begins < ends)
    kept: npt.NDArray[np.int64] = np.stack([places, masks], axis=1)[harmless]
    _, first = np.unique(kept[:, 0], return_index=True)
    ordered: npt.NDArray[np.int64] = kept[np.sort(first)]
    return ordered


def flipped(data: bytes, errors: npt.NDArray[np.int64]) -> bytes:
    """Return the data with bits flipped."""
    values = np.frombuffer(data, np.uint8).copy()
    values[errors[:, 0]] ^= errors[:, 1].astype(np.uint8)
    return bytes(values)


def received(
    stream: Stream, errors: npt.NDArray[np.int64], reference: Image.Image, decibels: float
) -> Image.Image:
    """Decode the stream with as many of the errors as it takes to be as bad as wanted.

    In a small image a single error may go far beyond; such errors are left out, one after the
    other, as long as that brings the image nearer.
    """
    best: Trial | None = None
    for _ in range(_MOST_LEFT_OUT):
        if len(errors) == 0:
            break
        nearest, beyond = nearest_psnr(
            partial(_decoded, stream[0], errors), reference, decibels, (1, len(errors)), whole=True
        )
        if best is None or abs(nearest.decibels - decibels) < abs(best.decibels - decibels):
            best = nearest
        if abs(best.decibels - decibels) <= _NEAR or beyond is None:
            break
        errors = np.delete(errors, int(beyond.amount) - 1, axis=0)
    return decode(stream[0]) if best is None else best.image


def _decoded(data: bytes, errors: npt.NDArray[np.int64], count: float) -> Image.Image:
    return decode(flipped(data, errors[: int(count)]))


def _transmission(name: str, encoder: Callable[[Image.Image], Stream]) -> Apply:
    """Make the operation that adds errors until the image is as bad as wanted."""

    def apply(batch: Tensor, strength: float, seeds: Sequence[int]) -> Tensor:
        decibels = checked(name, strength, 1, 100)

        def one(image: Tensor, seed: int) -> Tensor:
            reference = to_pil(image)
            stream = encoder(reference)
            errors = bit_errors(stream, generator(seed, name))
            return from_pil(received(stream, errors, reference, decibels), image)

        return each_image(batch, seeds, one)

    return apply


def _noisy_compression(batch: Tensor, strength: float, seeds: Sequence[int]) -> Tensor:
    """Add white noise, then quantise all cosine coefficients by 3.5 times its deviation."""
    decibels = checked("tid-noisy-compression", strength, 1, 100)

    def one(image: Tensor, seed: int) -> Tensor:
        drawn = torch.randn(image.shape, generator=generator(seed, "tid-noisy-compression"))
        noise = drawn.to(image.device)

        def compressed(sigma: float) -> Image.Image:
            table = [max(1, round(3.5 * sigma))] * 64
            noisy = to_pil((image + sigma / 255 * noise).clamp(0, 1))
            return decode(encode_tables(noisy, [table, table], "4:4:4"))

        nearest, _ = nearest_psnr(compressed, to_pil(image), decibels, (0.25, 128))
        return from_pil(nearest.image, image)

    return each_image(batch, seeds, one)


def _type(name: str, number: int, apply: Apply) -> DistortionType:
    source = f"ours, after TID2013 type {number} and at its PSNR"
    return DistortionType(
        name, "compression", TID_DECIBELS, apply, "PSNR in dB", source, random=True
    )


TYPES = (
    _type("tid-jpeg-transmission", 12, _transmission("tid-jpeg-transmission", jpeg_stream)),
    _type(
        "tid-jpeg2000-transmission",
        13,
        _transmission("tid-jpeg2000-transmission", jpeg2000_stream),
    ),
    _type("tid-noisy-compression", 21, _noisy_compression),
)
"""Types of this module."""
