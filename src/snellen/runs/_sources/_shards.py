"""Tar files in WebDataset layout: members of one key are one sample."""

import posixpath
import tarfile
from collections.abc import Iterator
from itertools import groupby

from snellen.errors import SourceError, reason_text
from snellen.images import IMAGE_SUFFIXES
from snellen.runs._sources._item import Item, Location, one_reference
from snellen.runs._sources._remote import open_named
from snellen.runs._sources._source import Source

_REFERENCES = ("ref", "reference")


def shard_source(name: str, reference: str | None) -> Source:
    """Make a source of a tar file; members are read where they lie, nothing is unpacked.

    Parameters
    ----------
    name
        Uncompressed tar file. The key of a member is its path up to the first dot of the file
        name; ``0007.jpg`` is the image of sample ``0007``, ``0007.ref.png`` (or
        ``0007.reference.png``) its reference. Other members are passed over.
    reference
        One reference for all samples; only for shards without references.

    Raises
    ------
    SourceError
        The file cannot be opened, is compressed, or damaged from its first header on; or the
        reference is no file.
    """
    shared = one_reference(reference, name)
    with open_named(name) as file:
        start = file.read(6)
    if start.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")):
        raise SourceError(
            f"{name}: is compressed, and its members cannot be read one by one; unpack it to a "
            "plain tar file (the images in it are compressed already)."
        )
    paired = _first_has_reference(name) or shared is not None
    return Source(lambda: _items(name, shared), has_references=paired)


def _first_has_reference(name: str) -> bool:
    first = next(_items(name, None), None)
    if first is not None and first.problem is not None and not first.image.member:
        raise SourceError(first.problem)  # not one member can be read
    return first is not None and first.reference is not None


def _items(name: str, shared: Location | None) -> Iterator[Item]:
    for key, group in groupby(_members(name), key=lambda member: _split(member.member)[0]):
        members = list(group)
        problem = next((m for m in members if m.size < 0), None)
        if problem is not None:
            yield Item(Location(name), problem=f"{name}: damaged tar file: {problem.mark}")
            continue
        images = [m for m in members if _suffix(m) in IMAGE_SUFFIXES]
        own = next((m for m in images if _is_reference(m)), shared)
        scored = [m for m in images if _is_simple(m)] or [m for m in images if not _is_reference(m)]
        for image in scored:
            yield Item(image, own)
        if not scored:
            lonely = Location(name, member=key)
            yield Item(lonely, problem=f"{lonely.name}: this sample holds no image")


def _members(name: str) -> Iterator[Location]:
    """List files in a tar file; one of size -1 says why the rest cannot be read."""
    reached = 0
    with open_named(name) as file:
        try:
            with tarfile.open(fileobj=file, mode="r:", errorlevel=1) as archive:
                for member in archive:
                    archive.members = []  # type: ignore[attr-defined]  # or it keeps them all
                    if member.offset_data <= reached or member.size < 0:
                        raise tarfile.ReadError("a member lies before the one before it")
                    reached = member.offset_data
                    if member.isfile() and not posixpath.basename(member.name).startswith("."):
                        yield Location(
                            name, member.name, offset=member.offset_data, size=member.size
                        )
                file.seek(archive.offset)  # tarfile takes a header that it cannot read for the end
                if file.read(tarfile.BLOCKSIZE).strip(b"\0"):
                    raise tarfile.ReadError("a header cannot be read")
        except Exception as error:  # damaged headers raise nearly any class
            reason = reason_text(error)
            yield Location(name, "?", size=-1, mark=reason)


def _split(member: str) -> tuple[str, str]:
    """Split a name at the first dot of its last part, as WebDataset does."""
    folder, base = posixpath.split(member)
    stem, _, extension = base.partition(".")
    return posixpath.join(folder, stem), extension.lower()


def _suffix(member: Location) -> str:
    return posixpath.splitext(member.member)[1].lower()


def _is_reference(member: Location) -> bool:
    return _split(member.member)[1].split(".")[0] in _REFERENCES


def _is_simple(member: Location) -> bool:
    return "." not in _split(member.member)[1]
