"""A run up to the training examples of a recipe that asks in rounds, without Prefect: stages are called as they are."""

import json
from typing import Any

from stillhouse.artifacts.handle import ArtifactRef, Built, S_co
from stillhouse.costs.ledger import budget_usage
from stillhouse.recipe.load import load_recipe
from stillhouse.reports.rounds import rounds_block
from stillhouse.reports.schema.rounds import AskedRounds
from stillhouse.runtime.settings import load_settings
from tasks.asking.rounds import ask_in_rounds
from tasks.convert import load_judge, load_student_bases, load_teachers
from tasks.filter import filter_completions
from tasks.orchestration.params import P
from tasks.orchestration.run import Inputs, Run
from tasks.orchestration.stage import Stage
from tasks.reporting.blocks import generation_of
from tests.support.stages import prepare_rows


class PlainRun(Run):
    """A run that calls the functions of stages itself."""

    def build(
        self, stage: Stage[P, S_co], inputs: Inputs, params: P, *, label: str = "", seconds_before: float = 0.0
    ) -> Built[S_co]:
        """Return the artifact of one stage call, found or built now."""
        given = {name: ref for name, ref in inputs.items() if ref is not None}
        is_cached = self.store.find(stage.name, stage.fingerprint_of(given, params)) is not None
        ref = ArtifactRef.model_validate(
            stage.task.fn(
                {name: one.model_dump() for name, one in given.items()},
                params,
                self.settings,
                label or stage.name,
                False,
            )
        )
        summary = stage.summary_type.model_validate(self.store.record(ref).summary)
        self.built.append(Built(label or stage.name, ref, summary, seconds_before, is_cached))
        return self.built[-1]


def asking_in_rounds(recipe: str) -> dict[str, Any]:
    """Return the report's blocks of rounds and of generation, the stages of the run, and the training examples."""
    with PlainRun(load_recipe(recipe), load_settings(), frozenset(), id="plain") as run:
        rows = prepare_rows(run)
        bases = load_student_bases(run) if run.recipe.rounds_student == "main" else []
        completions = ask_in_rounds(run, load_teachers(run), load_judge(run), bases, rows, None)
        dataset = filter_completions(run, completions, rows)
        block = AskedRounds.model_validate(rounds_block(completions.rounds, run.recipe))
        folder = run.store.fetch(dataset.ref)
        lines = (folder / "train.jsonl").read_text().splitlines()
        return {
            "rounds": block.model_dump(),
            "generation": generation_of(run, completions, dataset),
            "cached": {built.label: built.is_cached for built in run.built},
            "fingerprints": {built.label: built.ref.fingerprint for built in run.built},
            "tokens": budget_usage(run.ledger).tokens,
            "train": [json.loads(line)["prompt"][-1]["content"] for line in lines],
            "dropped": dataset.summary.dropped,
        }
