"""Diagnosers in files: two parts of a few hundred kilobytes, and what they were fitted to."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from snellen.diagnosis._familiarity import Familiarity
from snellen.diagnosis._heads import Calibration, Heads
from snellen.diagnosis._training import Part
from snellen.errors import WeightsError

FORMAT = "snellen diagnoser 1"

_PARTS = ("alone", "paired")


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
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path}: cannot be read as a diagnoser: {error}.") from error
    document = _document(metadata.get("diagnoser"))
    if document.get("format") != FORMAT:
        raise WeightsError(
            f"{path}: is no diagnoser: expected what `fit_diagnoser(...).save` writes "
            f"({FORMAT!r}), found {document.get('format', 'another file')!r}."
        )
    try:
        return document, {name: _restored(_of_part(tensors, name)) for name in _PARTS}
    except (KeyError, RuntimeError, ValueError, TypeError) as error:
        raise WeightsError(f"{path}: the diagnoser is not whole: {error!r}.") from error


def _document(text: str | None) -> dict[str, Any]:
    try:
        document = json.loads(text or "{}")
    except json.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def _of_part(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    prefix = f"{name}."
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
