"""All targets at once, drawn by chance: for a few trials, in one process."""

from random import Random

from fuzz.targets import TARGETS, trial_of
from fuzz.trials import Trial


def prepare() -> Trial:
    """Prepare all targets; a trial is one of theirs."""
    trials = [trial_of(target) for target in TARGETS]

    def trial(random: Random) -> None:
        random.choice(trials)(random)

    return trial
