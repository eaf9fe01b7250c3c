"""The published weights files that Snellen knows: ``weights.json`` and torchvision's own list."""

import json
import os
import re
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Literal

from snellen.backbones._digest import digest_matches, file_sha256
from snellen.errors import WeightsError

_SCHEMA = 1


@dataclass(frozen=True)
class WeightsRecord:
    """One weights file that somebody published: where it is, how to know it, who may use it.

    Attributes
    ----------
    name
        What Snellen calls it: the network (``vgg16``) or the head (``lpips-alex``).
    tag
        ``imagenet`` for the weights of a network, ``head`` for what a metric adds to one.
    url, filename
        Where it is published, and the name under which it is kept.
    sha256, sha256_prefix
        The SHA-256 of the file, or its first digits where only these are published.
    size, stated_mib
        Bytes where known, else MiB as the publisher states them.
    licence, licence_note
        In a few words, and with what is and is not known.
    source, citation
        Who published the file, and the paper to cite.
    used_by
        Metrics that need it.
    """

    name: str
    tag: Literal["imagenet", "head"]
    url: str
    filename: str
    sha256: str | None
    sha256_prefix: str | None
    size: int | None
    stated_mib: float | None
    licence: str
    licence_note: str
    source: str
    citation: str
    used_by: tuple[str, ...]

    @property
    def expected(self) -> str:
        """The expected SHA-256 in words."""
        prefix = f"begins with {self.sha256_prefix}" if self.sha256_prefix else "not published"
        return self.sha256 or prefix

    @property
    def most_bytes(self) -> int:
        """Bytes that the file cannot exceed; publishers round their MiB."""
        if self.size is not None:
            return self.size
        return (64 << 30) if self.stated_mib is None else int((self.stated_mib * 1.1 + 1) * 2**20)

    def fits(self, path: str | os.PathLike[str]) -> bool:
        """Whether a file has the expected SHA-256."""
        return digest_matches(file_sha256(path), self.sha256, self.sha256_prefix)


@cache
def list_weights() -> tuple[WeightsRecord, ...]:
    """All registered weights files.

    Returns
    -------
    records
        In the order of ``weights.json``: networks first, then heads.

    Examples
    --------
    >>> [record.name for record in list_weights() if record.tag == "head"]
    ['lpips-alex', 'lpips-vgg', 'lpips-squeeze', 'dists']
    """
    content = json.loads(files(__package__).joinpath("weights.json").read_text("utf-8"))
    if content["schema"] != _SCHEMA:
        raise WeightsError(f"weights.json: expected schema {_SCHEMA}, found {content['schema']}.")
    return tuple(
        WeightsRecord(**{**row, "used_by": tuple(row["used_by"])}) for row in content["weights"]
    )


def weights_record(name: str) -> WeightsRecord:
    """Look up a registered file, or any other torchvision classification network.

    Parameters
    ----------
    name
        As `list_weights` gives it, or as torchvision names a network.

    Returns
    -------
    record
        For a network outside the registry: what torchvision says of its first ImageNet
        weights, with the licence given as unknown.

    Raises
    ------
    WeightsError
        If nobody publishes weights under this name.
    """
    known = {record.name: record for record in list_weights()}
    record = known.get(name) or _torchvision_record(name)
    if record is None:
        raise WeightsError(
            f"{name}: no weights are known under this name. Known are {', '.join(known)} and the "
            "torchvision classification networks; anything else is given as a file."
        )
    return record


def _torchvision_record(name: str) -> WeightsRecord | None:
    from torchvision import models

    if name not in models.list_models(module=models):
        return None
    enum = models.get_model_weights(name)
    weights = enum.__members__.get("IMAGENET1K_V1", enum.DEFAULT)
    return replace(
        record_of_url(weights.url),
        name=name,
        stated_mib=weights.meta.get("_file_size"),
        licence_note="Distributed by torchvision; terms of the training data may apply.",
        source=f"torchvision, {weights.name}; recipe: {weights.meta.get('recipe', 'unknown')}",
    )


def record_of_url(url: str) -> WeightsRecord:
    """Describe the file at an address, by the registry or else by the address itself.

    Parameters
    ----------
    url
        An address. Outside the registry, the digits after the last hyphen of the file name
        are taken for the beginning of its SHA-256, which is PyTorch's convention.

    Returns
    -------
    record
        With the licence given as unknown outside the registry.
    """
    for record in list_weights():
        if record.url == url:
            return record
    filename = url.rpartition("/")[2]
    prefix = re.search(r"-([0-9a-f]{8,64})\.\w+$", filename)
    return WeightsRecord(
        name=filename.partition("-")[0],
        tag="imagenet",
        url=url,
        filename=filename,
        sha256=None,
        sha256_prefix=prefix[1] if prefix else None,
        size=None,
        stated_mib=None,
        licence="unknown",
        licence_note="Nothing is known of its licence here.",
        source=url,
        citation="unknown",
        used_by=(),
    )
