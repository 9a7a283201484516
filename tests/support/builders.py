"""Rows, completions and recipes for tests: each builder's result is valid, and a test names what matters to it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from stillhouse.artifacts.handle import ArtifactRef, Built, StageSummary
from stillhouse.completions.completion import Completion
from stillhouse.data.row import Row, content_sha256
from stillhouse.errors import RecipeError
from stillhouse.filters.candidate import Candidate
from stillhouse.recipe.load import parse_recipe
from stillhouse.recipe.terms import forbidding_terms

TEACHER = "t" * 64
SMALL = {"name": "small", "model": "owner/small-1B"}
LARGE = {"name": "large", "model": "owner/large-70B"}


def make_row(row_id: str, *references: str, text: str = "", **fields: Any) -> Row:
    """A row as `read` writes it: one user message, and its first reference as its label."""
    messages = [{"role": "user", "content": text or f"message {row_id}"}]
    return {
        "id": row_id,
        "content_sha256": content_sha256(messages),
        "messages": messages,
        "references": list(references),
        "label": references[0] if references else None,
        "source": "train",
        "meta": "{}",
    } | fields


def make_completion(text: str = "billing", finish_reason: str = "stop", **fields: Any) -> Completion:
    """A completion as the store keeps it."""
    values = {
        "key": f"key of {text}",
        "text": text,
        "finish_reason": finish_reason,
        "prompt_tokens": 12,
        "completion_tokens": 1,
        "seconds": 0.25,
        "teacher": TEACHER,
        "created": "2026-01-01T00:00:00+00:00",
    }
    return Completion.model_validate(values | fields)


def make_candidate(
    text: str = "some text",
    finish_reason: str = "stop",
    *,
    logprob: float | None = None,
    answer: str | None = None,
    agrees: bool | None = None,
    is_prose: bool = True,
    is_closed: bool = False,
) -> Candidate:
    """A completion of two tokens as the filters see it; the references of its row are "gold" and "au"."""
    completion = make_completion(text, finish_reason, completion_tokens=2, cumulative_logprob=logprob)
    return Candidate(make_row("1", "gold", "au"), completion, answer, agrees, is_prose, is_closed=is_closed)


def make_completion_line(row_id: str, text: str, scores: list[float] | None = None, **fields: Any) -> dict[str, Any]:
    """A completion as a line of the artifact of `generate`."""
    return {
        "row_id": row_id,
        "sample_index": 0,
        "key": f"key {row_id}",
        "text": text,
        "finish_reason": "stop",
        "prompt_tokens": 5,
        "completion_tokens": 2,
        "cumulative_logprob": -0.2,
        "label_scores": scores,
        "teacher": "t",
    } | fields


def make_recipe_fields(*teachers: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The fields of a smallest recipe, with one local teacher unless others are given."""
    return {
        "name": "tiny",
        "skill": {"labels": ["a", "b"]},
        "data": {"train": {"path": "rows.jsonl", "columns": {"text": "text"}}},
        "teachers": list(teachers) or [{"model": "./teacher"}],
        "student": {"model": "owner/student"},
    } | fields


def make_routed_fields(*teachers: dict[str, Any], label: str | None = None, **fields: Any) -> dict[str, Any]:
    """The fields of a recipe with two teachers, `SMALL` and `LARGE`, unless others are given."""
    content = make_recipe_fields(*(teachers or (SMALL, LARGE)), **fields)
    content["data"]["train"]["columns"]["label"] = label
    return content


def make_api_teacher(provider: str = "deepseek", **endpoint: Any) -> dict[str, Any]:
    """The fields of a teacher behind an API."""
    terms = forbidding_terms("deepseek-chat", provider, "") or ""
    return {"model": "deepseek-chat", "accept_terms": terms, "endpoint": {"provider": provider, **endpoint}}


def make_endpoint(**endpoint: Any) -> Any:
    """The endpoint of a parsed recipe."""
    return parse_recipe(make_recipe_fields(make_api_teacher(**endpoint))).teacher.endpoint


def write_recipe(folder: Path, content: dict[str, Any] | None = None) -> str:
    """Write a recipe and return its path."""
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(content or make_recipe_fields()))
    return str(path)


def refusal_of(content: dict[str, Any]) -> str:
    """The message that a recipe is refused with."""
    with pytest.raises(RecipeError) as caught:
        parse_recipe(content)
    return str(caught.value)


def make_built(
    stage: str, summary: StageSummary | None = None, *, label: str = "", seconds: float = 1.0, is_cached: bool = False
) -> Built[Any]:
    """A finished stage; its fingerprint is the stage's first letter over and over."""
    ref = ArtifactRef(stage=stage, fingerprint=stage[0] * 64)
    return Built(label or stage, ref, summary or StageSummary(), seconds, is_cached)
