"""What differs between two versions: recipe, stages and measured qualities."""

from typing import Any

from stillhouse.registry.version import ModelVersion
from stillhouse.reports.run_difference import Difference, difference


def version_difference(first: ModelVersion, second: ModelVersion) -> Difference:
    """Return what differs, as between the runs that registered them."""
    return difference(_as_report(first), _as_report(second))


def _as_report(version: ModelVersion) -> dict[str, Any]:
    """Return a version with the keys of report.json, its model as the student whatever part it had in its run."""
    return {
        "recipe": version.recipe,
        "stages": {label: {"fingerprint": fingerprint} for label, fingerprint in version.fingerprints.items()},
        "comparison": {"primary_metric": version.primary_metric},
        "models": {"student": version.measured.model_dump(mode="json")},
    }
