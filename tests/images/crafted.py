"""Image files and colour profiles built byte by byte, independent of the code under test."""

import struct
import zlib

import numpy as np


def png(samples, *, color_type, depth=16, chunks=(), interlaced=False, trailing=()):
    """Write a PNG of 1, 2, 4, 8 or 16 bits; `samples` is (H, W, C)."""
    height, width = samples.shape[:2]
    dtype = ">u2" if depth == 16 else "u1"

    def packed(rows):
        lines = []
        for row in rows:
            data = row.astype(dtype).tobytes()
            if depth < 8:
                bits = np.unpackbits(np.frombuffer(data, "u1")[:, None], axis=1)[:, 8 - depth :]
                data = np.packbits(bits.ravel()).tobytes()
            lines.append(b"\0" + data)
        return b"".join(lines)

    passes = [samples]
    if interlaced:
        starts = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2)]
        starts += [(0, 1, 2, 2), (1, 0, 2, 1)]
        passes = [samples[y::dy, x::dx] for y, x, dy, dx in starts]
    body = b"".join(packed(part) for part in passes if part.size)
    header = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, int(interlaced))
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(body)), *trailing, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def iccp(profile):
    """Wrap a profile as a PNG chunk."""
    return b"iCCP", b"profile\0\0" + zlib.compress(profile)


def exif(orientation):
    """Write EXIF data that holds an orientation and nothing else."""
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
    return b"MM\0*" + struct.pack(">IH", 8, 1) + entry + struct.pack(">I", 0)


def gamma_curve(gamma):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def table_curve(values):
    levels = [round(value * 65535) for value in values]
    return b"curv\0\0\0\0" + struct.pack(f">I{len(levels)}H", len(levels), *levels)


def parametric_curve(kind, *parameters):
    fixed = [round(value * 65536) for value in parameters]
    return b"para\0\0\0\0" + struct.pack(f">HH{len(fixed)}i", kind, 0, *fixed)


SRGB_CURVE = parametric_curve(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)

# XYZ of the primaries adapted to D50, as the makers of these profiles state them
SRGB_PRIMARIES = (
    (0.43607, 0.22249, 0.01392),
    (0.38515, 0.71687, 0.09708),
    (0.14307, 0.06061, 0.7141),
)
ADOBE_PRIMARIES = (
    (0.60974, 0.31111, 0.01947),
    (0.20528, 0.62567, 0.06087),
    (0.14919, 0.06322, 0.74457),
)


def rgb_profile(primaries, curve):
    """Build a profile of three primaries and one curve for all channels."""
    tags = {b"wtpt": _xyz(0.9642, 1.0, 0.8249)}
    for name, primary in zip(b"rgb", primaries, strict=True):
        tags[bytes([name]) + b"XYZ"] = _xyz(*primary)
        tags[bytes([name]) + b"TRC"] = curve
    return _profile(b"RGB ", tags)


def table_profile(primaries, curve):
    """Build an RGB profile that also has a table from colour to XYZ, which then rules."""
    corners = np.stack(np.meshgrid(*[[0, 1]] * 3, indexing="ij"), axis=-1).reshape(8, 3)
    levels = np.round(corners @ np.array(primaries) * 32768).astype(">u2")
    identity = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    ends = struct.pack(">2H", 0, 65535) * 3
    table = b"mft2" + bytes(4) + bytes([3, 3, 2, 0]) + identity + struct.pack(">2H", 2, 2)
    tags = {b"A2B0": table + ends + levels.tobytes() + ends}
    tags[b"wtpt"] = _xyz(0.9642, 1.0, 0.8249)
    for name, primary in zip(b"rgb", primaries, strict=True):
        tags[bytes([name]) + b"XYZ"] = _xyz(*primary)
        tags[bytes([name]) + b"TRC"] = curve
    return _profile(b"RGB ", tags)


def grey_profile(curve):
    """Build a grey profile."""
    return _profile(b"GRAY", {b"wtpt": _xyz(0.9642, 1.0, 0.8249), b"kTRC": curve})


def _xyz(x, y, z):
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in (x, y, z)))


def _profile(space, tags):
    version = 0x04300000
    tags = {b"desc": _text("crafted"), b"cprt": _text("none"), **tags}
    offset = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        data += bytes(-len(data) % 4)
        table += struct.pack(">4sII", name, offset + len(body), len(data))
        body += data
    size = offset + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"none", version, b"mntr", space, b"XYZ ")
    head += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    head += struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + table + body


def _text(value):
    data = value.encode("utf-16-be")
    return b"mluc\0\0\0\0" + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(data), 28) + data


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
