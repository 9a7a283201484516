"""A registry's models, versions and moves as lines for a table."""

from collections.abc import Mapping, Sequence

from stillhouse.registry.aliases import Move
from stillhouse.registry.reference import CHALLENGER, CHAMPION
from stillhouse.registry.registry import ModelRegistry
from stillhouse.registry.version import ModelVersion
from stillhouse.reports.numbers import decimal, interval, metric_name, milliseconds, size

MODELS = ("model", "versions", "champion", "challenger", "other aliases", "newest (UTC)")
VERSIONS = ("version", "aliases", "quality", "latency p50", "weights", "gate", "registered (UTC)", "run")
MOVES = ("when (UTC)", "what", "alias", "from", "to", "who", "why")

_NONE = "–"


def model_line(registry: ModelRegistry, name: str) -> list[str]:
    """Return a model's line under `MODELS`.

    Raises:
        StoreError: the store can't be read, or a version is damaged.
    """
    numbers, aliases = registry.numbers(name), registry.aliases(name)
    newest = registry.find(f"{name}/{numbers[-1]}")
    others = [f"{alias} {number}" for alias, number in sorted(aliases.items()) if alias not in (CHAMPION, CHALLENGER)]
    main = [str(aliases.get(alias, _NONE)) for alias in (CHAMPION, CHALLENGER)]
    return [name, str(len(numbers)), *main, ", ".join(others) or _NONE, _minute(newest.created_at)]


def version_line(version: ModelVersion, aliases: Mapping[str, int]) -> list[str]:
    """Return a version's line under `VERSIONS`."""
    latency = version.measured.latency_ms
    return [
        version.reference,
        ", ".join(sorted(alias for alias, number in aliases.items() if number == version.version)) or _NONE,
        quality_text(version),
        milliseconds(latency.p50 if latency else None),
        size(version.measured.weight_bytes),
        version.gate or _NONE,
        _minute(version.created_at),
        version.run_id,
    ]


def move_line(move: Move) -> list[str]:
    """Return a move's line under `MOVES`."""
    origin = _NONE if move.origin is None else str(move.origin)
    return [_minute(move.when), move.action, move.alias, origin, str(move.target), move.who, move.why]


def detail_lines(version: ModelVersion, aliases: Sequence[str]) -> list[tuple[str, str]]:
    """Return what there is to know of one version, as pairs of a name and a text."""
    student = version.student
    found = [
        ("version", version.reference),
        ("aliases", ", ".join(aliases) or _NONE),
        ("student", f"{version.measured.name}, {version.kind}, {student.stage}/{student.fingerprint[:12]}"),
        *((metric_name(metric), _quality(version, metric)) for metric in version.measured.quality),
        *zip(VERSIONS[3:6], version_line(version, {})[3:6], strict=True),
        *((f"export {key}", f"{ref.stage}/{ref.fingerprint[:12]}") for key, ref in version.exports.items()),
        ("run", version.run_id),
        ("registered", f"{_minute(version.created_at)} UTC by {version.created_by}"),
    ]
    return [(name, text) for name, text in found if text]


def quality_text(version: ModelVersion) -> str:
    """Return a version's primary metric with its interval."""
    return f"{metric_name(version.primary_metric)} {_quality(version, version.primary_metric)}"


def _quality(version: ModelVersion, metric: str) -> str:
    estimate = version.measured.quality.get(metric)
    return f"{decimal(estimate.value)} {interval(estimate.low, estimate.high)}".strip() if estimate else _NONE


def _minute(time: str) -> str:
    """Return an ISO time to the minute, as 2026-11-28 10:15."""
    return time[:16].replace("T", " ")
