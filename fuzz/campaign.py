"""A campaign: many trials of one target, in processes that may die or hang without harm."""

import selectors
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from fuzz.trials import FAULTS, Outcome

_SECONDS_TO_START = 300.0
ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Campaign:
    """What came of the trials of one target.

    Parameters
    ----------
    target
        One of ``TARGETS``, or a module with a function ``prepare``.
    seed
        Same seed, same trials.
    timeout
        Seconds after which a trial counts as hanging.
    """

    target: str
    seed: int
    timeout: float = 30.0
    counts: Counter[Outcome] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def run(self, count: int) -> None:
        """Run so many trials; a process that dies or hangs costs its own trial only."""
        done = 0
        while done < count:
            done = self._run_from(done, count)

    @property
    def faulty(self) -> bool:
        """Whether any trial ended as none may."""
        return any(self.counts[outcome] for outcome in FAULTS)

    def _run_from(self, start: int, count: int) -> int:
        """Run a process from a trial on; returns the one after the last that ended, somehow."""
        command = [sys.executable, "-m", "fuzz.worker", self.target, str(self.seed), str(start),
                   str(count)]  # fmt: skip
        with (
            tempfile.TemporaryFile() as noise,
            subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=noise) as process,
        ):
            assert process.stdout is not None
            done, hung = self._read(process.stdout, start)
            if hung:
                process.kill()
            process.wait()
            if done >= count:
                return done
            noise.seek(max(0, noise.seek(0, 2) - 2000))
            last = noise.read().decode(errors="replace").strip().splitlines()
        if done == start and not hung and process.returncode == 1:
            raise RuntimeError(f"the worker does not start: {' '.join(last[-3:])}")
        outcome = Outcome.HUNG if hung else Outcome.CRASHED
        self._count(done, outcome, f"exit status {process.returncode}; {' '.join(last[-3:])}")
        return done + 1

    def _read(self, stream: IO[bytes], number: int) -> tuple[int, bool]:
        """Count answers until there are no more, or none comes in time."""
        with selectors.DefaultSelector() as selector:
            selector.register(stream, selectors.EVENT_READ)
            rest, patience = b"", _SECONDS_TO_START
            while selector.select(patience):
                data = stream.read1(1 << 16)  # type: ignore[attr-defined]
                if not data:
                    return number, False
                *lines, rest = (rest + data).split(b"\n")
                patience = self.timeout
                for line in lines:
                    if line == b"ready":
                        continue
                    told, outcome, said = line.decode().split("\t", 2)
                    self._count(int(told), Outcome(outcome), said)
                    number = int(told) + 1
        return number, True

    def _count(self, number: int, outcome: Outcome, said: str) -> None:
        self.counts[outcome] += 1
        if outcome in FAULTS:
            self.faults.append(f"{self.target} {self.seed} {number}: {outcome}: {said}")
