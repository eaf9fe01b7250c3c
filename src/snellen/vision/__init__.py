"""Human vision: stimuli of stated frequency, contrast and color, and what people see of them."""

from snellen.vision._csf_curves import (
    CSF_CURVES,
    BartenEye,
    SensitivityCurve,
    barten_csf,
    find_csf,
    mannos_sakrison_csf,
    tariq_csf,
)
from snellen.vision._csf_fit import CSFFit, compare_curves, fit_csf, fitted_thresholds
from snellen.vision._csf_model import HUMAN_CSF, CSFModel, MechanismCSF
from snellen.vision._grating import COLORS, AliasingWarning, Grating
from snellen.vision._render import render_gratings, uniform_field
from snellen.vision._stimulus_files import stimulus_name, stimulus_set, write_stimuli
from snellen.vision._thresholds import Thresholds, load_castlecsf, mechanism_signals
from snellen.vision._viewing import Viewing

__all__ = [
    "COLORS",
    "CSF_CURVES",
    "HUMAN_CSF",
    "AliasingWarning",
    "BartenEye",
    "CSFFit",
    "CSFModel",
    "Grating",
    "MechanismCSF",
    "SensitivityCurve",
    "Thresholds",
    "Viewing",
    "barten_csf",
    "compare_curves",
    "find_csf",
    "fit_csf",
    "fitted_thresholds",
    "load_castlecsf",
    "mannos_sakrison_csf",
    "mechanism_signals",
    "render_gratings",
    "stimulus_name",
    "stimulus_set",
    "tariq_csf",
    "uniform_field",
    "write_stimuli",
]
