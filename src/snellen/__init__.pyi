from . import backbones, errors, images, metrics, plots, readouts
from .backbones import create_backbone, list_backbones
from .errors import SnellenError
from .images import ImagePolicy, read_image
from .metrics import create_metric, create_metrics, list_metrics
from .readouts import create_readout, list_readouts

__version__: str

__all__ = [
    "ImagePolicy",
    "SnellenError",
    "__version__",
    "backbones",
    "create_backbone",
    "create_metric",
    "create_metrics",
    "create_readout",
    "errors",
    "images",
    "list_backbones",
    "list_metrics",
    "list_readouts",
    "metrics",
    "plots",
    "read_image",
    "readouts",
]
