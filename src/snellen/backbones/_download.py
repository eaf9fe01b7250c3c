"""Fetch one file over the network: resumable, checked, safe when two processes ask at once."""

import http.client
import logging
import os
import re
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from filelock import FileLock

from snellen._opening import open_regular
from snellen.backbones._digest import digest_matches, file_sha256
from snellen.errors import WeightsError

logger = logging.getLogger(__name__)

ProgressCallback = Callable[[int, int | None], None]

_CHUNK = 1 << 20
_SCHEMES = ("http", "https", "file")
_TRIES_WITH_PROGRESS = 50  # for each attempt: a server may drip, but not for ever
_TRANSIENT_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})


class _InterruptedTransferError(Exception):
    """The transfer stopped for a reason that may pass: trying again makes sense."""


def offline_variable() -> str | None:
    """Name the variable that forbids the network, of ``SNELLEN_OFFLINE`` and ``HF_HUB_OFFLINE``.

    Returns
    -------
    name
        None where the network may be used.
    """
    for name in ("SNELLEN_OFFLINE", "HF_HUB_OFFLINE"):
        if os.environ.get(name, "").lower() in {"1", "true", "yes", "on"}:
            return name
    return None


def download(
    url: str,
    destination: str | os.PathLike[str],
    *,
    sha256: str | None = None,
    sha256_prefix: str | None = None,
    most_bytes: int = 64 << 30,
    progress: bool | ProgressCallback = True,
    timeout: float = 30.0,
    attempts: int = 4,
    backoff: float = 0.5,
) -> Path:
    """Download a file, go on where an earlier try stopped, and check what arrived.

    The bytes gather in ``destination + ".part"``; only a complete file with the expected
    hash takes the name of the destination. A second process that asks for the same
    destination waits, and then finds the file there.

    Parameters
    ----------
    url
        An ``http``, ``https`` or ``file`` address. The usual proxy variables
        (``HTTPS_PROXY``, ``NO_PROXY``, ...) are respected. Redirects are followed within a scheme
        and from http to https.
    destination
        The file to write. Its folder is made.
    sha256, sha256_prefix
        The expected SHA-256, or its first hexadecimal digits. Without either, a ``.part``
        file of an earlier call is not trusted and the transfer starts anew.
    most_bytes
        Where a transfer is broken off, whatever the server states.
    progress
        True: a bar on standard error, if that is a terminal. A function: called with the
        bytes so far and the total (None where the server does not tell).
    timeout
        Seconds to wait for the server before a try counts as failed.
    attempts
        How many tries in a row may bring no new byte; fifty times as many may bring some.
    backoff
        Seconds before the second try; doubled after each further one that brings nothing.

    Returns
    -------
    path
        The destination.

    Raises
    ------
    WeightsError
        If the file cannot be fetched or written, or has another hash than expected.
    """
    destination = Path(destination)
    if not _is_address(url):
        raise WeightsError(f"{url}: expected an http, https or file address.")
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(destination.with_name(f".{destination.name}.lock")):
            expected = (sha256, sha256_prefix)
            known = any(expected) and destination.is_file()
            if known and digest_matches(file_sha256(destination), *expected):
                return destination
            with _reporter(progress, destination.name) as report:
                transfer = _Transfer(
                    url, destination, report, most_bytes, timeout, attempts, backoff
                )
                _complete(transfer, *expected)
    except OSError as error:
        raise WeightsError(f"{destination}: cannot be written: {error}.") from error
    return destination


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in _SCHEMES and parts.port != 0
    except ValueError:  # brackets left open, or a port that cannot be
        return False


def _complete(transfer: "_Transfer", sha256: str | None, sha256_prefix: str | None) -> None:
    """Bring the part file to its end, check it, and give it its name."""
    part, destination = transfer.part, transfer.destination
    if not (sha256 or sha256_prefix):
        part.unlink(missing_ok=True)
    continued = part.exists()
    transfer.run()
    digest = file_sha256(part)
    if continued and not digest_matches(digest, sha256, sha256_prefix):
        logger.info("%s: the part of an earlier try does not fit; starting anew", part)
        part.unlink()
        transfer.run()
        digest = file_sha256(part)
    if not digest_matches(digest, sha256, sha256_prefix):
        part.unlink()
        wanted = f"SHA-256 {sha256}" if sha256 else f"SHA-256 beginning with {sha256_prefix}"
        raise WeightsError(
            f"{transfer.url}: expected a file with {wanted}, found {digest}. The file was removed: "
            "something between here and the server (a proxy, a login page) may have replaced it."
        )
    part.replace(destination)


@dataclass(frozen=True)
class _Transfer:
    """Fill the part file of one download, over as many requests as it takes."""

    url: str
    destination: Path
    report: ProgressCallback
    most_bytes: int
    timeout: float
    attempts: int
    backoff: float

    @property
    def part(self) -> Path:
        return self.destination.with_name(self.destination.name + ".part")

    def run(self) -> None:
        """Try until the file is complete, or until too many tries bring nothing, or too little.

        Only what goes beyond all earlier tries counts: a server that sends the same bytes again
        and again brings nothing.
        """
        fruitless, most = 0, self._received()
        for _ in range(self.attempts * _TRIES_WITH_PROGRESS):
            try:
                return self._request()
            except _InterruptedTransferError as error:
                fruitless = 0 if self._received() > most else fruitless + 1
                most, failure = max(most, self._received()), error
                if fruitless >= self.attempts:
                    break
                logger.info("%s: %s; trying again", self.url, error)
                time.sleep(self.backoff * 2 ** max(fruitless - 1, 0))
        raise WeightsError(self._failure(str(failure))) from failure

    def _received(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _failure(self, reason: str) -> str:
        kept = self._received()
        rest = f" {kept} bytes are kept in {self.part}; the next try goes on there." if kept else ""
        return f"{self.url}: cannot be downloaded: {reason}.{rest}"

    def _request(self) -> None:
        """Send one request for what is missing and append the answer."""
        offset = self._received()
        headers = {"User-Agent": "snellen"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
        try:
            if urlsplit(self.url).scheme == "file":
                open_regular(urllib.request.url2pathname(urlsplit(self.url).path)).close()
            request = urllib.request.Request(self.url, headers=headers)
            # urlopen() would keep the proxies that were set when it was first called.
            opener = urllib.request.build_opener(_SafeRedirects)
            response = opener.open(request, timeout=self.timeout)
        except urllib.error.HTTPError as error:
            with closing(error):
                self._refused(error, offset)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise self._network_error(error) from error
        else:
            with response:
                self._append(response, offset)

    def _network_error(self, error: Exception) -> Exception:
        """Tell what may pass (a time-out, a cut line) from what will not."""
        reason = getattr(error, "reason", error)
        hopeless = isinstance(error, ValueError | http.client.InvalidURL)
        hopeless |= "CERTIFICATE_VERIFY" in str(reason)
        if hopeless or urlsplit(self.url).scheme == "file":
            return WeightsError(self._failure(str(reason)))
        return _InterruptedTransferError(str(reason) or type(reason).__name__)

    def _refused(self, error: urllib.error.HTTPError, offset: int) -> None:
        if error.code == 416 and offset:
            if error.headers.get("Content-Range", "") == f"bytes */{offset}":
                return
            self.part.unlink()
            raise _InterruptedTransferError("the part of an earlier try is longer than the file")
        reason = f"the server answers {error.code} {' '.join(str(error.reason).split())}"
        if error.code in _TRANSIENT_STATUS:
            raise _InterruptedTransferError(reason)
        raise WeightsError(self._failure(reason))

    def _append(self, response: Any, offset: int) -> None:
        """Write the body after the bytes at hand, or over them if the server sends them all."""
        start, total = _extent(response)
        if start not in (0, offset):
            self.part.unlink()
            raise _InterruptedTransferError(f"the server sent bytes from {start}, not {offset}")
        received, most = start, min(self.most_bytes, self.most_bytes if total is None else total)
        with self.part.open("ab" if start else "wb") as stream:
            for chunk in _chunks(response):
                received += len(chunk)
                if received > most:
                    break
                stream.write(chunk)
                self.report(received, total)
        if received > most:
            self.part.unlink()
            raise WeightsError(
                self._failure(f"the server sends more than the {most} bytes expected")
            )
        if total is not None and received < total:
            raise _InterruptedTransferError(f"the line was cut after {received} of {total} bytes")


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follow redirects within a scheme and from http to https, and no others."""

    def http_error_302(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        fp.close()  # or the base class reads what the server sends with it, however much
        return super().http_error_302(req, fp, code, msg, headers)

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        scheme, _ = urlsplit(newurl).scheme, urlsplit(newurl).port  # ValueError: no such port
        if scheme not in ("https", urlsplit(req.full_url).scheme):
            raise WeightsError(
                f"{req.full_url}: cannot be downloaded: the server redirects to {newurl}; expected "
                "an https address, or one of the same scheme."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _extent(response: Any) -> tuple[int, int | None]:
    """First byte of a response and the size of the whole file, where stated."""
    if getattr(response, "status", None) == 206:
        stated = response.headers.get("Content-Range", "")
        found = re.fullmatch(r"\s*bytes (\d{1,18})-\d+/(\d{1,18}|\*)\s*", stated)
        start, total = found.groups() if found else ("-1", "*")
        return int(start), None if total == "*" else int(total)
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if re.fullmatch(r"[0-9]{1,18}", length) else None


def _chunks(response: Any) -> Iterator[bytes]:
    while True:
        try:
            chunk = response.read(_CHUNK)
        except (OSError, ValueError, http.client.HTTPException) as error:  # a chunk of -5 bytes
            raise _InterruptedTransferError(str(error) or type(error).__name__) from error
        if not chunk:
            return
        yield chunk


def _reporter(
    progress: bool | ProgressCallback, label: str
) -> AbstractContextManager[ProgressCallback]:
    if callable(progress):
        return nullcontext(progress)
    if progress and sys.stderr.isatty():
        return _terminal_bar(label)
    return nullcontext(lambda received, total: None)


@contextmanager
def _terminal_bar(label: str) -> Iterator[ProgressCallback]:
    from rich.console import Console
    from rich.progress import DownloadColumn, Progress

    columns = (*Progress.get_default_columns(), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(label, total=None)
        yield lambda received, total: bar.update(task, completed=received, total=total)
