"""The parts of the exam: a file each."""

from snellen.exam._examination._part import PartKind
from snellen.exam._examination._parts._agreement import AGREEMENT
from snellen.exam._examination._parts._csf import CSF
from snellen.exam._examination._parts._efficacy import EFFICACY
from snellen.exam._examination._parts._separability import SEPARABILITY
from snellen.exam._examination._parts._tuning import TUNING

EXAM_PARTS: dict[str, PartKind] = {
    "tuning": TUNING,
    "efficacy": EFFICACY,
    "separability": SEPARABILITY,
    "agreement": AGREEMENT,
    "csf": CSF,
}
"""The parts of `examine` by name, in the order of the report."""
