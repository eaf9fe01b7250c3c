"""How a Ray engine spreads its work, none of which is what it computes."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from snellen.errors import RunError


@dataclass(frozen=True)
class RayOptions:
    """Which cluster, how many workers, and how much each of them takes.

    Attributes
    ----------
    address
        Of a running cluster (``"auto"``, ``"host:6379"``, ``"ray://host:10001"``); by default
        what ``RAY_ADDRESS`` says, and where it says nothing a Ray of its own on this machine,
        which ends with the run.
    workers
        Processes that hold the networks; by default as many as the cluster has room for.
    cpus
        Processor cores, and threads, of a worker.
    gpus
        GPUs of a worker; a fraction lets workers share one. By default 1 where the metrics are
        on a GPU, and else none.
    block
        Images that a worker is given at once. Those of a worker that dies are given to another.
    runtime_env
        What the workers need to have installed, as Ray writes it.

    Raises
    ------
    RunError
        A number is too small, or there is no such option.
    """

    address: str | None = None
    workers: int | None = None
    cpus: int = 1
    gpus: float | None = None
    block: int = 32
    runtime_env: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        for name in ("workers", "cpus", "block"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise RunError(f"{name}: expected 1 or more, got {value}.")
        if self.gpus is not None and self.gpus < 0:
            raise RunError(f"gpus: expected 0 or more, got {self.gpus}.")

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "RayOptions":
        """Read options by name.

        Examples
        --------
        >>> RayOptions.of({"workers": 4, "address": "auto"}).workers
        4
        """
        known = [field.name for field in fields(cls)]
        for name in given:
            if name not in known:
                raise RunError(f"the Ray engine has no option {name!r}; it has {', '.join(known)}.")
        return cls(**given)
