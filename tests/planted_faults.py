"""A target of the fuzzer with every kind of fault in it, to see that it finds them."""

import os
import time

import torch

from fuzz.trials import check_values
from snellen.errors import ImageError


def prepare():
    def trial(random):
        kind = random.choice(("good", "good", "refused", "foreign", "crash", "hang", "outside"))
        if kind == "refused":
            raise ImageError("as it should be")
        if kind == "foreign":
            raise KeyError("nobody expected this")
        if kind == "crash":
            os.abort()
        if kind == "hang":
            time.sleep(60)
        value = float("nan") if kind == "outside" else 0.5
        check_values(torch.full((3, 2, 2), value))

    return trial
