"""Downloads from a server on this machine that lies in every field that it may fill."""

import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

from fuzz.trials import OutsideError, Trial
from snellen.errors import WeightsError
from tests.backbones.inside import download
from tests.backbones.serving import ScriptedServer, http_answer

_MOST = 1 << 18
_STATUS = ("200 OK", "200 OK", "206 Partial Content", "206 Partial Content", "204 No Content",
           "301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect",
           "304 Not Modified", "404 Not Found", "416 Range Not Satisfiable", "429 Too Many",
           "500 Oops", "503 Busy", "999 What", "100 Continue", "000 None")  # fmt: skip
_NUMBERS = ("0", "1", "5", "-1", "1000", "199999", "999999999999999999999", "x", "", "²", "1e3",
            "0x5", "9" * 5000, "*")  # fmt: skip


def prepare() -> Trial:
    """Start the server; a trial scripts its answers to one download."""
    os.environ.update(no_proxy="*", NO_PROXY="*")
    folder = tempfile.TemporaryDirectory(prefix="snellen-fuzz-")
    server = ScriptedServer(None)
    server.__enter__()

    def trial(random: Random, _keep: object = folder) -> None:
        body = random.randbytes(random.choice((0, 1, 100, 5000, 100_000)))
        digest = hashlib.sha256(body).hexdigest() if random.random() < 0.7 else None
        path = Path(folder.name) / "net.pth"
        for left in (path, path.with_name("net.pth.part")):
            left.unlink(missing_ok=True)
        if random.random() < 0.3:
            path.with_name("net.pth.part").write_bytes(body[: len(body) // 2] + b"?" * 3)
        seed = random.random()
        server.script = lambda number, head: _answer(Random(f"{seed}{number}"), body, head, server)
        server.requests = 0
        _download(server.url("/net.pth"), path, digest, body)

    return trial


def _download(url: str, path: Path, digest: str | None, body: bytes) -> None:
    part = path.with_name("net.pth.part")
    try:
        download(url, path, sha256=digest, most_bytes=_MOST, timeout=0.25, attempts=2, backoff=0,
                 progress=False)  # fmt: skip
    except WeightsError:
        if path.exists():
            raise OutsideError("a file in spite of an error") from None
        raise
    finally:
        if part.exists() and part.stat().st_size > _MOST:
            raise OutsideError(f"{part.stat().st_size} bytes kept, of at most {_MOST}")
    if path.stat().st_size > _MOST or (digest and path.read_bytes() != body):
        raise OutsideError("another file than was asked for")


def _answer(random: Random, body: bytes, head: str, server: ScriptedServer) -> Iterator[bytes]:
    """One answer: honest, false in some field, or no HTTP at all."""
    if random.random() < 0.3:
        yield from _honest(body, head)
        return
    way = random.randrange(10)
    if way == 0:
        yield random.randbytes(random.randint(0, 300))
    elif way == 1:
        return  # the line is cut
    elif way == 2 and random.random() < 0.1:
        time.sleep(0.4)  # silence
    elif way == 3:
        yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + _chunked(random, body)
    elif way == 4:
        yield b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"A" * random.choice((10, 70_000))
    elif way == 5:
        yield http_answer(b"", random.choice(("200 OK", "206 Partial Content")), False)
        with contextlib.suppress(OSError):
            for _ in range(64):  # no end, as far as anyone shall look
                yield bytes(1 << 16)
    else:
        yield http_answer(_part(random, body), random.choice(_STATUS), _length(random),
                          **_headers(random, body, server))  # fmt: skip


def _honest(body: bytes, head: str) -> Iterator[bytes]:
    start = int(head.lower().partition("range: bytes=")[2].partition("-")[0] or 0)
    if not start:
        yield http_answer(body)
    elif start >= len(body):
        said = {"Content_Range": f"bytes */{len(body)}"}
        yield http_answer(b"", "416 Range Not Satisfiable", **said)
    else:
        said = {"Content_Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}
        yield http_answer(body[start:], "206 Partial Content", **said)


def _part(random: Random, body: bytes) -> bytes:
    return random.choice((body, body[: len(body) // 2], body + b"more", b"", b"x", body[1:]))


def _length(random: Random) -> object:
    return random.choice((None, None, False, random.choice(_NUMBERS)))


def _headers(random: Random, body: bytes, server: ScriptedServer) -> dict[str, str]:
    headers = {}
    if random.random() < 0.6:
        start, end, total = (random.choice((*_NUMBERS, str(len(body)))) for _ in range(3))
        headers["Content_Range"] = random.choice((f"bytes {start}-{end}/{total}",
                                                  f"bytes */{total}", "bytes", ""))  # fmt: skip
    if random.random() < 0.4:
        headers["Location"] = random.choice(
            ("/net.pth", "/else", "file:///etc/hostname", "ftp://127.0.0.1/x", "data:,x", "", "//",
             "http://127.0.0.1:1/x", "http://127.0.0.1:99999/x", "http://[::1/x", "http:///x",
             "?", "https://127.0.0.1:1/", "\x80\xff", "a b c", server.url("/x"), "javascript:1",
             "http://127.0.0.1\\@x/", "http://" + "a" * 300 + "/")
        )  # fmt: skip
    if random.random() < 0.2:
        headers["Content_Encoding"] = random.choice(("gzip", "x", ""))
    return headers


def _chunked(random: Random, body: bytes) -> bytes:
    parts = []
    for _ in range(random.randint(0, 4)):
        part = body[: random.randint(0, 2000)]
        size = random.choice((b"%x" % len(part), b"-5", b"zz", b"FFFFFFFFFFFFFFFFF", b"", b"0"))
        parts.append(size + b"\r\n" + part + random.choice((b"\r\n", b"")))
    return b"".join(parts) + random.choice((b"0\r\n\r\n", b"", b"0\r\n" + b"T: x\r\n" * 50))
