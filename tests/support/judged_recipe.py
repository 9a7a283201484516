"""A recipe with a judge, and a flow up to the training examples that the judge chose."""

from pathlib import Path
from typing import Any

import yaml
from prefect import flow

from stillhouse.recipe.load import load_recipe
from stillhouse.runtime.settings import load_settings
from tasks.convert import load_judge, load_teachers
from tasks.filter import filter_completions
from tasks.judge import score_completions
from tasks.mix import generate_completions
from tasks.orchestration.preflight import start_run
from tests.support.api.server import FaultyServer
from tests.support.model_folder import write_model_folder
from tests.support.paths import ROOT
from tests.support.stages import prepare_rows

RECIPES = ROOT / "deployments" / "recipes"


def write_judged_recipe(folder: Path, address: str, judge: dict[str, Any] | None = None, **changes: Any) -> str:
    """Write the shipped conversation recipe with a teacher and a judge at `address`; return its path."""
    fields = yaml.safe_load((RECIPES / "conversation.yaml").read_text())
    for source in (fields["data"][role] for role in ("train", "examples", "test")):
        source["path"] = str(RECIPES / source["path"])
    endpoint = {"provider": "openai", "base_url": address, "serves": "test", "segment_seconds": 0.2, "max_attempts": 2}
    fields["teachers"] = [{"model": "the-teacher", "accept_terms": "openai", "endpoint": endpoint}]
    fields["student"] |= {"model": "owner/student", "revision": "c" * 40}
    fields["judge"] = {"model": "the-judge", "endpoint": endpoint, **(judge or {})}
    fields["filters"] = {"min_success_ratio": 0.0}
    fields |= changes
    (folder / "recipe.yaml").write_text(yaml.safe_dump(fields))
    return str(folder / "recipe.yaml")


def write_local_model(folder: Path) -> str:
    """Write the files of a model for the scripted engine; return its path."""
    return str(write_model_folder(folder / "judge"))


@flow(name="scoring", persist_result=False)
def scoring(recipe: str, *refresh: str) -> dict[str, Any]:
    with start_run(load_recipe(recipe), load_settings(), refresh) as run:
        rows = prepare_rows(run)
        completions = generate_completions(run, load_teachers(run), rows)
        scores = score_completions(run, load_judge(run), completions, rows)
        dataset = filter_completions(run, completions, rows, scores)
        return {
            "stages": [built.label for built in run.built],
            "judge": scores.summary.to_record() if scores else {},
            "scores": str(run.store.fetch(scores.ref)) if scores else "",
            "filter": dataset.summary.to_record(),
            "dataset": str(run.store.fetch(dataset.ref)),
            "fingerprint": dataset.ref.fingerprint,
        }


def prompts_to(server: FaultyServer, model: str) -> list[str]:
    return [str(body["messages"]) for body in server.bodies() if body["model"] == model]
