"""A target of the fuzzer with every kind of fault in it, to see that it finds them."""

import os
import time

from fuzz.trials import OutsideError
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
        if kind == "outside":
            raise OutsideError("values from -1 to 1")

    return trial
