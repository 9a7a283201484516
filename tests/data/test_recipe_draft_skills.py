"""Drafts for every skill and every common form of data: each loads, and its data passes reading and validation."""

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from stillhouse.data.quarantine import check_quarantined
from stillhouse.data.read import read
from stillhouse.data.recipe_draft import draft_recipe
from stillhouse.data.sources import resolve
from stillhouse.data.validate import validate
from stillhouse.recipe.load import parse_recipe, resolve_paths
from stillhouse.recipe.recipe import Recipe
from stillhouse.skills.registry import SKILLS

WORDS = "amber birch cedar delta ember fjord grove heath islet juniper kelp lagoon maple nectar ochre pine".split()  # noqa: SIM905
COUNT = 40


def prose(at: int, words: int = 12) -> str:
    return " ".join(WORDS[(at * 7 + step * (at % 5 + 1)) % 16] + str(at * step) for step in range(words))


CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"x": 1}'}}],
}


def rows(**columns: Any) -> list[dict[str, Any]]:
    return [{name: make(at) for name, make in columns.items()} for at in range(COUNT)]


def label(at: int) -> str:
    return ["billing", "goods"][at % 2]


def turns(at: int, reply: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": prose(at)}, {"role": "assistant", "content": reply}]


def sharegpt(at: int) -> list[dict[str, str]]:
    return [{"from": "human", "value": prose(at)}, {"from": "gpt", "value": prose(at + 50)}]


# name -> skill, the columns that are found, rows
FORMS: dict[str, tuple[str, dict[str, Any], list[dict[str, Any]]]] = {
    "classification": ("classification", {"text": "text", "label": "label"}, rows(text=prose, label=label)),
    "alpaca": (
        "conversation",
        {"text": ("instruction", "input"), "reference": "output"},
        rows(
            instruction=lambda i: f"Write about {i}",
            input=lambda i: prose(i) if i % 2 else "",
            output=lambda i: prose(i, 30),
        ),
    ),
    "alpaca with its own text": (
        "conversation",
        {"text": ("instruction", "input"), "reference": "output"},
        [
            {**row, "text": f"### Instruction: {row['instruction']}\n### Response: {row['output']}"}
            for row in rows(instruction=prose, input=lambda i: "", output=lambda i: prose(i + 60, 30))
        ],
    ),
    "alpaca labels": (
        "classification",
        {"text": ("instruction", "input"), "label": "output"},
        rows(instruction=lambda i: f"Sort message {i} into billing or goods", input=prose, output=label),
    ),
    "alpaca without input": (
        "conversation",
        {"text": "instruction", "reference": "response"},
        rows(instruction=prose, response=lambda i: prose(i + 60, 30)),
    ),
    "prompt and completion": (
        "conversation",
        {"text": "prompt", "reference": "completion"},
        rows(prompt=prose, completion=lambda i: prose(i + 60, 30)),
    ),
    "sharegpt": (
        "conversation",
        {"id": "id", "messages": "conversations"},
        rows(id=lambda i: f"c{i}", conversations=sharegpt),
    ),
    "sharegpt with a system prompt of some rows": (
        "conversation",
        {"id": "id", "messages": "conversations", "system": "system"},
        rows(id=lambda i: f"c{i}", system=lambda i: f"Speak of {i}." if i % 3 == 0 else None, conversations=sharegpt),
    ),
    "dolly": (
        "conversation",
        {"text": ("instruction", "context"), "reference": "response"},
        rows(
            instruction=lambda i: f"Write about {i}",
            context=lambda i: prose(i, 30) if i % 3 else "",
            response=lambda i: prose(i + 60, 30),
            category=label,
        ),
    ),
    "calls as they once were": (
        "conversation",
        {"messages": "messages", "tools": "functions"},
        rows(
            messages=lambda i: [
                {"role": "user", "content": prose(i)},
                {"role": "assistant", "function_call": {"name": "find", "arguments": "{}"}},
            ],
            functions=lambda i: [{"name": "find", "parameters": {"type": "object"}}],
        ),
    ),
    "turns as one list a key": (
        "conversation",
        {"messages": "dialog"},
        rows(dialog=lambda i: {"role": ["user", "assistant"], "content": [prose(i), prose(i + 50)]}),
    ),
    "questions with a system prompt": (
        "conversation",
        {"text": "question", "reference": "response", "system": "system_prompt"},
        rows(system_prompt=lambda i: "You are a teacher.", question=prose, response=lambda i: prose(i + 60, 30)),
    ),
    "calls of tools": (
        "conversation",
        {"messages": "messages", "tools": "tools"},
        rows(
            messages=lambda i: [*turns(i, prose(i + 50)), {"role": "user", "content": prose(i + 3)}, CALL],
            tools=lambda i: [{"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}],
        ),
    ),
    "openai": ("conversation", {"messages": "messages"}, rows(messages=lambda i: turns(i, prose(i + 50)))),
    "openai with other columns": (
        "conversation",
        {"messages": "messages"},
        rows(messages=lambda i: turns(i, prose(i + 50)), topic=label, file=lambda i: f"part {i % 3}"),
    ),
    "messages of several turns and label": (
        "classification",
        {"messages": "messages", "label": "label"},
        rows(messages=lambda i: [*turns(i, "yes?"), {"role": "user", "content": prose(i)}], label=label),
    ),
    "messages and label": (
        "classification",
        {"messages": "messages", "label": "label"},
        rows(messages=lambda i: [{"role": "user", "content": prose(i)}], label=label),
    ),
    "qa with context": (
        "qa",
        {"id": "id", "context": "context", "group": "context", "text": "question", "reference": "answers"},
        rows(
            id=str,
            context=lambda i: prose(i, 40),
            question=lambda i: f"{prose(i, 6)}?",
            answers=lambda i: [f"room {i}"],
        ),
    ),
    "squad": (
        "qa",
        {"id": "id", "context": "context", "group": "context", "text": "question", "reference": "answers"},
        rows(
            id=str,
            title=label,
            context=lambda i: prose(i, 40),
            question=lambda i: f"{prose(i, 6)}?",
            answers=lambda i: {"text": [f"room {i}"], "answer_start": [5]},
        ),
    ),
    "squad 2": (
        "qa",
        {"id": "id", "context": "context", "group": "context", "text": "question", "reference": "answers"},
        rows(
            id=str,
            context=lambda i: prose(i, 40),
            question=lambda i: f"{prose(i, 6)}?",
            answers=lambda i: {"text": [f"room {i}"] if i % 2 else [], "answer_start": [5] if i % 2 else []},
        ),
    ),
    "qa from memory": (
        "qa",
        {"text": "question", "reference": "answer"},
        rows(question=prose, answer=lambda i: f"town {i}"),
    ),
    "yes and no": (
        "classification",
        {"text": ("passage", "question"), "label": "label"},
        rows(passage=lambda i: prose(i, 30), question=lambda i: f"{prose(i, 6)}?", label=lambda i: i % 2 == 0),
    ),
    "nli": (
        "nli",
        {"premise": "premise", "hypothesis": "hypothesis", "label": "label"},
        rows(premise=prose, hypothesis=lambda i: prose(i + 70, 5), label=lambda i: ["entailment", "neutral"][i % 2]),
    ),
    "glue": (
        "nli",
        {"id": "idx", "premise": "sentence1", "hypothesis": "sentence2", "label": "label"},
        rows(sentence1=prose, sentence2=lambda i: prose(i + 70, 5), label=lambda i: i % 2, idx=lambda i: i),
    ),
    "gsm8k": (
        "math",
        {"text": "question", "reference": "answer"},
        rows(question=prose, answer=lambda i: f"{i} and {i} is {2 * i}.\n#### {2 * i}"),
    ),
    "boxed": (
        "math",
        {"text": "problem", "reference": "solution"},
        rows(problem=prose, solution=lambda i: f"So \\boxed{{{i}}}."),
    ),
    "numbers": ("math", {"text": "problem", "reference": "answer"}, rows(problem=prose, answer=lambda i: i * 1000)),
    "summaries": (
        "summarization",
        {"text": "document", "reference": "summary"},
        rows(document=lambda i: prose(i, 80), summary=lambda i: prose(i, 10)),
    ),
    "news": (
        "summarization",
        {"id": "id", "text": "article", "reference": "highlights"},
        rows(id=str, article=lambda i: prose(i, 80), highlights=lambda i: prose(i, 10)),
    ),
}


def draft_and_validate(path: Path) -> tuple[Recipe, str]:
    """Return the drafted recipe after its rows passed reading and validation."""
    text = draft_recipe(str(path), "", "", None, path.parent)
    recipe = resolve_paths(parse_recipe(yaml.safe_load(text)), str(path.parent / "recipe.yaml"))
    source, out = recipe.data.train, path.parent / "out"
    skill = recipe.skill
    rules = {"is_dialogue": skill.is_dialogue, "no_answer": skill.empty_reference}
    summary = read(source, resolve(source), "train", out / "read", **rules)
    check_quarantined(summary, "train", 0.0, out) if summary.quarantined else None
    valid = validate({"train": out / "read"}, recipe.data, recipe.skill, out / "valid")
    assert valid.kept == {"train": COUNT}
    return recipe, text


@pytest.mark.parametrize("form", FORMS)
def test_draft_recipe_of_every_form_loads_and_its_rows_pass(tmp_path: Path, form: str) -> None:
    kind, columns, records = FORMS[form]
    (tmp_path / "data.json").write_text(json.dumps(records, indent=1))
    recipe, text = draft_and_validate(tmp_path / "data.json")
    found = recipe.data.train.columns
    assert recipe.skill.kind == kind
    assert {name: value for name, value in found if value is not None} == columns
    assert f"# read as: {'a JSON array'}" in text


def test_draft_recipe_answers_that_can_be_no_reference_are_not_taken(tmp_path: Path) -> None:
    records = rows(text=prose, label=label, answer=lambda i: {"value": "town", "aliases": ["town"]})
    (tmp_path / "data.json").write_text(json.dumps([{**row, "label": None} for row in records]))
    assert "reference: answer" not in draft_recipe(str(tmp_path / "data.json"), "", "", None, tmp_path)


def test_draft_recipe_labelled_rows_decide_the_skill_and_the_prompt_keeps_all_of_its_parts(tmp_path: Path) -> None:
    bare = rows(passage=lambda i: prose(i, 30), question=lambda i: f"{prose(i, 6)}?")
    (tmp_path / "data.json").write_text(json.dumps(bare))
    (tmp_path / "few.json").write_text(json.dumps([{**row, "label": label(at)} for at, row in enumerate(bare)]))
    text = draft_recipe(str(tmp_path / "data.json"), str(tmp_path / "few.json"), "", None, tmp_path)
    data = parse_recipe(yaml.safe_load(text)).data
    assert data.train.columns.text == data.sources["examples"].columns.text == ("passage", "question")


def test_draft_recipe_unanswered_questions_have_their_reference(tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text(json.dumps(FORMS["squad 2"][2]))
    recipe, _ = draft_and_validate(tmp_path / "data.json")
    assert recipe.skill.empty_reference == "no answer"
    found = pq.read_table(tmp_path / "out/valid/rows.parquet").column("references").to_pylist()
    assert found[:3] == [["no answer"], ["room 1"], ["no answer"]]


def test_draft_recipe_forms_cover_every_skill() -> None:
    assert {kind for kind, _, _ in FORMS.values()} == set(SKILLS)


@pytest.mark.parametrize(
    "form", [form for form, (_, columns, _) in FORMS.items() if {"label", "reference"} & set(columns)]
)
def test_draft_recipe_answer_is_never_in_the_prompt(tmp_path: Path, form: str) -> None:
    _, columns, records = FORMS[form]
    answer = columns.get("label", columns.get("reference"))
    for at, record in enumerate(records):
        if "label" not in columns:
            record = {**record, answer: f"xyzzy{at} xyzzy"} if isinstance(record[answer], str) else record
        (tmp_path / "data.jsonl").open("a").write(json.dumps({**record, "more": 1}) + "\n")
    recipe, _ = draft_and_validate(tmp_path / "data.jsonl")
    named = recipe.data.train.columns
    prompts = {named.messages, named.premise, named.hypothesis, named.context}
    prompts |= set(named.text if isinstance(named.text, tuple) else (named.text,))
    assert answer not in prompts
    assert not any(
        "xyzzy" in str(row) for row in pq.read_table(tmp_path / "out/valid/rows.parquet").column("messages").to_pylist()
    )


@pytest.mark.parametrize(
    ("delimiter", "encoding"), [(";", "cp1252"), ("\t", "utf-16"), ("|", "utf-8-sig"), (",", "utf-8")]
)
def test_draft_recipe_csv_dialects_say_how_they_are_read(tmp_path: Path, delimiter: str, encoding: str) -> None:
    with (tmp_path / "data.csv").open("w", newline="", encoding=encoding) as stream:
        writer = csv.writer(stream, delimiter=delimiter)
        writer.writerow(["text", "Catégorie", "label"])
        writer.writerows([[f"{prose(i)} für die Größe, à bientôt", "é", label(i)] for i in range(COUNT)])
    recipe, text = draft_and_validate(tmp_path / "data.csv")
    assert (recipe.data.train.columns.text, recipe.data.train.columns.label) == ("text", "label")
    assert recipe.skill.known_labels == ("billing", "goods")
    assert ("delimiter" in text) == (delimiter != ",")


def test_draft_recipe_parquet_class_labels_are_listed_by_name(tmp_path: Path) -> None:
    table = pa.table({"text": [prose(i) for i in range(COUNT)], "label": [i % 2 for i in range(COUNT)]})
    info = {"info": {"features": {"label": {"names": ["neg", "pos"], "_type": "ClassLabel"}}}}
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(info)}), tmp_path / "data.parquet")
    assert draft_and_validate(tmp_path / "data.parquet")[0].skill.known_labels == ("neg", "pos")


def test_draft_recipe_folder_of_several_formats_is_read_as_one(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    records = FORMS["classification"][2]
    (tmp_path / "data" / "a.json").write_text(json.dumps(records[:20]))
    (tmp_path / "data" / "b.csv").write_text(
        "text;label\n" + "".join(f"{r['text']};{r['label']}\n" for r in records[20:])
    )
    assert "# read as: a JSON array; delimiter ';'" in draft_and_validate(tmp_path / "data")[1]


def test_draft_recipe_labels_of_mixed_forms_are_not_taken_for_two(tmp_path: Path) -> None:
    records = rows(text=prose, label=lambda i: ["Yes", "yes", "no"][i % 3])
    (tmp_path / "data.json").write_text(json.dumps(records))
    text = draft_recipe(str(tmp_path / "data.json"), "", "", None, tmp_path)
    assert 'labels: [] # SET: the rows have Yes and "yes"' in text or 'labels: [] # SET: the rows have "Yes"' in text


def test_draft_recipe_prompt_column_that_ends_with_the_label_is_not_taken(tmp_path: Path) -> None:
    records = rows(text=lambda i: f"{prose(i)} Answer: {label(i)}", body=prose, label=label)
    (tmp_path / "data.json").write_text(json.dumps(records))
    assert draft_and_validate(tmp_path / "data.json")[0].data.train.columns.text == "body"
