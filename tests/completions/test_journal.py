from pathlib import Path

import pytest

from stillhouse.artifacts.store import StoreConfig
from stillhouse.completions.completion import Completion
from stillhouse.completions.journal import Journal

TEACHER = "f" * 64


def journal(folder: Path, told: list[str] | None = None) -> Journal:
    log = told.append if told is not None else lambda _: None
    return Journal(StoreConfig(url=str(folder / "store"), cache_dir=folder / "cache"), TEACHER, log)


def completion(key: str) -> Completion:
    return Completion(
        key=key,
        text="a\nb ü",
        finish_reason="stop",
        prompt_tokens=3,
        completion_tokens=2,
        logprobs=({5: -0.5, 7: -1.0},),
        seconds=0.1,
        teacher=TEACHER,
        created="2026-11-28T07:00:00Z",
    )


def end_of_process(one: Journal) -> Path:
    """Let go of its file as the end of a process does, and return it."""
    (path,) = one._folder.glob("*.jsonl")
    assert one._file
    one._file.close()
    return path


def lines_left(folder: Path) -> list[tuple[str, int]]:
    return [(line.key, number) for _, lines in journal(folder).left() for line, number in lines]


def test_journal_of_an_ended_process_gives_what_came_as_it_was(tmp_path: Path):
    one = journal(tmp_path)
    one.add(completion("a"), 2)
    one.add(completion("b"), 0)
    end_of_process(one)
    ((part, lines),) = [(part, lines) for part, lines in journal(tmp_path).left()]
    assert lines == [(completion("a"), 2), (completion("b"), 0)]
    part.forget()
    assert lines_left(tmp_path) == []


@pytest.mark.parametrize("kept", range(1, 60, 7))
def test_half_written_line_is_never_taken_for_whole(tmp_path: Path, kept: int):
    one = journal(tmp_path)
    one.add(completion("a"), 0)
    one.add(completion("b"), 0)
    path = end_of_process(one)
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + second[:-kept])
    assert lines_left(tmp_path) == [("a", 0)]


def test_altered_line_is_not_taken_and_the_others_are(tmp_path: Path):
    one = journal(tmp_path)
    one.add(completion("a"), 0)
    one.add(completion("b"), 0)
    path = end_of_process(one)
    path.write_bytes(path.read_bytes().replace(b'"a"', b'"c"'))
    assert lines_left(tmp_path) == [("b", 0)]


def test_journal_of_a_living_process_is_left_alone_until_it_ends(tmp_path: Path):
    one = journal(tmp_path)
    one.add(completion("a"), 0)
    part = one.cut()
    assert lines_left(tmp_path) == []
    part.forget()
    assert list((tmp_path / "cache").rglob("*.jsonl")) == []


def test_journal_of_another_store_is_left_alone(tmp_path: Path):
    one = journal(tmp_path)
    one.add(completion("a"), 0)
    end_of_process(one)
    other = Journal(StoreConfig(url="s3://bucket/other", cache_dir=tmp_path / "cache"), TEACHER, lambda _: None)
    assert list(other.left()) == []


def test_disk_that_can_not_be_written_is_told_once_and_ends_nothing(tmp_path: Path):
    told: list[str] = []
    (tmp_path / "cache").write_text("no folder")
    one = journal(tmp_path, told)
    one.add(completion("a"), 0)
    one.add(completion("b"), 0)
    one.cut().forget()
    assert len(told) == 1
