"""Contents of versions, as a run registers them."""

from typing import Any

from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.registry.version import VersionContent
from stillhouse.reports.schema.report import Report


def content(mark: str = "a", name: str = "demo", **changes: Any) -> VersionContent:
    """Return what a run registers; `mark` is one hexadecimal digit that tells students apart."""
    fields: dict[str, Any] = {
        "name": name,
        "run_id": f"{name}-20261128-10000{int(mark, 16) % 10}-{mark * 8}",
        "kind": "causal_lm",
        "student": ArtifactRef(stage="train", fingerprint=mark * 64),
        "primary_metric": "accuracy",
        "measured": measured(0.7),
        "gate": "passed",
        "recipe": {"name": name, "training": {"epochs": int(mark, 16)}},
        "fingerprints": {"train": mark * 64, "split": "0" * 64},
        "cards": {"model_card.md": f"# {name} {mark}\n"},
    }
    return VersionContent.model_validate(fields | changes)


def measured(accuracy: float) -> dict[str, Any]:
    """Return a model's entry of a report."""
    unknown = (
        "parameters",
        "weight_bytes",
        "peak_memory_bytes",
        "latency_ms",
        "tokens_per_second",
        "requests_per_second",
        "prompt_tokens_mean",
        "cost_usd_per_1k_requests",
    )
    quality = {"accuracy": {"value": accuracy, "low": accuracy - 0.05, "high": accuracy + 0.05, "n": 250}}
    return {"name": "a student", "quality": quality, **dict.fromkeys(unknown)}


def report(mark: str = "a", *, accuracy: float = 0.7, gate: bool | None = True, name: str = "demo") -> Report:
    """Return the report of a run whose student `mark` tells apart; `gate` is whether it passed, None without rules."""
    quality = {"student": measured(accuracy), "teacher": None, "baseline": None}
    unknown = ("quality_retained", "latency_reduction", "memory_reduction", "throughput_ratio", "cost_reduction")
    rules: list[dict[str, Any]] = []
    return Report.model_validate(
        {
            "run_id": f"{name}-20261128-100000-{mark * 8}",
            "recipe": {"name": name},
            "skill": "classification",
            **dict.fromkeys(("data", "generation", "filter", "training")),
            "models": quality,
            "comparison": {"primary_metric": "accuracy", "gain_over_baseline": None, **dict.fromkeys(unknown)},
            "gate": None
            if gate is None
            else {"passed": gate, "verdict": "passed" if gate else "refused", "rules": rules},
            "stages": {"train": {"seconds": 1.0, "cached": False, "fingerprint": mark * 64}},
        }
    )
