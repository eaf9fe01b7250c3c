from . import (
    agreement,
    backbones,
    datasets,
    diagnosis,
    distortions,
    errors,
    exam,
    images,
    losses,
    metrics,
    plots,
    readouts,
    restoration,
    runs,
    vision,
)
from .backbones import create_backbone, list_backbones
from .datasets import list_datasets, load_dataset
from .diagnosis import create_diagnoser
from .distortions import create_distortion, distort, list_distortions
from .errors import SnellenError
from .exam import examine
from .images import ImagePolicy, read_image
from .losses import create_loss, list_losses
from .metrics import create_metric, create_metrics, list_metrics
from .readouts import create_readout, list_readouts
from .runs import score

__version__: str

__all__ = [
    "ImagePolicy",
    "SnellenError",
    "__version__",
    "agreement",
    "backbones",
    "create_backbone",
    "create_diagnoser",
    "create_distortion",
    "create_loss",
    "create_metric",
    "create_metrics",
    "create_readout",
    "datasets",
    "diagnosis",
    "distort",
    "distortions",
    "errors",
    "exam",
    "examine",
    "images",
    "list_backbones",
    "list_datasets",
    "list_distortions",
    "list_losses",
    "list_metrics",
    "list_readouts",
    "load_dataset",
    "losses",
    "metrics",
    "plots",
    "read_image",
    "readouts",
    "restoration",
    "runs",
    "score",
    "vision",
]
