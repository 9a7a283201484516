"""What counts as the same text, shown on whole data sets: read, validate and split."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillhouse.data.drop_messages import log_drops
from stillhouse.data.read import read
from stillhouse.data.sources import resolve
from stillhouse.data.split import split
from stillhouse.data.summaries import ReadSummary, SplitSummary, ValidateSummary
from stillhouse.data.validate import validate
from stillhouse.errors import DataError
from stillhouse.recipe.data import Columns, Data, Source
from stillhouse.skills.classification import Classification
from stillhouse.skills.conversation import Conversation
from stillhouse.skills.math import Math
from stillhouse.skills.skill import Skill

Records = list[dict[str, Any]]
LABELS = Classification()
ANSWERS = Math(kind="math")
TALK = Conversation(kind="conversation")
GOLD = [{"text": f"gold {word} row", "label": label} for word, label in (("first", "x"), ("second", "y"))]
FORM = "Classify the following customer message into one of the categories billing or goods. Message: "


class Outcome:
    """What became of the rows of both sources."""

    def __init__(self, read: dict[str, ReadSummary], valid: ValidateSummary, parts: SplitSummary, folder: Path) -> None:
        self.read, self.valid, self.parts, self.folder = read, valid, parts, folder
        self.dropped = {**valid.dropped, **parts.dropped}

    def rows(self, name: str) -> Records:
        return pq.read_table(self.folder / f"{name}.parquet").to_pylist()


def run(folder: Path, skill: Skill, train: Records, test: Records, **rules: Any) -> Outcome:
    names = {name for record in [*train, *test] for name in record}
    columns = Columns(
        **{name: name for name in ("text", "messages", "tools", "label", "reference", "id") if name in names}
    )
    found, sources = {}, {}
    for role, records in (("train", train), ("test", test)):
        path = folder / f"{role}.jsonl"
        lines = [json.dumps(dict.fromkeys(names) | one) for one in records]
        path.write_text("\n".join(lines) + "\n")
        sources[role] = source = Source(path=str(path), columns=columns)
        found[role] = read(source, resolve(source), role, folder / role, is_dialogue=skill.is_dialogue)  # type: ignore[arg-type]
    data = Data(train=sources["train"], test=sources["test"], validation_fraction=0.0, **rules)
    valid = validate({role: folder / role for role in sources}, data, skill, folder / "valid")
    return Outcome(found, valid, split(folder / "valid", data, True, folder / "split"), folder / "split")


@pytest.fixture
def outcome(tmp_path: Path) -> Callable[..., Outcome]:
    return lambda *arguments, **rules: run(tmp_path, *arguments, **rules)


def pairs(texts: str, labels: str) -> Records:
    return [{"text": text, "label": label} for text, label in zip(texts.split("|"), labels, strict=True)]


@pytest.mark.parametrize(
    "train",
    [
        pairs("👍|😀|👎|😡|:)|:(", "xxyyxy"),
        pairs("How do I read it in C?|How do I read it in C++?|How do I read it in C#?|की|का", "xyxxy"),
        pairs("a == b|a != b|a < b|a > b|-10|10|1.5|1/5", "xyxyxyxy"),
        [
            {"text": f"Hello I would like to insure my {thing} with you from next month", "label": label}
            for thing, label in zip(("car", "boat", "house", "dog", "phone", "bike"), "xyzuvw", strict=True)
        ],
    ],
)
def test_same_text_minimal_pairs_are_all_kept_on_both_sides(outcome: Callable[..., Outcome], train: Records) -> None:
    flipped = [{**row, "text": "now " + row["text"], "label": row["label"]} for row in train[2:]]
    assert outcome(LABELS, train, GOLD).parts.train == len(train)
    assert outcome(LABELS, GOLD, [*train, *flipped]).parts.test == len(train) + len(flipped)


def test_same_text_sums_are_kept_whether_answered_or_not(outcome: Callable[..., Outcome]) -> None:
    sums = [(a, sign, b) for a in (11, 12, 41) for sign in "+-*" for b in (3, 7)]
    rows = [{"text": f"What is {a} {sign} {b}?", "reference": str(eval(f"{a}{sign}{b}"))} for a, sign, b in sums]
    test = [{"text": row["text"].replace("What is", "Compute"), "reference": row["reference"]} for row in rows]
    assert outcome(ANSWERS, rows, test).dropped == {}
    assert outcome(ANSWERS, [{"text": row["text"]} for row in rows], test).dropped == {}


def test_same_text_system_prompts_and_replies_make_other_rows(outcome: Callable[..., Outcome]) -> None:
    def turns(*contents: str, system: str = "") -> dict[str, Any]:
        roles = ["user", "assistant"] * len(contents)
        spoken = [{"role": role, "content": text} for role, text in zip(roles, contents, strict=False)]
        return {"messages": [*([{"role": "system", "content": system}] if system else []), *spoken]}

    tones = ["Answer in French.", "Answer like a pirate.", "Answer in one word.", "You are a lawyer; cite the law."]
    train = [turns("What is the capital of Spain?", f"Here: {at}", system=tone) for at, tone in enumerate(tones)]
    train += [turns("Let us play", f"{at} hides a {at}{at} under {at}", "I give up", "as you wish") for at in "abcd"]
    test = [turns("Tell me a tale", "gold", system=tone) for tone in tones]
    found = outcome(TALK, [*train, train[0]], test)
    assert (found.dropped, found.parts.train, found.parts.test) == ({"exact_duplicate": 1}, 8, 4)


@pytest.mark.parametrize("form", [FORM, "Dear support team, I hope this message finds you well today. "])
@pytest.mark.parametrize("labelled", [True, False])
def test_same_text_a_template_before_every_text_drops_none(
    outcome: Callable[..., Outcome], form: str, labelled: bool
) -> None:
    train = [{"text": f"{form}alpha{at} beta{at}", "label": "xy"[at % 2] if labelled else None} for at in range(30)]
    test = [{"text": f"{form}gold{at} piece{at}", "label": "xy"[at % 2]} for at in range(6)]
    assert outcome(LABELS, train, test).dropped == {}


def test_same_text_gold_rows_outlive_every_likeness(outcome: Callable[..., Outcome]) -> None:
    gold = [*GOLD, *GOLD, {**GOLD[0], "label": "y"}, {"text": "Gold first row!", "label": "x"}]
    found = outcome(LABELS, [{"text": "unlike all", "label": "x"}], gold)
    assert found.dropped == {}
    names = [row["id"] for row in found.rows("test")]
    assert len(set(names)) == 6
    assert names[2:5] == [f"{names[0]}-2", f"{names[1]}-2", f"{names[0]}-3"]


def test_same_text_several_references_of_one_prompt_are_kept(outcome: Callable[..., Outcome]) -> None:
    train = [{"text": "Name a root of x^2 = 4.", "reference": answer} for answer in ("2", "-2", "2")]
    found = outcome(ANSWERS, train, [{"text": "Name a prime.", "reference": "7"}])
    assert (found.dropped, found.parts.train) == ({"exact_duplicate": 1}, 2)
    assert len({row["id"] for row in found.rows("train")}) == 2


def test_same_text_each_check_against_test_rows_can_be_switched_off(outcome: Callable[..., Outcome]) -> None:
    gold = [{"text": "one two three four five six seven eight nine ten", "label": "x"}, GOLD[1]]
    near = {"text": "One two three four five six seven eight, nine, ten, eleven", "label": "x"}
    long = {"text": f"well {gold[0]['text']} and then quite a few words more of mine", "label": "x"}
    train = [near, long, {"text": "entirely other words", "label": "y"}]
    assert outcome(LABELS, train, gold).dropped == {"contaminated_near": 1, "contaminated_run": 1}
    assert outcome(LABELS, train, gold, test_similarity=None).dropped == {"contaminated_run": 2}
    assert outcome(LABELS, train, gold, test_run_words=None).dropped == {"contaminated_near": 1}
    assert outcome(LABELS, train, gold, test_run_words=None, test_similarity=None).dropped == {}


def test_same_text_a_leak_is_dropped_with_the_test_row_it_repeats(outcome: Callable[..., Outcome]) -> None:
    gold = [{"text": "one two three four five six seven eight nine", "label": "x", "id": "gold-1"}, GOLD[1]]
    train = [{"text": f"so {gold[0]['text']} then", "label": "x"}, {"text": "other words", "label": "y"}]
    found = outcome(LABELS, train, gold)
    assert found.rows("dropped")[0]["detail"] == f"like test row 'gold-1' \"{gold[0]['text']}\""
    assert found.parts.examples_dropped["contaminated_near"].endswith(f"like test row 'gold-1' \"{gold[0]['text']}\"")


def test_same_text_no_training_row_left_names_setting_and_example(outcome: Callable[..., Outcome]) -> None:
    train = [
        {"text": f"{row['text']} with ever so many more words of mine around it", "label": row["label"]} for row in GOLD
    ]
    gold = [{**row, "text": row["text"] + " with ever so many more words of mine"} for row in GOLD]
    with pytest.raises(DataError) as error:
        outcome(LABELS, train, gold)
    message = str(error.value)
    assert "contaminated_near: 2, for example row" in message
    assert "The setting is data.test_similarity: raise it, or set it to null to switch it off." in message
    assert "like test row" in message
    assert '"gold first row with ever so many more words of mine' in message


def test_same_text_no_valid_row_left_shows_what_was_received(outcome: Callable[..., Outcome]) -> None:
    odd = [{"messages": [{"role": role, "content": "hm"} for role in ("user", "user")]} for _ in range(3)]
    said = r"wrong_roles: 3, for example row .*\"hm\": turn 1 is 'user' after 'user'; roles: user, user\. Put the turns"
    with pytest.raises(DataError, match=said):
        outcome(TALK, odd, odd)
    some = Classification(labels=("x", "y"))
    with pytest.raises(
        DataError, match=r"unknown_label: 3, .* Found: 'Z' \(2\), 'Q' \(1\)\. The setting is skill\.labels"
    ):
        outcome(some, pairs("a|b|c", "ZQZ"), GOLD)


records = st.lists(
    st.fixed_dictionaries({"text": st.text(max_size=12) | st.sampled_from(["a b", "A b", "👍 a", "की का"])}), min_size=1
)


@settings(max_examples=25)
@given(records)
def test_same_text_every_row_that_is_read_is_kept_or_dropped(train: Records) -> None:
    keep = {"text": "a row that stays whatever else comes", "label": "y"}
    labelled = [{"label": "xy"[at % 2], **row} for at, row in enumerate(train)]
    with tempfile.TemporaryDirectory() as folder:
        found = run(Path(folder), LABELS, [*labelled, keep], GOLD)
    summary = found.read["train"]
    assert summary.read == len(train) + 1 == summary.rows + sum(summary.quarantined.values())
    assert found.valid.num_in == summary.rows + 2 == sum(found.valid.kept.values()) + sum(found.valid.dropped.values())
    parts = found.parts
    assert parts.num_in == parts.train + parts.test + sum(parts.dropped.values())
    assert parts.test == 2


def test_log_drops_each_reason_names_its_setting_and_a_row(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    log_drops("split", {"contaminated_run": 3, "contaminated_exact": 1}, {"contaminated_run": "row 'a' \"b\": like c"})
    assert caplog.messages == [
        "split drops 3 rows: contaminated_run (data.test_run_words); row 'a' \"b\": like c",
        "split drops 1 rows: contaminated_exact; ",
    ]


def test_rows_that_differ_in_their_tools_alone_are_other_rows(tmp_path: Path) -> None:
    asked = "please tell me what the weather will be like in the north of the country tomorrow morning"

    def row(name: str, *tools: str, text: str = asked) -> dict[str, Any]:
        defined = [{"type": "function", "function": {"name": tool, "parameters": {}}} for tool in tools]
        return {"id": name, "messages": [{"role": "user", "content": text}], "tools": defined or None}

    train = [row("none"), row("find", "find"), row("both", "find", "book"), row("again", "find", "book")]
    train += [row("near", "book", text=f"{asked}!"), row("nearer", "book", text=f"{asked}?")]
    gold = [{"messages": GOLD_TALK, "tools": None}]
    found = run(tmp_path, TALK, train, gold, near_duplicate_similarity=0.8)
    assert [one["id"] for one in found.rows("train")] == ["none", "find", "both", "near"]
    assert found.valid.dropped == {"exact_duplicate": 1, "near_duplicate": 1}


GOLD_TALK = [{"role": "user", "content": "Where?"}, {"role": "assistant", "content": "Here."}]
