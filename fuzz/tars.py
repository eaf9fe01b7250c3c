"""Tar files whose headers lie, with checksums that fit: listed, and every member read."""

import io
import tarfile
import tempfile
from pathlib import Path
from random import Random

from fuzz.mutations import damaged, tar_damaged
from fuzz.trials import OutsideError, Trial
from snellen.errors import ImageError, SnellenError
from snellen.runs import open_source

_MOST = 1000


def prepare() -> Trial:
    """Write tar files of every form; a trial damages one."""
    folder = tempfile.TemporaryDirectory(prefix="snellen-fuzz-")
    path = Path(folder.name) / "shard.tar"
    whole = [_tar(form, headers) for form in _FORMS for headers in _HEADERS]

    def trial(random: Random, _keep: object = folder) -> None:
        data = random.choice(whole)
        for _ in range(random.choice((1, 1, 2))):
            data = random.choice((damaged, tar_damaged, tar_damaged))(data, random)
        path.write_bytes(data)
        _read(path, len(data))

    return trial


_FORMS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
_HEADERS: tuple[dict[str, str], ...] = (
    {},
    {"comment": "x" * 30, "mtime": "1.5"},
    {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"},
    {"GNU.sparse.map": "0,1"},
)


def _tar(form: int, headers: dict[str, str]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form) as archive:
        for i in range(3):
            folder = "long/" * (18 if form == tarfile.USTAR_FORMAT else 50) * (i % 2)
            for suffix in ("png", "ref.png", "json"):
                info = tarfile.TarInfo(f"{folder}{i:04d}.{suffix}")
                info.size, info.pax_headers = 300 * i + 10, headers
                archive.addfile(info, io.BytesIO(bytes(range(256)) * 4))
    return stream.getvalue()


def _read(path: Path, size: int) -> None:
    """List a tar file and read what it lists; refused where nothing of it can be read."""
    refusal: SnellenError | None = None
    seen = 0
    for item in open_source(path):
        seen += 1
        if seen > _MOST:
            raise OutsideError("more samples than the file has room for")
        if item.problem is not None:
            refusal = ImageError(item.problem)
            continue
        try:
            with item.image.open() as stream:
                read = len(stream.read())
        except ImageError as error:
            refusal = error
            continue
        if read > size or read != item.image.size:
            raise OutsideError(f"{read} bytes of a member of {item.image.size} in {size}")
    if refusal is not None:
        raise refusal
