"""Damage: bytes changed anywhere, or fields changed so that all checksums still fit."""

import re
import struct
import zlib
from random import Random

_NUMBERS = (0, 1, 2, 3, 7, 8, 16, 127, 128, 255, 256, 257, 1000, 32767, 32768, 65535, 65536,
            1 << 24, (1 << 31) - 1, 1 << 31, (1 << 32) - 1)  # fmt: skip
_WORDS = (b"-1", b"-5", b"0", b"1", b"255", b"256", b"65535", b"65536", b"-65536", b"4294967296",
          b"99999999999999999999", b"1e3", b"0x10", b"1_0", b"+5", b"nan", b"", b"#",
          b"1.5")  # fmt: skip


def damaged(data: bytes, random: Random) -> bytes:
    """Change bytes, one to four times, each in another way."""
    for _ in range(random.choice((1, 1, 1, 2, 3, 4))):
        data = random.choice(_WAYS)(bytearray(data), random)
    return bytes(data)


def _flip(data: bytearray, random: Random) -> bytes:
    for _ in range(random.randint(1, 8)):
        if data:
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return bytes(data)


def _overwrite(data: bytearray, random: Random) -> bytes:
    for _ in range(random.randint(1, 4)):
        if data:
            data[random.randrange(len(data))] = random.choice((0, 1, 127, 128, 254, 255))
    return bytes(data)


def _number(data: bytearray, random: Random) -> bytes:
    size, order = random.choice((1, 2, 4, 8)), random.choice(("big", "little"))
    if len(data) >= size:
        place = random.randrange(min(len(data) - size + 1, random.choice((64, 512, 1 << 30))))
        value = random.choice(_NUMBERS) % (1 << 8 * size)
        data[place : place + size] = value.to_bytes(size, order)  # type: ignore[arg-type]
    return bytes(data)


def _truncate(data: bytearray, random: Random) -> bytes:
    return bytes(data[: random.randint(0, len(data))])


def _cut_out(data: bytearray, random: Random) -> bytes:
    start, stop = _slice(data, random)
    return bytes(data[:start] + data[stop:])


def _repeat(data: bytearray, random: Random) -> bytes:
    start, stop = _slice(data, random)
    return bytes(data[:stop] + data[start:stop] * random.randint(1, 3) + data[stop:])


def _insert(data: bytearray, random: Random) -> bytes:
    place = random.randint(0, len(data))
    return bytes(data[:place] + random.randbytes(random.randint(1, 30)) + data[place:])


def _slice(data: bytearray, random: Random) -> tuple[int, int]:
    start = random.randint(0, len(data))
    return start, min(len(data), start + random.randint(1, 40))


_WAYS = (_flip, _overwrite, _number, _number, _truncate, _cut_out, _repeat, _insert)


def png_damaged(data: bytes, random: Random) -> bytes:
    """Change a chunk of a PNG: its data, its place, its kind; lengths and CRCs fit."""
    chunks = _png_chunks(data)
    which = random.randrange(len(chunks))
    kind, body = chunks[which]
    way = random.randrange(6)
    if way == 0 and len(chunks) > 1:
        del chunks[which]
    elif way == 1:
        chunks.insert(random.randint(0, len(chunks)), (kind, body))
    elif way == 2:
        chunks[which] = (random.choice([one for one, _ in chunks]), body)
    elif way == 3 and kind in (b"IDAT", b"iCCP"):
        chunks[which] = (kind, _inflated_damage(body, random, 0 if kind == b"IDAT" else 9))
    else:
        chunks[which] = (kind, damaged(body, random))
    parts = (struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
             for kind, body in chunks)  # fmt: skip
    return data[:8] + b"".join(parts)


def _png_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    chunks, place = [], 8
    while place + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        chunks.append((data[place + 4 : place + 8], data[place + 8 : place + 8 + length]))
        place += length + 12
    return chunks


def _inflated_damage(body: bytes, random: Random, start: int) -> bytes:
    try:
        return body[:start] + zlib.compress(damaged(zlib.decompress(body[start:]), random))
    except zlib.error:
        return damaged(body, random)


def tiff_damaged(data: bytes, random: Random) -> bytes:
    """Change tag, type, count or value of an entry in the first directory of a TIFF."""
    changed = bytearray(data)
    order = "<" if data[:2] == b"II" else ">"
    (start,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, start)
    for _ in range(random.randint(1, 3)):
        entry = start + 2 + 12 * random.randrange(count)
        place, size = random.choice(((0, 2), (2, 2), (4, 4), (8, 2), (8, 4), (8, 4)))
        value = random.choice((*_NUMBERS, *range(1, 14))) % (1 << 8 * size)
        changed[entry + place : entry + place + size] = value.to_bytes(
            size, "little" if order == "<" else "big"
        )
    return bytes(changed)


def words_damaged(data: bytes, random: Random) -> bytes:
    """Change a word of a text, such as a number in the header of a PNM."""
    words = re.split(rb"(\s+|,)", data)
    for _ in range(random.randint(1, 3)):
        words[random.randrange(len(words)) & ~1] = random.choice(_WORDS)
    return b"".join(words)


def tar_damaged(data: bytes, random: Random) -> bytes:
    """Change a field of a header of a tar file and set its checksum right."""
    changed = bytearray(data)
    blocks = range(0, len(data) - 511, 512)
    headers = [place for place in blocks if data[place + 257 : place + 262] == b"ustar"] or [0]
    changed += bytes(512)
    place = random.choice(headers)
    field, size = random.choice(((0, 100), (100, 8), (124, 12), (136, 12), (156, 1), (157, 100),
                                 (257, 8), (345, 155)))  # fmt: skip
    value = random.choice((b"", b"\xff" * size, b"\x80" + b"\xff" * (size - 1), b"7" * (size - 1),
                           b"%o" % random.choice(_NUMBERS), random.randbytes(size),
                           b"\0" * (size - 1) + b"x", random.choice(b"01234567xgLKSDMV").to_bytes(),
                           b"../" * 20, b"-1", b"a.png/b"))  # fmt: skip
    changed[place + field : place + field + size] = value[:size].ljust(size, b"\0")
    changed[place + 148 : place + 156] = b" " * 8
    changed[place + 148 : place + 156] = b"%06o\0 " % sum(changed[place : place + 512])
    return bytes(changed[: len(data)])
