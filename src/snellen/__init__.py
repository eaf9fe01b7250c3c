"""Snellen: how good images look to deep networks, and how well deep networks see.

>>> import snellen
>>> metric = snellen.create_metric("dfb")
>>> metric.lower_better
True
"""

import lazy_loader as _lazy

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
