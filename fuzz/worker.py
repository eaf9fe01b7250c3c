"""The process in which trials run: ``python -m fuzz.worker TARGET SEED START STOP``.

It writes to standard output that it is ready, then a line for each trial: its number, its outcome,
and what was said.
"""

import faulthandler
import logging
import os
import resource
import sys
import traceback
import warnings
from random import Random

from fuzz.targets import trial_of
from fuzz.trials import Outcome, OutsideError, Trial
from snellen.errors import SnellenError

_MEMORY = 8 << 30


def main(target: str, seed: str, start: int, stop: int) -> None:
    """Run the trials from `start` to `stop` - 1."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print is no answer
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    trial = trial_of(target)
    answers.write("ready\n")
    for number in range(start, stop):
        outcome, said = run(trial, Random(f"{target} {seed} {number}"))
        answers.write(f"{number}\t{outcome}\t{said}\n")


def run(trial: Trial, random: Random) -> tuple[Outcome, str]:
    """Run one trial and say how it ended."""
    try:
        trial(random)
    except SnellenError as error:
        return Outcome.REFUSED, "" if "\n" not in str(error) else "several lines"
    except OutsideError as error:
        return Outcome.OUTSIDE, str(error)
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{place.filename}:{place.lineno}"
        said = f"{type(error).__name__} at {where}: {error}"
        return Outcome.FOREIGN, " ".join(said.split())[:300]
    return Outcome.ACCEPTED, ""


if __name__ == "__main__":
    status = 1
    try:
        main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)  # a server in a thread is not waited for
