"""Fetching: one object of a store, or a part of it, within a time and a number of bytes."""

import os
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from snellen.errors import SourceError
from snellen.runs._sources._addresses import local_or_address

T = TypeVar("T")

_CHUNK = 1 << 20


def most_bytes() -> int:
    """Return how large an object may be that is fetched whole: ``SNELLEN_FETCH_BYTES``."""
    return int(_setting("SNELLEN_FETCH_BYTES", 1 << 30))


def most_seconds() -> float:
    """Return how long one answer may take: ``SNELLEN_FETCH_SECONDS``."""
    return _setting("SNELLEN_FETCH_SECONDS", 60.0)


def _setting(variable: str, default: float) -> float:
    text = os.environ.get(variable, "")
    try:
        value = float(text or default)
    except ValueError:
        value = -1.0
    if not 0 < value < 1e18:
        raise SourceError(f"{variable}: expected a positive number, found {text!r}.")
    return value


def store_of(url: str) -> tuple[Any, str]:
    """Return the file system of an address, and the path in it.

    Raises
    ------
    SourceError
        There is no such scheme, or the package that speaks it is not installed.
    """
    import fsspec

    url = local_or_address(url)
    if "://" not in url or "::" in url:
        raise SourceError(f"{url}: expected the address of one object in a store.")
    try:
        store, path = fsspec.url_to_fs(url)
    except ImportError as error:
        raise SourceError(
            f"{url}: {error} `pip install snellen[cloud]` brings what S3 and HTTP need."
        ) from error
    except ValueError as error:
        raise SourceError(f"{url}: {error}") from error
    return store, str(path)


def within(seconds: float, call: Callable[[], T]) -> T:
    """Return what a call returns, if it does so in time.

    Stores have time-outs of their own, each its own way, or none. The call goes on in a thread
    that nobody waits for.

    Raises
    ------
    TimeoutError
        It takes longer.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(call())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="snellen-fetch", daemon=True)
    thread.start()
    thread.join(seconds)
    if errors and not isinstance(errors[0], TimeoutError):
        raise errors[0]
    if not results:
        raise TimeoutError(
            f"no answer within {seconds:g} seconds; SNELLEN_FETCH_SECONDS sets how many"
        )
    return results[0]


def fetch(url: str, start: int = 0, size: int | None = None) -> bytes:
    """Fetch an object, or `size` bytes of it from `start` on.

    Raises
    ------
    OSError
        It does not exist (`FileNotFoundError`), is over the limit, takes too long, or cannot be
        read; stores raise other classes as well.
    SourceError
        The scheme is not fetched.
    """
    limit, seconds = most_bytes(), most_seconds()
    if size is not None and size > limit:
        raise _too_large(limit)
    store, path = store_of(url)
    stop = start + (limit + 1 if size is None else size)
    if url.lower().startswith(("http://", "https://")):
        data = within(seconds, lambda: _fetch_http(store, path, start, stop, whole=size is None))
    else:
        whole = start == 0 and size is None
        ends = (None, stop) if whole else (start, stop)
        data = within(seconds, lambda: store.cat_file(path, *ends))
    if len(data) > limit:
        raise _too_large(limit)
    return data


def _too_large(limit: int) -> OSError:
    return OSError(f"is over the limit of {limit} bytes; SNELLEN_FETCH_BYTES sets another")


def _fetch_http(store: Any, url: str, start: int, stop: int, whole: bool) -> bytes:
    from fsspec.asyn import sync

    data: bytes = sync(store.loop, _get, store, url, start, stop, whole)
    return data


async def _get(store: Any, url: str, start: int, stop: int, whole: bool) -> bytes:
    """Read an answer up to `stop`: a server need not mind a range, nor end."""
    import aiohttp

    session = await store.set_session()
    options = {"timeout": aiohttp.ClientTimeout(total=most_seconds()), **store.kwargs}
    if not whole:
        options["headers"] = {**options.get("headers", {}), "Range": f"bytes={start}-{stop - 1}"}
    data, first = bytearray(), start
    async with session.get(store.encode_url(url), **options) as response:
        if response.status == 404:
            raise FileNotFoundError(url)
        response.raise_for_status()
        if response.status != 206:
            first = 0
        async for chunk in response.content.iter_chunked(_CHUNK):
            data += chunk
            if first + len(data) >= stop:
                break
    return bytes(data[start - first : stop - first])
