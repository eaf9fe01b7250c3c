"""``python -m fuzz -n 20000``: so many trials of each target, and a table of how they ended."""

import argparse
import sys
import time

from fuzz.campaign import Campaign
from fuzz.targets import TARGETS
from fuzz.trials import Outcome


def main() -> int:
    """Run the campaigns; the exit status is 1 if any trial ended as none may."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("-n", type=int, default=2000, help="trials of each target")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds before a trial hangs")
    parser.add_argument("targets", nargs="*", metavar="target", help=f"of {', '.join(TARGETS)}")
    given = parser.parse_args()
    if unknown := set(given.targets) - set(TARGETS):
        parser.error(f"no target {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    print("| target | trials | " + " | ".join(Outcome) + " | seconds |")
    print("|---" * (len(Outcome) + 3) + "|")
    faulty = False
    for target in given.targets or TARGETS:
        campaign, start = Campaign(target, given.seed, given.timeout), time.monotonic()
        campaign.run(given.n)
        numbers = " | ".join(f"{campaign.counts[outcome]:,}" for outcome in Outcome)
        seconds = time.monotonic() - start
        print(f"| {target} | {given.n:,} | {numbers} | {seconds:.0f} |", flush=True)
        print("".join(f"{fault}\n" for fault in campaign.faults), end="", file=sys.stderr)
        faulty |= campaign.faulty
    return int(faulty)


if __name__ == "__main__":
    sys.exit(main())
