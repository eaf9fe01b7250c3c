"""Diagnosers in files: two parts of a few hundred kilobytes, and what they were fitted to."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor

from snellen.backbones import read_safetensors, read_words
from snellen.diagnosis._familiarity import Familiarity
from snellen.diagnosis._heads import Calibration, Heads
from snellen.diagnosis._training import Part
from snellen.errors import WeightsError

FORMAT = "snellen diagnoser 1"

_PARTS = ("alone", "paired")
_DOCUMENT: dict[str, Any] = {
    "backbone": dict,
    "layers": list,
    "families": list,
    "limit": (int, float),
    "facts": dict,
}


def diagnoser_bytes(document: Mapping[str, Any], parts: Mapping[str, Part]) -> bytes:
    """Write a diagnoser as a safetensors file in memory.

    Parameters
    ----------
    document
        What the file says of itself, as plain values.
    parts
        ``alone`` and ``paired``.

    Returns
    -------
    data
        The same for the same diagnoser, on every machine.
    """
    tensors: dict[str, Tensor] = {}
    for name in _PARTS:
        tensors |= {f"{name}.{key}": value for key, value in _tensors(parts[name]).items()}
    # One key only: safetensors does not keep the order of several.
    return save(tensors, {"diagnoser": json.dumps({"format": FORMAT, **document})})


def _tensors(part: Part) -> dict[str, Tensor]:
    """Everything that a part holds; what is large in half precision."""
    heads = {
        f"heads.{key}": value.half().contiguous() if value.ndim == 2 else value.contiguous()
        for key, value in part.heads.state_dict().items()
    }
    c = part.calibration
    return {
        **heads,
        "familiarity.means": part.familiarity.means.half().contiguous(),
        "familiarity.whitening": part.familiarity.whitening.half().contiguous(),
        "calibration.logistic": torch.tensor(
            [c.slope, c.offset, c.trust_slope, c.trust_offset], dtype=torch.float64
        ),
        "calibration.percentiles": torch.from_numpy(np.stack([c.distances, c.surprises, c.sums])),
    }


def rounded(part: Part) -> Part:
    """Bring a part to the precision of its file, so that saving it changes nothing."""
    return _restored(_tensors(part))


def _restored(tensors: Mapping[str, Tensor]) -> Part:
    weights = {k.removeprefix("heads."): v.float() for k, v in tensors.items() if "heads." in k}
    with torch.device("meta"):  # nothing is drawn for weights that are replaced at once
        heads = Heads(weights["first.weight"].shape[1], weights["severity.bias"].shape[0])
    heads.load_state_dict(weights, assign=True)
    heads.eval().requires_grad_(False)
    percentiles = tensors["calibration.percentiles"].numpy()
    width, means = weights["second.bias"].shape[0], tensors["familiarity.means"]
    if percentiles.shape != (3, 101) or means.ndim != 2 or means.shape[1] != width:
        raise ValueError("percentiles or class means of another shape")
    if tensors["familiarity.whitening"].shape != (width, width):
        raise ValueError("a whitening of another shape")
    slope, offset, trust_slope, trust_offset = tensors["calibration.logistic"].tolist()
    return Part(
        heads,
        Familiarity(tensors["familiarity.means"].float(), tensors["familiarity.whitening"].float()),
        Calibration(slope, offset, trust_slope, trust_offset, *percentiles),
    )


def read_diagnoser(path: Path) -> tuple[dict[str, Any], dict[str, Part]]:
    """Read the file of a diagnoser: what it says of itself, and its parts.

    Raises
    ------
    WeightsError
        The file cannot be read, or holds something else.
    """
    words, tensors = read_safetensors(path, "a diagnoser")
    document = read_words(words, "diagnoser", path, "a diagnoser")
    if document.get("format") != FORMAT:
        raise WeightsError(
            f"{path}: is no diagnoser: expected what `fit_diagnoser(...).save` writes "
            f"({FORMAT!r}), found {document.get('format', 'another file')!r}."
        )
    for key, kind in _DOCUMENT.items():
        if not isinstance(document.get(key), kind):
            raise WeightsError(
                f"{path}: the diagnoser is not whole: its {key!r} is {document.get(key)!r:.80}."
            )
    try:
        return document, {name: _restored(_of_part(tensors, name)) for name in _PARTS}
    except Exception as error:  # whatever is missing or misshapen
        raise WeightsError(f"{path}: the diagnoser is not whole: {error!r}.") from error


def _of_part(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    prefix = f"{name}."
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
