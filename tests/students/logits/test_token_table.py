"""How rows point to a teacher's numbers of their tokens."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from stillhouse.completions.token_numbers import TokenLine, top_numbers, write_token_lines
from stillhouse.errors import DataError, ModelError
from stillhouse.recipe.teaching.logits import LogitsSettings
from stillhouse.students.label_choices import IGNORE_INDEX
from stillhouse.students.logits.student_tokens import StudentTokens
from stillhouse.students.logits.token_table import TeacherMarks, TokenTable, check_covered

END = 99
# a token above 300 spells those of two others, and one from 210 to 290 another behind a space
PARTS = {310: "w10w11", **{200 + one: f" w{one}" for one in range(10, 90)}}


class Words:
    def decode(self, ids, skip_special_tokens):
        return "".join(PARTS.get(one, f"w{one}") for one in ids if one != END)

    def __call__(self, text, add_special_tokens):
        return SimpleNamespace(input_ids=[int(word) for word in text.split("w") if word])


def encode_label(prompt, answer):
    tokens = [int(word) for word in answer[0]["content"].split("w") if word]
    return {"input_ids": [8, *tokens, END], "completion_mask": [0, *[1] * len(tokens), 1]}


def make_line(place, tokens, *, row_id=None, teacher=None, steps=None):
    steps = steps or [{token: math.log(0.6), token + 1: math.log(0.3), 500: math.log(0.05)} for token in tokens]
    return TokenLine(place, row_id or f"r{place}", teacher, 0, top_numbers(tokens, steps, 5))


def make_marks(folder, lines, width=5, longest=50, **settings):
    path = folder / "train.logits.parquet"
    write_token_lines(lines, path)
    table = TokenTable(folder / "tokens.bin", width)
    student = StudentTokens(Words(), encode_label, 400)
    marks = TeacherMarks(path, table, LogitsSettings(**settings), student, longest=longest)
    return marks, table


def make_row(place, answer, **fields):
    words = "".join(f"w{token}" for token in answer)
    row = {"id": f"r{place}", "completion": [{"role": "assistant", "content": words}]} | fields
    return row, {"input_ids": [8, 9, *answer, END], "completion_mask": [0, 0, *[1] * len(answer), 1]}


def places_of(labels):
    return np.array([IGNORE_INDEX - 1 - label for label in labels if label < IGNORE_INDEX])


def test_rows_point_to_the_numbers_of_their_own_tokens(tmp_path):
    marks, table = make_marks(tmp_path, [make_line(1, [20, 21]), make_line(2, [30, END])])
    found = [marks.mark(*make_row(place, answer)) for place, answer in enumerate(([10], [20, 21], [30], [40]))]
    assert found[0]["labels"] == [IGNORE_INDEX, IGNORE_INDEX, 10, END]
    assert found[3]["labels"] == [IGNORE_INDEX, IGNORE_INDEX, 40, END]
    # the end is the student's own: a stop text ended the teacher's decoding
    assert found[1]["labels"][-1] == END
    records = table.at(places_of(found[1]["labels"]))
    assert records["taken"].tolist() == [20, 21]
    assert records["ids"].tolist() == [[20, 21, 20, 20, 20], [21, 22, 21, 21, 21]]  # 500 is no number of the student's
    assert np.exp(records["logprobs"]).tolist() == [pytest.approx([0.6, 0.3, 0, 0, 0])] * 2
    assert table.at(places_of(found[2]["labels"]))["taken"].tolist() == [30, END]
    assert (marks.num_covered, marks.num_tokens) == (4, 9)


@pytest.mark.parametrize(("own", "share"), [({}, 0.6), ({310: math.log(0.1)}, 0.7)], ids=["unlisted", "listed"])
def test_label_that_the_teacher_spelt_in_other_tokens_has_the_probability_of_both(tmp_path, own, share):
    first = {10: math.log(0.6), 50: math.log(0.25), **own}
    marks, table = make_marks(tmp_path, [make_line(0, [10, 11], steps=[first, {11: -0.1}])])
    row, _ = make_row(0, [10, 11])
    labels = marks.mark(row, {"input_ids": [8, 310, END], "completion_mask": [0, 1, 1]})["labels"]
    (record,) = table.at(places_of(labels))
    assert (record["taken"], record["ids"][:2].tolist()) == (310, [310, 50])
    assert np.exp(record["logprobs"]).tolist() == pytest.approx([share, 0.25, 0, 0, 0])
    assert labels[-1] == END


def test_words_behind_a_space_that_the_target_lacks_count_for_those_without(tmp_path):
    first = {220: math.log(0.6), 230: math.log(0.25), 30: math.log(0.05)}
    marks, table = make_marks(tmp_path, [make_line(0, [220, 21], steps=[first, {21: -0.1}])])
    labels = marks.mark(*make_row(0, [20, 21]))["labels"]
    records = table.at(places_of(labels))
    assert records["taken"].tolist() == [20, 21]
    assert records["ids"][0].tolist()[:2] == [20, 30]
    assert np.exp(records["logprobs"][0]).tolist() == pytest.approx([0.6, 0.3, 0, 0, 0])


def test_labels_are_learnt_as_labels_whatever_the_teacher_wrote(tmp_path):
    marks, table = make_marks(tmp_path, [make_line(0, [270])])
    shares = {"w20w21": 0.5, "w20w22": 0.2, "w30": 0.3, "w40": 0.0}
    row, encoded = make_row(0, [20, 21], prompt=[], label_probabilities=shares)
    labels = marks.mark(row, encoded)["labels"]
    first, second = table.at(places_of(labels))
    assert (first["taken"], first["ids"].tolist()) == (20, [20, 30, 20, 20, 20])
    assert np.exp(first["logprobs"]).tolist() == pytest.approx([0.7, 0.3, 0, 0, 0])
    assert (second["taken"], second["ids"].tolist()[:2]) == (21, [21, 22])
    assert np.exp(second["logprobs"]).tolist() == pytest.approx([5 / 7, 2 / 7, 0, 0, 0])
    assert labels[-1] == END  # behind a label nothing but the end can come
    assert marks.num_covered == 2


def test_draws_of_a_label_spelt_in_other_tokens_are_not_known(tmp_path):
    marks, table = make_marks(tmp_path, [make_line(0, [10, 11])], draws=5)
    row, _ = make_row(0, [10, 11])
    assert marks.mark(row, {"input_ids": [8, 310, END], "completion_mask": [0, 1, 1]})["labels"][1:] == [310, END]
    assert len(table) == 0


def test_numbers_beyond_a_students_own_k_are_left_out(tmp_path):
    marks, table = make_marks(tmp_path, [make_line(0, [20])], width=1)
    labels = marks.mark(*make_row(0, [20]))["labels"]
    assert table.at(places_of(labels))["ids"].tolist() == [[20]]


def test_rows_of_several_teachers_have_their_teachers_weight(tmp_path):
    lines = [make_line(0, [20], row_id="r0", teacher=1), make_line(1, [20], row_id="r0", teacher=2)]
    marks, table = make_marks(tmp_path, lines, teacher_weights=(0.25, 1.0))
    labels = [marks.mark(*make_row(0, [20], teacher=number))["labels"] for number in (1, 2)]
    assert table.at(places_of(labels[0] + labels[1]))["share"].tolist() == [0.25, 1.0]


def test_row_that_is_too_long_counts_no_token(tmp_path):
    marks, table = make_marks(tmp_path, [make_line(0, [20, 21])], longest=3)
    marks.mark(*make_row(0, [20, 21]))
    assert (marks.num_covered, marks.num_tokens, len(table)) == (0, 0, 0)


@pytest.mark.pitfall("join")
@pytest.mark.parametrize("line", [make_line(0, [20], row_id="other"), make_line(0, [20], row_id="r0", teacher=2)])
def test_numbers_of_another_row_are_refused(tmp_path, line):
    marks, _ = make_marks(tmp_path, [line])
    with pytest.raises(DataError, match="--refresh filter"):
        marks.mark(*make_row(0, [20]))


def test_teacher_of_another_vocabulary_is_refused_with_the_remedy(tmp_path):
    marks, _ = make_marks(tmp_path, [make_line(place, [120 + place]) for place in range(8)])
    with pytest.raises(ModelError, match=r"vocabularies differ.*training\.kind: sft"):
        _ = [marks.mark(*make_row(place, [20 + place])) for place in range(8)]


def test_training_without_one_token_of_the_teacher_is_refused(tmp_path):
    marks, _ = make_marks(tmp_path, [make_line(0, [21])])
    marks.mark(*make_row(0, [20]))
    with pytest.raises(ModelError, match="none of the 2 tokens"):
        check_covered(marks)
