"""What differs between two runs: recipe, stages and qualities, out of their report.json."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from stillhouse.evaluation.roles import ModelRole
from stillhouse.reports.run_lines import estimate_text

Report = Mapping[str, Any]
Change = tuple[str, str, str]  # what, in the first run, in the second

_NONE = "–"
_SPLIT = "split"  # the stage that decides which rows are test rows


@dataclass(frozen=True)
class Difference:
    """What differs; each change has a name, and a text of the first and of the second run."""

    recipe: list[Change]
    stages: list[Change]
    qualities: list[Change]
    has_same_rows: bool  # whether both are known to be measured on the same test rows


def difference(first: Report, second: Report) -> Difference:
    """Return what differs between two runs, in the order of their reports."""
    return Difference(
        _changes(dict(_leaves(first["recipe"])), dict(_leaves(second["recipe"]))),
        _changes(_fingerprints(first), _fingerprints(second)),
        _qualities(first, second),
        _SPLIT in _fingerprints(first) and _fingerprints(first)[_SPLIT] == _fingerprints(second).get(_SPLIT),
    )


def _changes(first: Mapping[str, str], second: Mapping[str, str]) -> list[Change]:
    names = dict.fromkeys((*first, *second))
    return [
        (name, first.get(name, _NONE), second.get(name, _NONE)) for name in names if first.get(name) != second.get(name)
    ]


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every value of a recipe as YAML, by its dotted path."""
    inner: Any = ()
    if isinstance(value, Mapping) and value:
        inner = value.items()
    elif isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
        inner = enumerate(value)
    for name, one in inner:
        yield from _leaves(one, f"{path}.{name}" if path else str(name))
    if not inner:
        text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10**6)
        yield path, text.removesuffix("\n").removesuffix("\n...")


def _fingerprints(report: Report) -> dict[str, str]:
    stages = report.get("stages") or {}
    return {name: stage["fingerprint"][:12] for name, stage in stages.items() if stage.get("fingerprint")}


def _qualities(first: Report, second: Report) -> list[Change]:
    """Return the first metric of each model that one of them measured, also where it is equal."""

    def text(report: Report, role: ModelRole) -> str:
        return estimate_text(report, role, report["comparison"]["primary_metric"])

    measured = [
        role
        for role in ModelRole
        if role is not ModelRole.BASELINE and any(report["models"].get(role) for report in (first, second))
    ]
    return [(role.label, text(first, role), text(second, role)) for role in measured]
