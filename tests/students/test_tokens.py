import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stillhouse.errors import DataError, ModelError
from stillhouse.students.tokens import encode, encode_rows, read_rows

PROMPT = [{"role": "user", "content": "ab"}]
COMPLETION = [{"role": "assistant", "content": "cd"}]
STOP = ord("$")


class Characters:
    """A tokenizer of one token a character, with a template given as a function."""

    def __init__(self, ending: str = "$", opening: str = ">") -> None:
        self._ending = ending
        self._opening = opening

    def apply_chat_template(
        self, messages: list[dict[str, Any]], tokenize: bool, add_generation_prompt: bool = False
    ) -> str:
        assert not tokenize
        turns = "".join(
            (">" if turn["role"] == "assistant" else "<") + turn["content"] + self._ending for turn in messages
        )
        return turns + (self._opening if add_generation_prompt else "")

    def __call__(self, text: str, add_special_tokens: bool) -> SimpleNamespace:
        assert not add_special_tokens
        return SimpleNamespace(input_ids=[ord(letter) for letter in text])


def test_encode_masks_the_prompt_and_not_the_answer_with_its_stop_token() -> None:
    row = encode(Characters(), PROMPT, COMPLETION, frozenset({STOP}))
    assert "".join(map(chr, row["input_ids"])) == "<ab$>cd$"
    assert row["completion_mask"] == [0, 0, 0, 0, 0, 1, 1, 1]


def test_encode_text_after_the_stop_token_is_left_out() -> None:
    row = encode(Characters(ending="$\n"), PROMPT, COMPLETION, frozenset({STOP}))
    assert "".join(map(chr, row["input_ids"])) == "<ab$\n>cd$"


def test_encode_template_that_changes_the_prompt_is_refused() -> None:
    with pytest.raises(ModelError, match="renders a prompt differently"):
        encode(Characters(opening="?"), PROMPT, COMPLETION, frozenset({STOP}))


def test_encode_template_without_a_stop_token_is_refused() -> None:
    with pytest.raises(ModelError, match="never stop"):
        encode(Characters(ending="#"), PROMPT, COMPLETION, frozenset({STOP}))


def test_encode_rows_longer_than_the_limit_are_left_out_and_counted() -> None:
    rows = [{"prompt": [{"role": "user", "content": "a" * n}], "completion": COMPLETION} for n in (1, 4, 5)]
    encoded, too_long = encode_rows(Characters(), rows, frozenset({STOP}), max_length=10)
    assert [len(row["input_ids"]) for row in encoded] == [7, 10]
    assert too_long == 1


def test_encode_rows_none_fits_names_the_setting_and_the_shortest() -> None:
    with pytest.raises(DataError, match=r"max_length = 8.*shortest has 9"):
        encode_rows(
            Characters(),
            [{"prompt": [{"role": "user", "content": "abc"}], "completion": COMPLETION}],
            frozenset({STOP}),
            max_length=8,
        )


def test_read_rows_line_separator_inside_a_text_stays_one_row(tmp_path: Path) -> None:
    row = {"id": "1", "prompt": [{"role": "user", "content": "a\u2028b"}], "completion": COMPLETION}
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    assert read_rows(path) == [row]


def test_read_rows_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n")
    with pytest.raises(DataError, match="no rows"):
        read_rows(path)


def row_of(index: int) -> dict[str, Any]:
    return {"prompt": [{"role": "user", "content": "a" * (1 + index % 9)}], "completion": COMPLETION}


def test_encode_rows_into_a_file_are_those_in_memory(tmp_path: Path) -> None:
    rows = [row_of(index) for index in range(2500)]  # more than two batches of the file

    def encoded(into: Path | None) -> tuple[Any, int]:
        return encode_rows(Characters(), iter(rows), frozenset({STOP}), max_length=12, into=into)

    in_memory, on_disk = encoded(None), encoded(tmp_path / "sub" / "rows.arrow")
    assert on_disk[1] == in_memory[1] > 0
    assert list(on_disk[0]) == in_memory[0]
    assert [Path(file["filename"]) for file in on_disk[0].cache_files] == [tmp_path / "sub" / "rows.arrow"]


def test_encode_rows_into_a_file_all_too_long_is_the_same_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"All 1 rows are longer than training\.max_length = 3"):
        encode_rows(Characters(), [row_of(1)], frozenset({STOP}), max_length=3, into=tmp_path / "rows.arrow")
