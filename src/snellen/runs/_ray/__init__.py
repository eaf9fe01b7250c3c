"""Scoring on a Ray cluster, or on this machine in several processes."""

from snellen.runs._ray._engine import RayEngine
from snellen.runs._ray._options import RayOptions

__all__ = ["RayEngine", "RayOptions"]
