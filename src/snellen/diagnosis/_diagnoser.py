"""The diagnoser: a backbone, statistics of pixels, and the heads that were fitted to both."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from snellen.backbones import Backbone
from snellen.diagnosis._description import describe
from snellen.diagnosis._diagnosis import CLEAN, UNKNOWN, Candidate, Diagnosis
from snellen.diagnosis._heads import joint_log_probability
from snellen.diagnosis._storage import FORMAT, diagnoser_bytes
from snellen.diagnosis._training import Part, decide, inputs_of
from snellen.errors import ImageError
from snellen.images import ImagePolicy, as_image_batch
from snellen.records import PathLike, replace_file


@dataclass(frozen=True, eq=False)
class Diagnoser:
    """Names the distortions of images; made by `create_diagnoser` or `fit_diagnoser`.

    Parameters
    ----------
    backbone
        Network.
    layers
        Those that are looked at.
    families
        What can be found.
    alone, paired
        Heads for images alone, and with their reference.
    limit
        Unfamiliarity above which an image shows none of the known families.
    facts
        What the diagnoser was fitted to, as plain values.
    policy
        How image files are decoded.

    Examples
    --------
    >>> from snellen.diagnosis import create_diagnoser
    >>> diagnoser = create_diagnoser()
    >>> (diagnosis,) = diagnoser(torch.rand(1, 3, 64, 64))
    >>> 0 <= diagnosis.confidence <= 1
    True
    """

    backbone: Backbone
    layers: tuple[str, ...]
    families: tuple[str, ...]
    alone: Part
    paired: Part
    limit: float
    facts: Mapping[str, Any]
    policy: ImagePolicy

    @property
    def device(self) -> torch.device:
        """Where the network computes."""
        return next(iter(self.backbone.buffers()), torch.empty(0)).device

    def __call__(self, images: Any, reference: Any = None) -> list[Diagnosis]:
        """Diagnose images.

        Parameters
        ----------
        images
            Anything that `snellen.images.as_image_batch` takes: a path, an image, a batch.
            Sides of 32 pixels or more; pixels are never resampled, and of sides over 768 pixels
            three stretches of 512 are looked at.
        reference
            The pristine image, or one for each, of the same size.

        Returns
        -------
        list of Diagnosis
            One for each image.

        Raises
        ------
        ImageError
            An image cannot be read, is too small, or differs in size from its reference.
        """
        batch = as_image_batch(images, self.policy)
        described = self.describe(batch)
        if reference is None:
            return self.read(described)
        pristine = as_image_batch(reference, self.policy, name="reference")
        if pristine.shape[2:] != batch.shape[2:] or len(pristine) not in (1, len(batch)):
            raise ImageError(
                f"image and reference differ: {_shape(batch)} and {_shape(pristine)}; expected "
                "the same size, and one reference for all images or one for each."
            )
        references = self.describe(pristine)
        return self.read(described, np.broadcast_to(references, described.shape))

    def describe(self, batch: Tensor) -> NDArray[np.float32]:
        """Return the numbers (N, D) that diagnoses of an image batch are made from."""
        described: NDArray[np.float32] = (
            describe(self.backbone, self.layers, batch.to(self.device)).cpu().numpy()
        )
        return described

    @torch.no_grad()
    def read(
        self,
        descriptions: NDArray[np.float32],
        references: NDArray[np.float32] | None = None,
    ) -> list[Diagnosis]:
        """Diagnose images from their descriptions.

        Parameters
        ----------
        descriptions
            (N, D), of `describe`.
        references
            (N, D), of their references.

        Returns
        -------
        list of Diagnosis
            One for each row.
        """
        part = self.alone if references is None else self.paired
        other = descriptions if references is None else references
        inputs = torch.from_numpy(
            inputs_of(descriptions, other, paired=references is not None).astype(np.float32)
        )
        standardised = part.heads.standardised(inputs)
        logits, severities = part.heads(standardised)
        distances = part.familiarity(part.heads.hidden(standardised)).double().numpy()
        calibration = part.calibration
        probabilities = calibration.probabilities(logits.double()).numpy()
        chosen = decide(probabilities)
        joint = joint_log_probability(probabilities, chosen)
        confidence = calibration.confidence(joint)
        unfamiliarity = calibration.unfamiliarity(distances, joint)
        return [
            self._diagnosis(*row)
            for row in zip(
                probabilities, severities.numpy(), chosen, confidence, unfamiliarity, strict=True
            )
        ]

    def _diagnosis(
        self,
        probabilities: NDArray[np.float64],
        severities: NDArray[np.float32],
        chosen: NDArray[np.bool_],
        confidence: float,
        unfamiliarity: float,
    ) -> Diagnosis:
        order = np.argsort(-probabilities[:-1], kind="stable")
        candidates = tuple(
            Candidate(self.families[i], float(probabilities[i]), float(severities[i]))
            for i in order
        )
        unknown = unfamiliarity >= self.limit
        names = {self.families[i] for i in np.flatnonzero(chosen[:-1])} if not unknown else set()
        found = tuple(one for one in candidates if one.family in names)
        verdict = " + ".join(one.family for one in found) or (UNKNOWN if unknown else CLEAN)
        return Diagnosis(
            verdict,
            float(unfamiliarity if unknown else confidence),
            found,
            candidates,
            float(probabilities[-1]),
            float(unfamiliarity),
        )

    def manifest(self) -> dict[str, Any]:
        """Return what it takes to get the same diagnoses again, as plain values."""
        return {
            "diagnoser": FORMAT,
            "sha256": hashlib.sha256(self._bytes()).hexdigest(),
            "backbone": self.backbone.manifest(),
            "layers": list(self.layers),
            "families": list(self.families),
            "limit": self.limit,
            "fitted_to": dict(self.facts),
            "decoding": self.policy.manifest(),
        }

    def save(self, path: PathLike) -> None:
        """Write the heads to a file, for `create_diagnoser`; folders are made.

        Parameters
        ----------
        path
            The file; ``.safetensors`` is usual. Values are kept in half precision.
        """
        replace_file(path, self._bytes())

    def _bytes(self) -> bytes:
        document = {
            "backbone": self.backbone.manifest(),
            "layers": self.layers,
            "families": self.families,
            "limit": self.limit,
            "facts": dict(self.facts),
        }
        return diagnoser_bytes(document, {"alone": self.alone, "paired": self.paired})


def _shape(batch: Tensor) -> str:
    return f"{len(batch)} of {batch.shape[3]}x{batch.shape[2]} pixels"
