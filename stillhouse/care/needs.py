"""What of a store is needed, and so what can go.

A thing is needed if a kept run, a run under way, a model's version, a recipe in use or anything young names it, also by
way of others.
"""

import re
from collections.abc import Iterable, Set
from dataclasses import dataclass
from graphlib import TopologicalSorter

from stillhouse.care.inventory import Inventory, Item, hashes_in

_OF_A_RUN = re.compile(r"runs:/([\w-][\w.-]*)")
_STARTED = re.compile(r"-(\d{8}-\d{6})-[0-9a-f]+$")
# a model's answers to the test rows, which no run's files name: without them the next run asks the model again
_ANSWERS = "answers"
# the same of a teacher that is paid; with its times, which the completions don't hold
_PAID = "evaluate_teacher"


@dataclass(frozen=True)
class Rules:
    """What is to stay."""

    older_than_s: float  # nothing younger goes
    keep_runs: int | None = None  # runs kept of each recipe, the newest; None: all
    with_completions: bool = False  # whether completions and measurements that nothing needs go too
    recipes: tuple[str, ...] = ()  # texts of recipes in use


@dataclass(frozen=True)
class Choice:
    """What goes, in the order of deletion, and what stays of the same kinds."""

    going: list[Item]
    kept: list[Item]
    unneeded_completions: list[Item]  # they stay unless the rules say otherwise


def choose(stock: Inventory, rules: Rules) -> Choice:
    """Return what goes by `rules`.

    Raises:
        StoreError: the store can't be read.
    """
    limit = stock.now - rules.older_than_s
    runs, said = _kept_runs(stock, rules, limit)
    needed = _needed(stock, rules, said, limit)
    in_use = hashes_in("\n".join(stock.under_way.values()))
    parts = [*stock.remains, *stock.results, *stock.notes, *(one for one in stock.attempts if not in_use & one.hashes)]
    completions = _unneeded_completions(stock, needed, limit)
    going = [
        *(one for run_id, one in stock.runs.items() if run_id not in runs),
        *(one for one in parts if one.written <= limit),
        *(stock.artifacts[name] for name in _dependents_first(stock, stock.artifacts.keys() - needed)),
        *(completions if rules.with_completions else []),
    ]
    gone = set(going)
    everything = [*stock.runs.values(), *stock.artifacts.values(), *stock.completions.values()]
    return Choice(going, [one for one in everything if one not in gone], completions)


def _needed(stock: Inventory, rules: Rules, said: list[str], limit: float) -> set[str]:
    """Return the hashes of all that is needed, artifacts and teachers; `said` is what the kept runs say."""
    roots = hashes_in("\n".join([*said, stock.models, *stock.under_way.values()]))
    roots |= {name for name, one in stock.artifacts.items() if one.written > limit}
    if rules.with_completions:
        return _with_inputs(stock, roots)
    needed = _with_inputs(stock, roots | {name for name, one in stock.artifacts.items() if one.kind == _PAID})
    unneeded = stock.artifacts.keys() - needed
    answers = {name for name in unneeded if stock.artifacts[name].kind == _ANSWERS}
    # those of a student go with it
    return needed | {name for name in answers if not (hashes_in(stock.records[name]) & unneeded) - {name}}


def _kept_runs(stock: Inventory, rules: Rules, limit: float) -> tuple[set[str], list[str]]:
    """Return the ids of the runs that stay, and all that these and the recipes in use say."""
    waiting = [run_id for run_id, one in stock.runs.items() if rules.keep_runs is None or one.written > limit]
    waiting += [*stock.marked, *_newest(stock.runs, rules.keep_runs or 0), *_named(rules.recipes)]
    kept: set[str] = set()
    said = []
    while waiting:
        run_id = waiting.pop()
        if run_id in stock.runs and run_id not in kept:
            kept.add(run_id)
            said.append(stock.run_text(run_id))
            waiting += _named(said[-1:])
    return kept, said


def _newest(runs: Iterable[str], number: int) -> list[str]:
    """Return the ids of each recipe's newest runs; an id of another form counts as the oldest."""
    by_recipe: dict[str, list[tuple[str, str]]] = {}
    for run_id in runs:
        started = _STARTED.search(run_id)
        by_recipe.setdefault(_STARTED.sub("", run_id), []).append((started[1] if started else "", run_id))
    return [run_id for own in by_recipe.values() for _, run_id in sorted(own, reverse=True)[:number]]


def _named(texts: Iterable[str]) -> list[str]:
    return [run_id for text in texts for run_id in _OF_A_RUN.findall(text)]


def _with_inputs(stock: Inventory, names: set[str]) -> set[str]:
    """Return all hashes that `names` and the records of artifacts among them name, and those by way of these."""
    found: set[str] = set()
    waiting = set(names)
    while waiting:
        found |= waiting
        waiting = {name for one in waiting for name in hashes_in(stock.records.get(one, ""))} - found
    return found


def _dependents_first(stock: Inventory, names: Set[str]) -> list[str]:
    """Return the artifacts so that each goes before those that its record names."""
    graph = {name: (hashes_in(stock.records[name]) & names) - {name} for name in sorted(names)}
    return list(TopologicalSorter(graph).static_order())[::-1]


def _unneeded_completions(stock: Inventory, needed: set[str], limit: float) -> list[Item]:
    if stock.under_way:
        return []  # a run notes its artifacts, not yet its teachers
    return [
        one
        for teacher, one in stock.completions.items()
        if teacher not in needed | stock.tickets and one.written <= limit
    ]
