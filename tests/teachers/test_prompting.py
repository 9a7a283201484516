import pytest

from stillhouse.data.row import content_sha256
from stillhouse.errors import DataError
from stillhouse.recipe.teacher import Output, Teacher
from stillhouse.skills.classification import Classification
from stillhouse.skills.prompts import TeacherPrompt
from stillhouse.teachers.prompting import Prompter, seeded_order

LABELS = ("car", "pet")
SKILL = Classification(labels=LABELS, instruction="Say one of {labels}.")
LABELLED = {
    "car": ["my bumper is dented", "the windscreen has a crack", "someone hit my parked van", "engine smokes on hills"],
    "pet": ["the dog ate a sock", "our cat needs surgery", "rabbit vaccination bill", "parrot lost its feathers"],
}


def row(text: str, label: str | None = None, row_id: str | None = None) -> dict:
    messages = [{"role": "user", "content": text}]
    references = [label] if label else []
    return {
        "id": row_id or text,
        "content_sha256": content_sha256(messages),
        "messages": messages,
        "references": references,
        "label": label,
    }


EXAMPLES = [row(text, label) for label, texts in LABELLED.items() for text in texts]
ASKED = [row("a tree fell on my roof box"), row("vet bill for the dog"), row("who pays for the tow truck")]


def teacher(**prompt) -> Teacher:
    return Teacher(model="./teacher", prompt=TeacherPrompt(**prompt))


def prompts(rows, labelled=EXAMPLES, **prompt):
    return list(Prompter(teacher(**prompt), SKILL, LABELS, labelled).prompts(rows))


def shown(turns) -> list[tuple[str, str]]:
    """Return the (text, label) pairs between the system turn and the row's own."""
    inner = turns[1:-1]
    return [(a["content"], b["content"]) for a, b in zip(inner[::2], inner[1::2], strict=True)]


def test_prompts_without_examples_are_instruction_and_message():
    assert prompts(ASKED[:1]) == [
        [
            {"role": "system", "content": "Say one of car, pet."},
            {"role": "user", "content": "a tree fell on my roof box"},
        ]
    ]


def test_prompts_fixed_per_label_shows_every_row_the_same_and_so_many_of_each_label():
    found = [shown(turns) for turns in prompts(ASKED, examples=2, selection="fixed_per_label")]
    assert found[0] == found[1] == found[2]
    assert sorted(label for _, label in found[0]) == ["car", "car", "pet", "pet"]
    assert all(text in LABELLED[label] for text, label in found[0])


def test_prompts_fixed_per_label_order_follows_the_seed_not_the_file():
    by_seed = [
        shown(prompts(ASKED[:1], labelled, examples=4, selection="fixed_per_label", seed=seed)[0])
        for seed in (0, 1, 2)
        for labelled in (EXAMPLES, EXAMPLES[::-1])
    ]
    assert by_seed[0] == by_seed[1]
    assert by_seed[2] == by_seed[3]
    assert len({tuple(one) for one in by_seed}) > 1
    expected = sorted(EXAMPLES, key=lambda example: seeded_order(0, example))
    assert [text for text, _ in by_seed[0]] == [example["id"] for example in expected]


def test_prompts_fixed_per_label_leaves_out_the_row_itself_and_its_near_duplicate():
    usual = shown(prompts(ASKED[:1], examples=2, selection="fixed_per_label")[0])
    text, label = usual[0]
    same, near = row(text, row_id="other id"), row(f"{text}!!")
    for asked in (same, near):
        found = shown(prompts([asked], examples=2, selection="fixed_per_label")[0])
        assert text not in [one for one, _ in found]
        assert sorted(one for _, one in found) == ["car", "car", "pet", "pet"]
        assert set(usual) - {(text, label)} <= set(found)


def test_prompts_nearest_per_label_shows_the_nearest_of_each_label():
    found = shown(prompts([row("my dog and my bumper")], examples=1, selection="nearest_per_label")[0])
    assert found == [("my bumper is dented", "car"), ("the dog ate a sock", "pet")]


def test_prompts_nearest_ignores_labels():
    found = shown(prompts([row("our dog and our cat needs surgery on a sock")], examples=2)[0])
    assert {label for _, label in found} == {"pet"}


def test_prompts_text_layout_ends_where_the_completion_follows():
    options = {"layout": "text", "system": "Heading", "input_name": "In", "output_name": "Out", "examples": 1}
    text = prompts(ASKED[1:2], **options, selection="fixed_per_label")[0]
    assert text.startswith("Heading\n\nIn: ")
    assert text.endswith("\n\nIn: vet bill for the dog\nOut:")
    assert text.count("\nOut: ") == 2


def test_prompts_student_layout_shows_what_a_student_is_shown():
    made = prompts(ASKED[1:2], layout="student")[0]
    assert made == [{"role": "user", "content": "vet bill for the dog"}]


@pytest.mark.parametrize("more", [{"system": "Heading"}, {"examples": 1}], ids=str)
def test_prompts_student_layout_refuses_what_it_would_leave_out(more):
    with pytest.raises(ValueError, match="layout: student shows the bare message"):
        TeacherPrompt(layout="student", **more)


def test_prompts_rows_without_reference_are_no_examples():
    with pytest.raises(DataError):
        prompts(ASKED, [row("unlabelled")], examples=1)


@pytest.mark.parametrize("selection", ["fixed_per_label", "nearest_per_label"])
def test_prompter_label_without_example_is_refused_by_name(selection):
    cars = [example for example in EXAMPLES if example["label"] == "car"]
    with pytest.raises(DataError, match="no labelled example of 'pet'"):
        prompts(ASKED, cars, examples=1, selection=selection)


def test_prompter_nearest_without_any_example_is_refused():
    with pytest.raises(DataError, match="no labelled rows"):
        prompts(ASKED, [], examples=1)


@pytest.mark.parametrize(
    ("output", "layout", "expected"),
    [
        (Output(), "turns", {"choice": ["car", "pet"]}),
        (Output(), "text", {"choice": [" car", " pet"]}),
        (Output(kind="free"), "turns", {}),
        (Output(kind="regex", regex="[cp]a[rt]|pet"), "turns", {"regex": "[cp]a[rt]|pet"}),
        (Output(kind="json_schema", json_schema={"type": "object"}), "turns", {"json_schema": {"type": "object"}}),
    ],
)
def test_constraint_is_what_the_recipe_says(output, layout, expected):
    asked = Teacher(model="./teacher", prompt=TeacherPrompt(layout=layout), output=output)
    found = Prompter(asked, SKILL, LABELS, []).constraint(asked)
    assert {name: list(value) if name == "choice" else value for name, value in found.items()} == expected


@pytest.mark.parametrize("selection", ["nearest", "nearest_per_label", "fixed_per_label"])
def test_prompts_of_many_rows_beat_before_the_first_one(monkeypatch: pytest.MonkeyPatch, selection: str):
    monkeypatch.setattr("stillhouse.teachers.retrieval._BATCH_ROWS", 1)
    beats: list[None] = []
    prompter = Prompter(teacher(examples=2, selection=selection), SKILL, LABELS, EXAMPLES)
    next(prompter.prompts(ASKED, lambda: beats.append(None)))
    assert len(beats) >= len(ASKED)
