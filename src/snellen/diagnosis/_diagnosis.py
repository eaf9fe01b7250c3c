"""What a diagnoser says of an image."""

from dataclasses import dataclass
from typing import Any

CLEAN = "clean"
UNKNOWN = "none of these"


@dataclass(frozen=True)
class Candidate:
    """A family of distortions that may be there.

    Attributes
    ----------
    family
        Its name.
    probability
        That it is there, calibrated on contents that were left out of the fit.
    severity
        How strong it would be: on the scale of the levels of the family's first type, 0.5 to 5.5.
    """

    family: str
    probability: float
    severity: float

    @property
    def level(self) -> int:
        """The nearest level, 1 to 5."""
        return min(5, max(1, round(self.severity)))


@dataclass(frozen=True)
class Diagnosis:
    """The verdict on one image.

    Attributes
    ----------
    verdict
        ``"clean"``, ``"none of these"``, or one or two families: ``"blur + jpeg"``, the likelier
        one first.
    confidence
        Of ``"none of these"``, the share of known images that look less unusual; of any other
        verdict, the probability that it is right as a whole, given that the image is one of a
        known kind.
    found
        Families of the verdict, likelier first; empty for the other two verdicts.
    candidates
        Every family, by falling probability.
    clean
        Probability that nothing is wrong.
    unfamiliarity
        Share of known images that lie nearer to what the diagnoser knows, 0 to 1.
    """

    verdict: str
    confidence: float
    found: tuple[Candidate, ...]
    candidates: tuple[Candidate, ...]
    clean: float
    unfamiliarity: float

    def to_row(self, candidates: int = 2) -> dict[str, Any]:
        """Return plain values for a table.

        Parameters
        ----------
        candidates
            How many of them to include.

        Returns
        -------
        dict
            Columns verdict, confidence, clean, unfamiliarity; then of each candidate its family,
            probability, severity and level, numbered from 1.
        """
        row: dict[str, Any] = {
            "verdict": self.verdict,
            "confidence": round(self.confidence, 4),
            "clean": round(self.clean, 4),
            "unfamiliarity": round(self.unfamiliarity, 4),
        }
        for i, one in enumerate(self.candidates[:candidates], 1):
            row |= {
                f"type{i}": one.family,
                f"probability{i}": round(one.probability, 4),
                f"severity{i}": round(one.severity, 2),
                f"level{i}": one.level,
            }
        return row
