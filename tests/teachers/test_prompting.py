import pytest

from stillhouse.data.row import content_sha256
from stillhouse.errors import DataError
from stillhouse.recipe.teacher import Output, Teacher
from stillhouse.skills.classification import Classification
from stillhouse.skills.prompts import TeacherPrompt
from stillhouse.teachers.prompting import Prompter, seeded_order
from stillhouse.teachers.retrieval import Lookalikes

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


SELECTIONS = ["nearest", "nearest_per_label", "fixed_per_label"]


@pytest.mark.parametrize("selection", SELECTIONS)
def test_prompts_of_many_rows_beat_and_take_rows_as_they_go(monkeypatch: pytest.MonkeyPatch, selection: str):
    monkeypatch.setattr("stillhouse.teachers.prompting.BATCH_ROWS", 2)
    taken, beats = [], []
    rows = (taken.append(n) or row(f"question {n}") for n in range(10))
    prompter = Prompter(teacher(examples=2, selection=selection), SKILL, LABELS, EXAMPLES)
    for number, _ in enumerate(prompter.prompts(rows, lambda: beats.append(None)), start=1):
        assert len(taken) <= number + 1
        assert len(beats) >= number // 2
    assert number == 10


def allowed(example: dict, asked: dict) -> bool:
    """Whether a row may be shown an example, by the definition."""
    one, two = set(example["id"].split()), set(asked["messages"][0]["content"].split())
    return example["content_sha256"] != asked["content_sha256"] and len(one & two) / len(one | two) < 0.8


def test_prompts_fixed_per_label_of_a_large_pool_shows_the_first_that_are_allowed():
    # each text has a like one next to it in the order of the prompt, and some rows ask for nearly the first 150
    texts = [f"w{n} a{n} b{n} c{n}" for n in range(200)]
    pool = sorted((row(text, label) for text in texts for label in LABELS), key=lambda one: seeded_order(0, one))
    first = [one["id"] for one in pool]
    asked = [row("nothing like it"), row(first[0]), row(f"{first[0]} more"), row(" ".join(first[:4]))]
    made = prompts(asked, pool, examples=3, selection="fixed_per_label")
    for one, turns in zip(asked, made, strict=True):
        expected = [
            (example["id"], label)
            for label in LABELS
            for example in [each for each in pool if each["label"] == label and allowed(each, one)][:3]
        ]
        order = {text: at for at, text in enumerate(first)}
        assert shown(turns) == sorted(expected, key=lambda pair: order[pair[0]])


def test_prompts_fixed_per_label_goes_on_where_the_first_examples_are_all_like_the_row():
    same = [row(f"the one text {'!' * n}", "car", f"id {n}") for n in range(150)]
    other = row("another text of a car", "car")
    pool = sorted([*same, other], key=lambda one: seeded_order(0, one))
    found = shown(prompts([row("the one text")], [*pool, *EXAMPLES[4:]], examples=2, selection="fixed_per_label")[0])
    assert [text for text, label in found if label == "car"] == ["another text of a car"]


def test_prompts_fixed_per_label_compares_a_row_with_few_of_a_large_pool(monkeypatch: pytest.MonkeyPatch):
    compared: list[int] = []
    whole = Lookalikes.of

    def counted(self: Lookalikes, rows: list) -> object:
        found = whole(self, rows)
        compared.append(found.size)
        return found

    monkeypatch.setattr(Lookalikes, "of", counted)
    pool = [row(f"example number {n} of {label}", label) for n in range(1000) for label in LABELS]
    prompts(ASKED, pool, examples=3, selection="fixed_per_label")
    assert sum(compared) <= 100 * len(ASKED) * len(LABELS)
