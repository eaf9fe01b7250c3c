"""Training of restoration networks: super-resolution and deblurring, under any loss."""

from snellen.restoration._comparison import LossComparison, compare_losses
from snellen.restoration._degrading import Degradation
from snellen.restoration._evaluation import evaluate
from snellen.restoration._networks import build_network
from snellen.restoration._pairs import ImagePair, PairSource
from snellen.restoration._patches import Patches
from snellen.restoration._plan import NetworkPlan, OptimiserPlan, TrainingPlan
from snellen.restoration._plan_file import ComparisonPlan, load_comparison, load_plan
from snellen.restoration._restorer import Restorer, load_restorer, save_restorer
from snellen.restoration._training import train
from snellen.restoration._vdsr import VDSR

__all__ = [
    "VDSR",
    "ComparisonPlan",
    "Degradation",
    "ImagePair",
    "LossComparison",
    "NetworkPlan",
    "OptimiserPlan",
    "PairSource",
    "Patches",
    "Restorer",
    "TrainingPlan",
    "build_network",
    "compare_losses",
    "evaluate",
    "load_comparison",
    "load_plan",
    "load_restorer",
    "save_restorer",
    "train",
]
