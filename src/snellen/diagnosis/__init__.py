"""What is wrong with an image: type and severity of its distortions, or that it is clean."""

from snellen.diagnosis._diagnoser import Diagnoser
from snellen.diagnosis._diagnosis import CLEAN, UNKNOWN, Candidate, Diagnosis
from snellen.diagnosis._examples import Examples, make_examples
from snellen.diagnosis._factory import DIAGNOSERS, create_diagnoser, fit_diagnoser
from snellen.diagnosis._families import Finding, families_of, findings_of
from snellen.diagnosis._samples import Draw
from snellen.diagnosis._training import Recipe

__all__ = [
    "CLEAN",
    "DIAGNOSERS",
    "UNKNOWN",
    "Candidate",
    "Diagnoser",
    "Diagnosis",
    "Draw",
    "Examples",
    "Finding",
    "Recipe",
    "create_diagnoser",
    "families_of",
    "findings_of",
    "fit_diagnoser",
    "make_examples",
]
