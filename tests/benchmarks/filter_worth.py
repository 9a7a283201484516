"""How often filters of no worth seem to earn, and useful ones are found: python -m tests.benchmarks.filter_worth 1000.

Each race is a world of its own: a teacher that is wrong on a quarter of its rows, validation rows, and two planted
filters at once. Wilson intervals of 95 %.
"""

import sys
from collections import Counter

import numpy as np

from stillhouse.evaluation.significance import accuracy_interval
from tests.support.planted_filters import World, at_random, harmful, make_world, useful, worths_of

DRAWS = 10


def planted(world: World) -> dict[str, dict[str, np.ndarray]]:
    return {
        "two that drop at random": {"tenth": at_random(world, 0.1), "fifth": at_random(world, 0.2)},
        "one that drops wrong labels": {"useful": useful(world), "random": at_random(world, 0.05)},
        "one that drops right labels": {"harmful": harmful(world), "random": at_random(world, 0.05)},
    }


def main(races: int) -> None:
    seen: dict[str, list[dict[str, str]]] = {}
    for seed in range(races):
        world = make_world(10_000 + seed)
        for name, filters in planted(world).items():
            found = worths_of(world, filters, DRAWS)
            seen.setdefault(name, []).append({one: worth.verdict for one, worth in found.items()})
    for name, verdicts in seen.items():
        for one in verdicts[0]:
            print(f"{name}, {one}: {dict(Counter(found[one] for found in verdicts))}")
        wrong = accuracy_interval(
            [any(v == "earns" for one, v in found.items() if one != "useful") for found in verdicts], 0.95
        )
        print(f"{name}: one of no worth seems to earn {wrong.value:.3f} [{wrong.low:.3f}, {wrong.high:.3f}]")


if __name__ == "__main__":
    main(int(sys.argv[1]))
