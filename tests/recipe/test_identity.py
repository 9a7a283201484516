import json
import typing
from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel

from stillhouse.config import identity, is_execution
from stillhouse.recipe.encoder_student import EncoderTuning
from stillhouse.recipe.gate import Ceilings
from stillhouse.recipe.load import load_recipe, parse_recipe
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.teaching.attention import Attention
from stillhouse.recipe.teaching.hidden_states import HiddenStates
from stillhouse.recipe.teaching.logits import LogitsSettings
from stillhouse.recipe.teaching.on_policy import OnPolicy
from tests.support.builders import make_recipe_fields

_SOURCE = {"path", "format", "columns.text", "columns.messages", "columns.id", "columns.reference", "columns.label"}
_LATER = ("system", "tools", "premise", "hypothesis", "context", "group")
_ROLES = ("train", "examples", "test", "validation")
# They are identity if they are set. Unset, they leave a recipe the fingerprints that it had before they existed.
IF_SET = {
    *(f"data.{role}.columns.{name}" for role in _ROLES for name in _LATER),
    *(f"data.validation.{name}" for name in _SOURCE),  # so is the whole section
    *(f"filters.{name}" for name in ("too_long", "check_labels", "hard_share", "min_probability")),
    *(f"data.{role}.{name}" for role in _ROLES for name in ("encoding", "delimiter")),
    *(
        f"data.{name}"
        for name in ("exact_duplicates", "near_duplicate_similarity", "test_similarity", "test_run_words")
    ),
    *(f"routing.{name}" for name in ("kind", "column", "teachers", "default")),
    *(f"mixing.{name}" for name in ("kind", "by")),
    *(
        f"gate.rules.{kind}.{name}"
        for kind, names in (
            ("not_worse_than", ("model", "metric", "margin")),
            ("better_than", ("model", "metric")),
            ("at_most", tuple(Ceilings.model_fields)),
        )
        for name in names
    ),
    *(f"gate.rules.{name}" for name in ("contamination_free", "min_test_rows")),
    *(f"gate.exports.{name}" for name in ("min_agreement", "max_loss")),  # so is the whole section
    *(f"export.{name}" for name in ("format", "precision", "student")),
    "filters.min_judge_score",
    "evaluation.time_teacher",
    "training.kind",
    "training.reasoning",
    *(
        f"{section}.cut.{name}"
        for section in ("student", "students")
        for name in (
            *("layers", "feed_forward", "heads", "embeddings", "sample"),
            *("correction.steps", "correction.learning_rate"),
        )
    ),
    *(f"training.preferences.{name}" for name in ("loss", "beta", "epochs", "learning_rate")),
    *(f"training.preferences.pairs.{name}" for name in ("by", "least_margin", "per_prompt", "least")),
    *(f"training.reasoning_mix.{name}" for name in ("long", "short", "place", "max_tokens", "seed")),
    "training.optimizer",
    "training.weights",
    *(
        f"rounds.{name}"  # so is the whole section
        for name in (
            *("count", "first", "prompts_per_round", "choose", "student", "unsure_by"),
            *("pool", "max_similarity", "samples_where_failed", "failed_temperature"),
            *("min_gain", "gain_per", "gain_by", "seed"),
        )
    ),
    "second_opinion.weight",  # so is the whole section
    *(f"training.logits.{name}" for name in LogitsSettings.model_fields),
    *(f"training.on_policy.{name}" for name in OnPolicy.model_fields),
    *(f"training.hidden_states.{name}" for name in HiddenStates.model_fields),
    *(f"training.attention.{name}" for name in Attention.model_fields),
    "training.soft_labels.weight",
    "training.soft_labels.temperature",
    *(
        f"{model}.{name}"
        for model in ("teachers", "judge", "student")
        for name in ("chat_template_kwargs", "template_date")
    ),
    *(
        f"{section}.{name}"
        for section in ("student", "students")
        for name in ("kind", "training", *(f"encoder.{field}" for field in EncoderTuning.model_fields))
    ),
    # so is the whole section
    *(
        f"students.{name}"
        for name in ("model", "revision", "layers", "chat_template", "chat_template_kwargs", "template_date")
    ),
    *(f"judge.{name}" for name in ("model", "revision", "dtype", "quantization", "against", "criteria")),
    *(f"judge.{name}" for name in ("pair_instruction", "score_instruction", "show_reference")),
    *(f"judge.endpoint.{name}" for name in ("provider", "serves", "offers", "extra_body")),
    *(
        f"judge.sampling.{name}"
        for name in ("n", "temperature", "top_p", "top_k", "max_tokens", "stop", "seed", "logprobs")
    ),
}

# Where or how fast a run is, and names that are only recorded: these fields change no result. A new field is in neither
# set: decide to which it belongs.
KEPT_OUT = {
    "name",
    "sweep",  # what else is tried; the winner is a recipe without it
    "gate.approval",  # who promotes, not what is promoted
    "data.train.licence",
    "data.examples.licence",
    "data.test.licence",
    "data.validation.licence",
    "data.max_quarantined",  # whether a run goes on, not what it reads
    "teachers.name",
    "rounds.share_of_budget",
    "evaluation.slices",
    "evaluation.cascade_max_cost",  # how the report reads what was measured
    "evaluation.teacher",  # what it is stands in each stage that asks it
    *("teachers.price", "judge.price"),
    "costs",
    "budget",
    "race",  # what is compared; each contestant is a recipe with an identity of its own
    "teachers.replicas",
    *(f"{section}.{name}" for section in ("teachers", "judge") for name in ("licence", "accept_terms", "engine")),
    *(
        f"{section}.endpoint.{name}"
        for section in ("teachers", "judge")
        for name in (
            "base_url",  # what it says of the model enters the teacher's fingerprint, see test_endpoint.py
            "api_key_env",
            *("headers", "headers_from_env"),
            "personal_data",  # its effect is identity of the stages that ask, see test_redaction.py
            "concurrency",
            "requests_per_minute",
            "tokens_per_minute",
            "timeout_s",
            "stream",
            "max_attempts",
            "patience_s",
            "segment_seconds",
            "batch",
            "execution",
        )
    ),
    *(f"{section}.{name}" for section in ("student", "students") for name in ("name", "licence")),
    "training.execution",
    "evaluation.engine",
    "evaluation.encoder",  # its files are identity of the stage `alternatives`, see test_alternatives.py
}

IDENTITY = {
    *(f"skill.{name}" for name in ("kind", "labels", "instruction", "student_instruction")),
    *(f"data.{role}.{name}" for role in ("train", "examples", "test") for name in _SOURCE),
    *(
        f"data.{name}"
        for name in (
            "validation_fraction",
            "test_fraction",
            "max_train_rows",
            "max_test_rows",
            "max_prompt_chars",
            "conflicting_labels",
            "personal_data",
            "languages",
        )
    ),
    *(f"data.balance.{name}" for name in ("by", "method", "cap", "temperature", "clusters", "seed")),
    *(f"teachers.{name}" for name in ("model", "revision", "dtype", "quantization", "calibration")),
    *(f"teachers.endpoint.{name}" for name in ("provider", "serves", "offers", "extra_body")),
    *(
        f"teachers.prompt.{name}"
        for name in (
            "system",
            "examples",
            "selection",
            "retriever",
            "seed",
            "layout",
            "input_name",
            "output_name",
        )
    ),
    *(
        f"teachers.sampling.{name}"
        for name in ("n", "temperature", "top_p", "top_k", "max_tokens", "stop", "seed", "logprobs")
    ),
    *(f"teachers.output.{name}" for name in ("kind", "choice", "regex", "json_schema")),
    *(
        f"filters.{name}"
        for name in (
            "truncated",
            "empty",
            "refused",
            "repetitive",
            "max_repetition",
            "languages",
            "unparsable",
            "verification",
            "min_agreement",
            "min_mean_logprob",
            "near_duplicate_threshold",
            "min_success_ratio",
        )
    ),
    *(f"student.{name}" for name in ("model", "revision", "layers", "chat_template")),
    *(
        f"training.{name}"
        for name in (
            "method",
            "lora.r",
            "lora.alpha",
            "lora.dropout",
            "lora.target_modules",
            "epochs",
            "max_steps",
            "learning_rate",
            "warmup_ratio",
            "scheduler",
            "batch_size",
            "gradient_accumulation",
            "weight_decay",
            "max_length",
            "packing",
            "precision",
            "seed",
            "evaluate_every",
            "save_every",
            "early_stopping_patience",
            "use_references",
        )
    ),
    *(
        f"evaluation.{name}"
        for name in (
            "metrics",
            "confidence",
            "resamples",
            "seed",
            "max_tokens",
            "latency_requests",
            "warm_requests",
            "concurrency",
            "student_dtype",
            "no_teacher_alternatives",
        )
    ),
    *(f"gate.{name}" for name in ("rules.metric", "rules.op", "rules.bound")),
}


def model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in typing.get_args(annotation) if (found := model_in(part))), None)


def walk(model: type[BaseModel], prefix: str = "") -> tuple[set[str], set[str]]:
    """Return the dotted names of the fields in and out of the identity."""
    inside: set[str] = set()
    outside: set[str] = set()
    for name, field in model.model_fields.items():
        if is_execution(model, name):
            outside.add(prefix + name)
        elif (inner := model_in(field.annotation)) is not None:
            deeper_in, deeper_out = walk(inner, f"{prefix}{name}.")
            inside |= deeper_in
            outside |= deeper_out
        else:
            inside.add(prefix + name)
    return inside, outside


def test_recipe_fields_are_each_identity_or_kept_out():
    inside, outside = walk(Recipe)
    assert outside == KEPT_OUT
    assert inside == IDENTITY | IF_SET


def test_identity_has_exactly_the_identity_fields():
    content = make_recipe_fields()
    content["data"]["examples"] = content["data"]["test"] = content["data"]["train"]
    content["gate"] = {"rules": [{"metric": "a", "bound": 1}]}
    content["teachers"][0] |= {"endpoint": {"provider": "openai"}, "accept_terms": "openai"}
    recipe = parse_recipe(content)

    def leaves(value: Any, prefix: str = "") -> set[str]:
        if isinstance(value, list) and value and isinstance(value[0], dict):
            value = value[0]
        if isinstance(value, dict) and value:
            return {leaf for name, item in value.items() for leaf in leaves(item, f"{prefix}.{name}")}
        return {prefix[1:]}

    assert leaves(identity(recipe)) == IDENTITY


@pytest.mark.parametrize(
    "overrides",
    [
        {"teachers.0.engine.max_num_seqs": 3},
        {"teachers.0.replicas": 3},
        {"training.execution.device": "cuda"},
        {"evaluation.engine.mode": "compiled"},
        {"name": "other"},
        {"student.licence": "MIT"},
    ],
)
def test_identity_execution_and_provenance_do_not_change_it(overrides):
    assert identity(load_recipe("demo", overrides)) == identity(load_recipe("demo"))


def test_identity_another_seed_changes_it():
    assert identity(load_recipe("demo", {"training.seed": 1})) != identity(load_recipe("demo"))


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes"])
def test_identity_without_stable_serialisation_is_refused(value):
    with pytest.raises(TypeError, match="no stable serialisation"):
        identity({"field": value})


def test_recipe_schema_is_valid_and_accepts_a_recipe():
    schema = json.loads(json.dumps(Recipe.model_json_schema()))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(make_recipe_fields())
    assert not validator.is_valid(make_recipe_fields() | {"teacher": {}})
