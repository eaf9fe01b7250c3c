"""What is private in `snellen.diagnosis` and tested by itself.

The one place that names those modules: a file that moves changes nothing else in the tests.
"""

from snellen.diagnosis import _grid as grid_module
from snellen.diagnosis._familiarity import fit_familiarity
from snellen.diagnosis._heads import Calibration, joint_log_probability, logistic_fit
from snellen.diagnosis._samples import samples_of
from snellen.diagnosis._statistics import pixel_statistics
from snellen.diagnosis._training import decide

__all__ = [
    "Calibration",
    "decide",
    "fit_familiarity",
    "grid_module",
    "joint_log_probability",
    "logistic_fit",
    "pixel_statistics",
    "samples_of",
]
