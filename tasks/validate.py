"""Drops rows that no stage can use, each with its reason."""

from collections.abc import Mapping
from typing import Annotated

from stillhouse.artifacts.handle import Built
from stillhouse.data.drop_messages import log_drops
from stillhouse.data.labels import log_one_sided
from stillhouse.data.summaries import ReadSummary, ValidateSummary
from stillhouse.recipe.data import Data, Role
from stillhouse.skills.registry import AnySkill
from tasks.orchestration.params import Execution, Params, only
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage

_RULES = (
    "max_prompt_chars",
    "exact_duplicates",
    "near_duplicate_similarity",
    "conflicting_labels",
    "personal_data",
    "languages",
)


class ValidateParams(Params):
    """The recipe's rules for rows, and the labels that are known."""

    data: Annotated[Data, only(*_RULES, alias="rules")]
    kind: str
    labels: tuple[str, ...]
    skill: Execution[AnySkill]


@stage("validate", version=5)
def validate(call: StageCall[ValidateParams]) -> ValidateSummary:
    """Write rows.parquet with the rows of all sources that pass, and dropped.parquet with the others."""
    # imported here: a run that finds its artifact need not wait for polars and phone numbers
    from stillhouse.data.validate import validate as write_valid_rows

    return write_valid_rows(call.folders, call.params.data, call.params.skill, call.work.folder)


def validate_rows(run: Run, sources: Mapping[Role, Built[ReadSummary]]) -> Built[ValidateSummary]:
    """Return the rows of all sources that pass every rule."""
    data, skill = run.recipe.data, run.recipe.skill
    params = ValidateParams(data=data, kind=skill.kind, labels=skill.known_labels, skill=skill)
    built = run.build(validate, {role: source.ref for role, source in sources.items()}, params)
    log_one_sided(built.summary.one_sided)
    log_drops("validate", built.summary.dropped, built.summary.examples_dropped)
    return built
