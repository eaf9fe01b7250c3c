"""Images to rows on Ray: actors hold the networks, this process hands out blocks.

Only names of files go out, and only numbers come back: workers read images from where they lie.
Actors are used rather than a Ray dataset, which can only fail, or leave out a whole block, over an
image that kills its worker: here every input gets exactly one outcome, such an image included.
"""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from snellen.errors import RunError
from snellen.runs._engine import EngineOptions, Outcome, Task
from snellen.runs._engine._options import processors
from snellen.runs._ray._blocks import Block, Blocks
from snellen.runs._ray._options import RayOptions
from snellen.runs._ray._worker import Worker
from snellen.runs._work import Work, WorkMaker

_AHEAD = 2  # blocks that a worker has: one in work, and one for when it is done
_STORE_BYTES = 256 << 20


@dataclass
class _Hand:
    """A worker, and the blocks that it has, in the order in which it works on them."""

    actor: Any
    blocks: deque[tuple[Any, Block]] = field(default_factory=deque)


class RayEngine:
    """Works on inputs by actors of Ray.

    Parameters
    ----------
    work
        What to do with each input; here only its manifest and its device are asked for.
    maker
        How every worker makes the same work for itself.
    options
        How many images at once, and how much memory, for each worker.
    ray_options
        Which cluster, and how many workers.

    Raises
    ------
    RunError
        Ray is not installed.
    """

    def __init__(
        self,
        work: Work,
        maker: WorkMaker,
        options: EngineOptions,
        ray_options: RayOptions | None = None,
    ) -> None:
        self._ray = _import_ray()
        self._work, self._maker = work, maker
        self._made_of: Any = maker
        self._how = ray_options or RayOptions()
        self._options = replace(options, threads=options.threads or self._how.cpus)

    def __call__(self, tasks: Iterable[Task]) -> Iterator[Outcome]:
        """Yield what came of each input, in the order in which it was done.

        Raises
        ------
        RunError
            The cluster is not there, or a worker cannot begin.
        """
        with self._cluster():
            if self._maker.travels_whole:
                self._made_of = self._ray.put(self._maker)
            hands = [_Hand(self._hire()) for _ in range(self._count())]
            try:
                yield from self._outcomes(Blocks(tasks, self._how.block), hands)
            finally:
                for hand in hands:
                    self._ray.kill(hand.actor)

    def _outcomes(self, blocks: Blocks, hands: list[_Hand]) -> Iterator[Outcome]:
        while True:
            self._hand_out(blocks, hands)
            waiting = {ref: hand for hand in hands for ref, _ in hand.blocks}
            if not waiting:
                return
            ready, _ = self._ray.wait(list(waiting), num_returns=1)
            hand = waiting[ready[0]]
            first = hand.blocks[0][0]
            try:
                outcomes = self._ray.get(first)
            except self._ray.exceptions.RayActorError as error:
                self._refuse_broken(error)
                outcomes = self._replace(hand, blocks)
            else:
                hand.blocks.popleft()
            yield from outcomes

    def _hand_out(self, blocks: Blocks, hands: list[_Hand]) -> None:
        """Give every worker its blocks, those that have none first."""
        for depth in range(_AHEAD):
            for hand in hands:
                if len(hand.blocks) <= depth:
                    block = blocks.take()
                    if block is None:
                        return
                    hand.blocks.append((hand.actor.score.remote(block.tasks), block))

    def _replace(self, hand: _Hand, blocks: Blocks) -> list[Outcome]:
        """Put a new worker in the place of a dead one, which had begun with its first block."""
        (_, first), *others = hand.blocks
        for _, block in others:
            blocks.put_back(block)
        hand.blocks.clear()
        hand.actor = self._hire()
        return blocks.died(first)

    def _refuse_broken(self, error: Exception) -> None:
        """Raise where a worker did not even begin: the next one would not either."""
        text = str(error)
        if "creation task" in text or "__init__" in text:
            reason = text.strip().splitlines()[-1]
            raise RunError(f"a Ray worker cannot begin: {reason}") from error

    def _hire(self) -> Any:
        actor = self._ray.remote(Worker).options(
            num_cpus=self._how.cpus, num_gpus=self._gpus(), max_restarts=0, max_task_retries=0
        )
        manifest = self._work.manifest()
        return actor.remote(self._made_of, manifest, self._options, self._how.cpus)

    def _gpus(self) -> float:
        if self._how.gpus is not None:
            return self._how.gpus
        return 1.0 if self._work.device.type == "cuda" else 0.0

    def _count(self) -> int:
        if self._how.workers is not None:
            return self._how.workers
        there = self._ray.cluster_resources()
        room = int(there.get("CPU", 0) // self._how.cpus)
        if self._gpus():
            room = min(room, int(there.get("GPU", 0) / self._gpus()))
        return max(1, room)

    @contextmanager
    def _cluster(self) -> Iterator[None]:
        """Use the Ray that this process is connected to, or connect, or start one for the run."""
        if self._ray.is_initialized():
            yield
            return
        address = self._how.address or os.environ.get("RAY_ADDRESS") or "local"
        here = self._own_cluster() if address == "local" else {}
        if self._how.runtime_env is not None:
            here["runtime_env"] = dict(self._how.runtime_env)
        try:
            self._ray.init(address=address, log_to_driver=False, logging_level="error", **here)
        except Exception as error:  # Ray raises a plain Exception where it is slow to start
            what = "Ray did not start here" if address == "local" else f"no Ray at {address}"
            raise RunError(f"{what}: {error}") from error
        try:
            yield
        finally:
            self._ray.shutdown()

    def _own_cluster(self) -> dict[str, Any]:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a run reports to nobody
        workers = self._how.workers or max(1, processors() // self._how.cpus)
        size = {} if self._maker.travels_whole else {"object_store_memory": _STORE_BYTES}
        return {
            "num_cpus": workers * self._how.cpus,
            "include_dashboard": False,
            **size,
        }


def _import_ray() -> Any:
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise RunError(
            'engine "ray": Ray is not installed; install it with `pip install "snellen[ray]"`, or '
            "use the local engine."
        ) from error
    return ray
