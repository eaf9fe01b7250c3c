"""A few trials of each target of the fuzzer; ``make fuzz N=20000`` runs many."""

from collections import Counter
from random import Random

import pytest
import torch

from fuzz.campaign import Campaign
from fuzz.trials import Outcome, OutsideError, check_values

TRIALS = 200


def test_no_trial_ends_as_none_may():
    campaign = Campaign("fuzz.every", seed=1, timeout=60)
    campaign.run(TRIALS)
    assert campaign.faults == []
    assert campaign.counts.total() == TRIALS
    assert campaign.counts[Outcome.ACCEPTED] > 30
    assert campaign.counts[Outcome.REFUSED] > 30


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1e-6, 1 + 1e-6])
def test_values_outside_are_seen(value):
    image = torch.full((3, 4, 5), 0.5)
    check_values(image)
    image[1, 2, 3] = value
    with pytest.raises(OutsideError, match="values from"):
        check_values(image)


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
