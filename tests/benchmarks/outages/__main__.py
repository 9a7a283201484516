"""Whether anything that was paid is lost or paid twice: whole runs of `stillhouse run`, by the endpoint's own log.

    python -m tests.benchmarks.outages budget
    python -m tests.benchmarks.outages endpoint [--seconds 600]
    python -m tests.benchmarks.outages store [--seconds 600]
    python -m tests.benchmarks.outages interrupts [--signal SIGINT|SIGTERM] [--moments 20] [--seed 7]

The endpoint is a scripted one on the loopback, the store of `store` a real S3 server that is killed and started again.
Prints one line a step, and last the figures with their bound; the exit code is 1 if that is missed.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.outages.away import endpoint_away, store_away
from tests.benchmarks.outages.budget import budget
from tests.benchmarks.outages.interrupts import interrupts


def main() -> None:
    """Show one of the four in a temporary folder."""
    arguments = parse()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.what == "budget":
            is_met = budget(folder)
        elif arguments.what == "endpoint":
            is_met = endpoint_away(folder, arguments.seconds)
        elif arguments.what == "store":
            is_met = store_away(folder, arguments.seconds)
        else:
            is_met = interrupts(folder, arguments.signal, arguments.moments, arguments.seed)
    sys.exit(0 if is_met else 1)


def parse() -> argparse.Namespace:
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["budget", "endpoint", "store", "interrupts"])
    parser.add_argument("--seconds", type=float, default=600.0, help="for which the endpoint or the store is away")
    parser.add_argument("--signal", choices=["SIGINT", "SIGTERM"], default="SIGINT")
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--seed", type=int, default=7, help="of the moments")
    return parser.parse_args()


if __name__ == "__main__":
    main()
