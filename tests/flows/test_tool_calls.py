"""Dialogues that end in a call of a tool, from recorded rows to the report, on the real engine and the real trainer."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from stillhouse.recipe.load import RECIPES
from tests.support.pipeline import MODEL, Pipeline

pytestmark = [pytest.mark.long, pytest.mark.skipif(not MODEL.exists(), reason="needs the demo's model: make model")]

CITIES = ["Oslo", "Rome", "Lima", "Cairo", "Paris", "Delhi", "Quito", "Sofia", "Tunis", "Seoul", "Hanoi", "Accra"]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "The weather of a city.",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
]


def row(name: str, city: str, question: str, *, with_reply: bool = True) -> dict[str, Any]:
    function = {"name": "weather", "arguments": json.dumps({"city": city})}
    call = {"id": f"call_{name}-long", "type": "function", "function": function}
    reply = {"role": "assistant", "content": None, "tool_calls": [call]}
    asked = {"role": "user", "content": question.format(city), "mood": "calm"}
    return {"id": name, "tools": TOOLS, "messages": [asked, reply] if with_reply else [asked]}


@pytest.mark.timeout(600)
def test_dialogues_that_end_in_calls_are_learnt_and_measured_by_name_and_arguments(
    tiny_model: Path, tmp_path: Path
) -> None:
    pipeline = Pipeline(tmp_path, model=tiny_model)
    fields = yaml.safe_load((RECIPES / "conversation.yaml").read_text())
    rows = {
        "train": [row(f"t{city}", city, "Tell me how warm {} is.", with_reply=city > "L") for city in CITIES],
        "examples": [row(f"e{city}", city, "Will {} see rain this week?") for city in CITIES[:8]],
        "test": [row(f"x{city}", city, "I fly to {}: what should I wear?") for city in CITIES],
    }
    rows["test"].append({"id": "plain", "messages": [*rows["test"][0]["messages"][:1], talk("Warm clothes.")]})
    for role, found in rows.items():
        path = tmp_path / f"{role}.jsonl"
        path.write_text("".join(json.dumps(one) + "\n" for one in found))
        fields["data"][role] = {
            "path": path.name,
            "columns": {"id": "id", "messages": "messages", "tools": "tools"},
        }
    fields["data"] |= {"near_duplicate_similarity": None, "test_similarity": None, "test_run_words": None}
    fields["teachers"][0] |= {"model": str(tiny_model), "prompt": {"examples": 2}, "sampling": {"max_tokens": 8}}
    fields["teachers"][0]["engine"] = {"mode": "eager", "threads": 1}
    fields["student"] |= {"model": str(tiny_model), "layers": 2}
    fields["training"] |= {"max_steps": 3, "execution": {"threads": 1}}
    metrics = ["tool_call_names", "tool_call_arguments", "rouge_l"]
    fields["evaluation"] |= {"max_tokens": 8, "metrics": metrics, "no_teacher_alternatives": False}
    fields["evaluation"]["engine"] = {"mode": "eager", "threads": 1}
    fields["filters"] = {"min_success_ratio": 0.0, "truncated": False}
    (pipeline.folder / "recipe.yaml").write_text(yaml.safe_dump(fields))

    report = pipeline.run()

    assert report["comparison"]["primary_metric"] == "tool_call_names"
    assert report["comparison"]["not_measured"] == {}
    assert report["data"]["ignored_turn_keys"] == {"mood": 33}
    for role in ("teacher", "student", "baseline_untrained", "baseline_zero_shot"):
        quality = report["models"][role]["quality"]
        assert quality["rouge_l"]["n"] == 13, role
        assert quality["tool_call_names"]["n"] in (12, 13), role  # the plain row counts if the model calls there
        assert quality["tool_call_arguments"]["value"] <= quality["tool_call_names"]["value"], role
    assert report["models"]["baseline_untrained"]["quality"]["tool_call_names"]["value"] == 0.0


def talk(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}
