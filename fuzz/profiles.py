"""Colour profiles with damaged headers, tags and curves, in files whose checksums fit."""

import io
import struct
from random import Random

import numpy as np
from PIL import Image, ImageCms

from fuzz.decoder import read_every_way
from fuzz.mutations import damaged
from fuzz.trials import Trial
from tests.images import crafted

_FIXED = (0, 1, -1, 65536, -65536, 32768, 131072, 655360, 0x7FFFFFFF, -0x80000000, 160, 72090)


def prepare() -> Trial:
    """Make profiles of every kind; a trial damages one, or makes one of absurd numbers."""
    rng = np.random.default_rng(0)
    whole = _profiles()
    color = {depth: rng.integers(0, 1 << depth, (6, 5, 3)) for depth in (8, 16)}

    def trial(random: Random) -> None:
        icc = _absurd(random) if random.random() < 0.5 else damaged(random.choice(whole), random)
        depth = random.choice((8, 16))
        way = random.randrange(5)
        if way == 0:
            values = color[depth][..., :1]
            data = crafted.png(values, color_type=0, depth=depth, chunks=[crafted.iccp(icc)])
        elif way == 1:
            image = Image.fromarray(color[8].astype(np.uint8)).convert(random.choice(("CMYK", "L")))
            stream = io.BytesIO()
            image.save(stream, random.choice(("JPEG", "TIFF")), icc_profile=icc)
            data = stream.getvalue()
        else:
            data = crafted.png(color[depth], color_type=2, depth=depth, chunks=[crafted.iccp(icc)])
        read_every_way(data)

    return trial


def _profiles() -> list[bytes]:
    squares = [(i / 32) ** 2 for i in range(33)]
    curves = [
        crafted.SRGB_CURVE, crafted.gamma_curve(1.8), crafted.table_curve(squares),
        crafted.parametric_curve(0, 2.2), crafted.parametric_curve(1, 2.2, 1.0, -0.1),
        crafted.parametric_curve(4, 2.4, 0.9, 0.1, 0.08, 0.04, 0.0, 0.01),
    ]  # fmt: skip
    made = [crafted.grey_profile(curve) for curve in curves]
    for primaries in (crafted.SRGB_PRIMARIES, crafted.ADOBE_PRIMARIES):
        made += [crafted.rgb_profile(primaries, curve) for curve in curves]
        made.append(crafted.table_profile(primaries, crafted.SRGB_CURVE))
    for name in ("sRGB", "LAB", "XYZ"):
        made.append(ImageCms.ImageCmsProfile(ImageCms.createProfile(name)).tobytes())
    return made


def _absurd(random: Random) -> bytes:
    """Make a profile that is laid out well and says nonsense: any curve, any primaries."""
    curve = _curve(random)
    if random.random() < 0.4:
        return crafted.grey_profile(curve)
    numbers = [[random.choice((0.0, 1.0, -1.0, 0.5, 3.0, random.uniform(-2, 2))) for _ in "xyz"]
               for _ in "rgb"]  # fmt: skip
    primaries = crafted.ADOBE_PRIMARIES if random.random() < 0.5 else numbers
    return crafted.rgb_profile(primaries, curve)


def _curve(random: Random) -> bytes:
    if random.random() < 0.4:
        levels = [random.choice((0.0, 1.0, random.random())) for _ in range(random.randint(0, 6))]
        return crafted.table_curve(levels)
    kind = random.randrange(5)
    count = (1, 3, 4, 5, 7)[kind]
    fixed = [random.choice((*_FIXED, random.randint(-(1 << 18), 1 << 18))) for _ in range(count)]
    return b"para\0\0\0\0" + struct.pack(f">HH{count}i", kind, 0, *fixed)
