"""The targets by name."""

import importlib

from fuzz.trials import Trial

TARGETS = {
    "decoder": "fuzz.decoder",
    "profiles": "fuzz.profiles",
    "downloads": "fuzz.downloads",
    "tables": "fuzz.tables",
    "tar": "fuzz.tars",
}


def trial_of(target: str) -> Trial:
    """Import a target, or any module with a function ``prepare``, and prepare its trials."""
    trial: Trial = importlib.import_module(TARGETS.get(target, target)).prepare()
    return trial
