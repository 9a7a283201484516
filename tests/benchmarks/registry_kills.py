"""Whether a model has exactly one valid champion and a whole history, however promoters and rollbacks are killed.

    python -m tests.benchmarks.registry_kills [--kills 200] [--store folder|s3] [--seed 0]

Two promoters with caches of their own move the champion of one model at the same time; again and again one of them is
killed by SIGKILL at a random moment, and another starts. `s3` is rclone's server behind a proxy that keeps S3's rules
of conditional writes. After each kill the files are read without Stillhouse's code. Prints the faults found, and what
`stillhouse models rollback` takes.
"""

import argparse
import json
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from tests.benchmarks.registry_promoters import Place, promote_on, register
from tests.support.paths import ROOT
from tests.support.s3.conditions import Conditions
from tests.support.s3.faulty_proxy import FaultyProxy
from tests.support.s3.server import S3Server

PROMOTERS = 2
_KILLS_A_MODEL = 20  # then another model: a history of thousands of moves tells no more
_CONTEXT = multiprocessing.get_context("forkserver")


def main() -> None:
    """Kill and check, print the figures; exits with 1 if a fault was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--store", choices=("folder", "s3"), default="folder")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as servers:
        place = servers.enter_context(opened(asked.store, Path(name)))
        started, faults, moves = time.monotonic(), list[str](), 0
        for first in range(0, asked.kills, _KILLS_A_MODEL):
            model, number = f"m{first}", min(_KILLS_A_MODEL, asked.kills - first)
            faults += kill(place, model, number, seed=asked.seed + first)
            moves += len(read_aliases(place, model)["history"])
        print(f"{asked.store}: {asked.kills} kills, {PROMOTERS} promoters at once, {time.monotonic() - started:.0f} s")
        print(f"{moves} moves in the histories; faults: {len(faults)}")
        print(f"stillhouse models rollback: {time_rollback(place, 'm0'):.1f} s")
        print("\n".join(faults[:20]))
        sys.exit(bool(faults))


@contextmanager
def opened(kind: str, folder: Path) -> Iterator[Place]:
    """Yield a store of that kind."""
    if kind == "folder":
        yield Place(str(folder / "store"), folder / "store", folder)
        return
    (folder / "served").mkdir()
    with S3Server(folder / "served") as server:
        server.client().mkdir("bucket")
        with FaultyProxy(server.port, conditions=Conditions()) as proxy:
            environment = server.environment | {"AWS_ENDPOINT_URL": proxy.address}
            yield Place("s3://bucket/p", folder / "served" / "bucket" / "p", folder, environment)


def kill(place: Place, model: str, kills: int, seed: int) -> list[str]:
    """Have two promoters move `model`, kill one of them `kills` times, and return every fault seen."""
    rng, faults = random.Random(seed), list[str]()
    registered = _CONTEXT.Process(target=register, args=(place, model))
    registered.start()
    registered.join()
    working = [start(place, model, rng) for _ in range(PROMOTERS)]
    try:
        for number in range(kills):
            time.sleep(rng.uniform(0.1, 1.2))
            doomed = rng.randrange(PROMOTERS)
            if not working[doomed].is_alive():
                faults.append(f"{model}, kill {number}: a promoter had ended by itself")
            working[doomed].kill()
            working[doomed].join()
            faults += [f"{model}, kill {number}: {fault}" for fault in faults_of(place, model)]
            working[doomed] = start(place, model, rng)
    finally:
        for one in working:
            one.kill()
            one.join()
    return faults + [f"{model}, at the end: {fault}" for fault in faults_of(place, model)]


def start(place: Place, model: str, rng: random.Random) -> ForkServerProcess:
    """Start a promoter that moves the champion until it is killed."""
    process = _CONTEXT.Process(target=promote_on, args=(place, model, rng.randrange(2**32)))
    process.start()
    return process


def read_aliases(place: Place, model: str) -> dict[str, Any]:
    """Return aliases.json as it lies there; one that rclone is overwriting in place is read again."""
    path, deadline = place.files / "models" / model / "aliases.json", time.monotonic() + 2
    while True:
        try:
            found: dict[str, Any] = json.loads(path.read_text())
            return found
        except (FileNotFoundError, json.JSONDecodeError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def faults_of(place: Place, model: str) -> list[str]:
    """Return what is wrong with a model's champion and history, by the files alone."""
    # first: what is reported after the file was read need not be in it
    reported = [path.read_text().split() for path in place.own.glob(f"{model}-*.log")]
    found = read_aliases(place, model)
    faults = []
    champion = found["aliases"].get("champion")
    version = place.files / "models" / model / "versions" / str(champion) / "version.json"
    if not version.exists() or json.loads(version.read_text())["version"] != champion:
        faults.append(f"the champion is {champion}, which is no version")
    named: dict[str, int | None] = defaultdict(lambda: None)
    for move in found["history"]:
        if move["from"] != named[move["alias"]]:
            faults.append(f"move {move['id']} starts at {move['from']}, where {named[move['alias']]} was named")
        named[move["alias"]] = move["to"]
    if dict(named) != found["aliases"]:
        faults.append(f"the history leads to {dict(named)}, and the aliases are {found['aliases']}")
    ids = [move["id"] for move in found["history"]]
    if len(set(ids)) != len(ids):
        faults.append("a move stands twice in the history")
    for own in reported:
        if [one for one in ids if one in set(own)] != own:
            faults.append("a move that was reported as made is not in the history, or not in its place")
    return faults


def time_rollback(place: Place, model: str) -> float:
    """Return the seconds that the command takes, from its start to its end."""
    environment = {**os.environ, **place.environment, "STILLHOUSE_STORE": place.url, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "deployments.cli", "models"]
    subprocess.run([*command, "promote", f"{model}/2"], env=environment, cwd=ROOT, check=True, capture_output=True)
    subprocess.run([*command, "promote", f"{model}/3"], env=environment, cwd=ROOT, check=True, capture_output=True)
    started = time.monotonic()
    subprocess.run([*command, "rollback", model], env=environment, cwd=ROOT, check=True, capture_output=True)
    return time.monotonic() - started


if __name__ == "__main__":
    # loaded once, before the promoters are forked
    _CONTEXT.set_forkserver_preload(["tests.benchmarks.registry_promoters", "stillhouse.artifacts.s3.backend"])
    main()
