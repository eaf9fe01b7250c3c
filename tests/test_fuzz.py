"""A few trials of each target of the fuzzer; ``make fuzz N=20000`` runs many."""

from collections import Counter
from random import Random

import pytest

from fuzz.campaign import Campaign
from fuzz.targets import TARGETS
from fuzz.trials import Outcome

TRIALS = 40


@pytest.mark.parametrize("target", TARGETS)
def test_no_trial_ends_as_none_may(target):
    campaign = Campaign(target, seed=1, timeout=60)
    campaign.run(TRIALS)
    assert campaign.faults == []
    assert campaign.counts.total() == TRIALS
    assert campaign.counts[Outcome.ACCEPTED] > 0
    assert campaign.counts[Outcome.REFUSED] > 0 or target == "profiles"


def test_every_planted_fault_is_found_and_the_same_by_seed():
    name, count = "tests.planted_faults", 12
    kinds = ("good", "good", "refused", "foreign", "crash", "hang", "outside")
    drawn = Counter(Random(f"{name} 7 {i}").choice(kinds) for i in range(count))
    campaign = Campaign(name, seed=7, timeout=10)
    campaign.run(count)
    assert campaign.counts == {
        Outcome.ACCEPTED: drawn["good"],
        Outcome.REFUSED: drawn["refused"],
        Outcome.FOREIGN: drawn["foreign"],
        Outcome.CRASHED: drawn["crash"],
        Outcome.HUNG: drawn["hang"],
        Outcome.OUTSIDE: drawn["outside"],
    }
    assert min(drawn.values()) > 0
    assert len(campaign.faults) == sum(drawn[k] for k in ("foreign", "crash", "hang", "outside"))
    assert any("KeyError" in fault and "planted_faults" in fault for fault in campaign.faults)
