"""Which inputs go to workers together, and what becomes of those of a worker that dies."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from snellen.runs._engine import Outcome, Task

_LAST_DEATH = 2  # of workers that had nothing to do but this one image


@dataclass(frozen=True)
class Block:
    """Inputs that one worker scores in one go.

    Attributes
    ----------
    tasks
        Numbered inputs.
    deaths
        How many workers died over it.
    """

    tasks: tuple[Task, ...]
    deaths: int = 0


class Blocks:
    """Inputs in blocks, taken as they are needed.

    Most workers die because their machine is taken away: a block is tried again as it is. Over
    an image that takes all memory, or crashes a decoder, the next worker dies as well. The images
    are then tried one by one, and one that kills again is given up.

    Parameters
    ----------
    tasks
        Numbered inputs.
    size
        How many make a block.

    Examples
    --------
    >>> from snellen.runs._sources import Item, Location
    >>> blocks = Blocks(((i, Item(Location(f"{i}.png"))) for i in range(3)), 2)
    >>> [len(block.tasks) for block in blocks]
    [2, 1]
    """

    def __init__(self, tasks: Iterable[Task], size: int) -> None:
        self._tasks, self._size = iter(tasks), size
        self._again: deque[Block] = deque()

    def __iter__(self) -> Iterator[Block]:
        while (block := self.take()) is not None:
            yield block

    def take(self) -> Block | None:
        """Return the next block; None if there is none, though one may yet come back."""
        if self._again:
            return self._again.popleft()
        tasks = tuple(islice(self._tasks, self._size))
        return Block(tasks) if tasks else None

    def put_back(self, block: Block) -> None:
        """Take a block back that no worker had begun with."""
        self._again.append(block)

    def died(self, block: Block) -> list[Outcome]:
        """Take a block back over which a worker died; return the outcomes of what is given up."""
        deaths = block.deaths + 1
        if deaths < _LAST_DEATH:
            self._again.append(Block(block.tasks, deaths))
        elif len(block.tasks) > 1:
            self._again.extend(Block((task,)) for task in block.tasks)
        else:
            [(position, item)] = block.tasks
            error = (
                f"{item.image.name}: {deaths} worker processes died while they scored this image "
                "(out of memory, or a crash in a decoder)"
            )
            return [Outcome(position, error=error)]
        return []
