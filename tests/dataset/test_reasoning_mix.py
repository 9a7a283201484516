"""Shares of long and short reasoning: which rows have which, what they teach, and what is counted."""

import pytest

from stillhouse.dataset.reasoning_mix import form_of
from stillhouse.recipe.teaching.reasoning_mix import ReasoningMix
from stillhouse.skills.conversation import Conversation
from stillhouse.skills.math import Math
from tests.support.builders import make_completion_line, make_row
from tests.support.dataset import build_dataset

SKILL = Math(kind="math")
LONG, SHORT, ALONE = ReasoningMix(long=1, short=0), ReasoningMix(long=0, short=1), ReasoningMix(long=0, short=0)


def samples(row_id: str, *texts: str, tokens=(), thoughts=()):
    """Completions of one row; the first has the most certainty."""
    lines = []
    for index, text in enumerate(texts):
        line = make_completion_line(row_id, text, sample_index=index, key=f"{row_id} {index}")
        line["completion_tokens"] = tokens[index] if tokens else len(text)
        line["reasoning"] = thoughts[index] if thoughts else ""
        lines.append(line)
    return lines


def taught(folder, lines, mix, rows=None, **options):
    rows = rows or [make_row("a")]
    settings = {"skill": SKILL, "labels": (), "reasoning": "mix", "reasoning_mix": mix} | options
    summary, _, found = build_dataset(folder, train=rows, answers=lines, **settings)
    return [line["completion"][0] for line in found["train"]], summary.reasoning


def test_form_of_many_rows_has_the_shares_and_another_seed_draws_others():
    mix = ReasoningMix(long=0.2, short=0.5)
    forms = [form_of(f"row{n}", mix) for n in range(4000)]
    # 4 standard deviations of a share of 0.5 in 4,000 draws
    for form, share in (("long", 0.2), ("short", 0.5), ("alone", 0.3)):
        assert forms.count(form) / 4000 == pytest.approx(share, abs=0.032)
    assert forms == [form_of(f"row{n}", mix) for n in range(4000)]
    others = [form_of(f"row{n}", mix.model_copy(update={"seed": 1})) for n in range(4000)]
    assert 0.2 < sum(one == other for one, other in zip(forms, others, strict=True)) / 4000 < 0.6


def test_form_of_a_row_does_not_move_to_shorter_when_the_long_share_grows():
    few, more = ReasoningMix(long=0.2, short=0.8), ReasoningMix(long=0.4, short=0.6)
    long = {n for n in range(500) if form_of(f"row{n}", few) == "long"}
    assert long < {n for n in range(500) if form_of(f"row{n}", more) == "long"}


THREE = ("7", "7", "7")
THOUGHTS = ("I add three and four and have seven", "3 + 4", "I add the two")


@pytest.mark.parametrize(
    ("mix", "reasoning"),
    [(LONG, THOUGHTS[0]), (SHORT, THOUGHTS[1]), (ALONE, None)],
)
def test_write_dataset_mix_teaches_the_longest_the_shortest_or_no_block(tmp_path, mix, reasoning):
    lines = samples("a", *THREE, tokens=(90, 9, 40), thoughts=THOUGHTS)
    (turn,), counts = taught(tmp_path, lines, mix)
    assert turn.get("reasoning") == reasoning
    assert turn["content"] == "#### 7"
    assert (counts.long, counts.short, counts.alone) == (mix is LONG, mix is SHORT, mix is ALONE)


def test_write_dataset_mix_shortest_is_of_the_samples_that_came_to_the_answer(tmp_path):
    lines = samples("a", "7", "8", "7", tokens=(90, 2, 40), thoughts=("long way", "wrong", "short way"))
    (turn,), counts = taught(tmp_path, lines, SHORT)
    assert turn["reasoning"] == "short way"
    assert (counts.short, counts.single) == (1, 0)


def test_write_dataset_mix_shortest_is_right_where_the_row_has_a_reference(tmp_path):
    # two wrong samples outvote a right one, and the verifier drops them before they vote
    lines = samples("a", "8", "8", "7", tokens=(3, 2, 40), thoughts=("wrong", "wrong", "right"))
    (turn,), counts = taught(tmp_path, lines, SHORT, rows=[make_row("a", "7")], use_references=False)
    assert (turn["content"], turn["reasoning"]) == ("#### 7", "right")
    assert counts.single == 1


def test_write_dataset_mix_in_text_takes_steps_in_an_answers_own_text(tmp_path):
    texts = ("First 3, then 4 more. That is 3 + 4 = 7.\n#### 7", "3 + 4 = 7\n#### 7")
    lines = samples("a", *texts, thoughts=("a block", "a block"))
    for number, (mix, content) in enumerate(((LONG, texts[0]), (SHORT, texts[1]), (ALONE, "#### 7"))):
        folder = tmp_path / str(number)
        folder.mkdir()
        (turn,), _ = taught(folder, lines, mix.model_copy(update={"place": "text"}))
        assert turn == {"role": "assistant", "content": content}


def test_write_dataset_mix_leaves_reasoning_over_the_most_tokens_out_and_counts_it(tmp_path):
    lines = [
        *samples("a", "7", "7", tokens=(90, 40), thoughts=("long", "short")),
        *samples("b", "7", tokens=(91,), thoughts=("long",)),
    ]
    turns, counts = taught(
        tmp_path, lines, LONG.model_copy(update={"max_tokens": 60}), rows=[make_row("a"), make_row("b")]
    )
    assert [turn.get("reasoning") for turn in turns] == ["short", None]
    assert (counts.long, counts.too_long, counts.alone) == (1, 1, 0)


def test_write_dataset_mix_rows_without_reasoning_are_counted_apart(tmp_path):
    turns, counts = taught(tmp_path, samples("a", "7", "7"), LONG)
    assert "reasoning" not in turns[0]
    assert (counts.long, counts.without) == (0, 1)


def test_write_dataset_mix_recorded_reasoning_has_its_share(tmp_path):
    turns = [
        {"role": "user", "content": "How many?"},
        {"role": "assistant", "content": "100", "reasoning": "I count them all."},
    ]
    rows = [make_row(name, "100", messages=turns) for name in "abcdefgh"]
    mix = ReasoningMix(long=0.5, short=0)
    options = {"skill": Conversation(kind="conversation", targets="all")}
    found, counts = taught(tmp_path, [], mix, rows=rows, **options)
    kept = sum("reasoning" in turn for turn in found)
    assert 0 < kept < 8
    assert (counts.long, counts.alone) == (kept, 8 - kept)
