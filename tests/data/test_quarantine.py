import json
import logging
from pathlib import Path

import pytest

from stillhouse.data.quarantine import check_quarantined, log_ignored_keys
from stillhouse.data.read import read
from stillhouse.data.sources import resolve, shown_name
from stillhouse.errors import DataError
from stillhouse.recipe.data import Columns, Source

KEPT_AT = Path("store/quarantine.jsonl")


def check(path: Path, most: float) -> None:
    source = Source(path=str(path), columns=Columns(text="text", label="label"))
    check_quarantined(read(source, resolve(source), "train", path.parent / "out"), "train", most, KEPT_AT)


def write(path: Path, good: int, bad: int) -> Path:
    path.write_text("text,label\n" + "fine,a\n" * good + "no cells\n" * bad)
    return path


def test_check_quarantined_up_to_the_share_warns_and_one_more_stops(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "stillhouse"):
        check(write(tmp_path / "a.csv", 95, 5), 0.05)
    assert "5 of 100 lines are no rows (ragged_row: 5)" in caplog.text
    assert str(KEPT_AT) in caplog.text
    with pytest.raises(
        DataError, match=r"6 of 100 .*line 96: ragged_row.*'no cells'.*`delimiter`.*max_quarantined"
    ) as e:
        check(write(tmp_path / "a.csv", 94, 6), 0.05)
    assert str(KEPT_AT) in str(e.value)
    assert "JSON" not in str(e.value)
    check(write(tmp_path / "a.csv", 94, 6), 0.06)


def test_check_quarantined_without_a_row_stops_whatever_the_share(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"3 of 3 lines") as refused:
        check(write(tmp_path / "a.csv", 0, 3), 1.0)
    assert "max_quarantined" not in str(refused.value)


def test_check_quarantined_missing_values_point_to_columns(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a", "label": 1}\n{"text": null, "label": 2}\n')
    with pytest.raises(DataError, match=r"missing_column: 1.*See that `columns` of this source fits"):
        check(tmp_path / "a.jsonl", 0.05)


def test_log_ignored_keys_names_them_with_their_turns(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    turns = [
        {"role": "user", "content": "a", "score": 1},
        {"role": "assistant", "content": "b", "score": 2, "mood": "x"},
    ]
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"messages": turns}) + "\n")
    source = Source(path=str(path), columns=Columns(messages="messages"))
    with caplog.at_level(logging.WARNING, "stillhouse"):
        log_ignored_keys(read(source, resolve(source), "train", tmp_path / "out", is_dialogue=True), "train")
    assert "data.train: keys of turns without a meaning here are left out, by turns: score (2), mood (1)" in caplog.text
    caplog.clear()
    source = Source(path=str(write(tmp_path / "a.csv", 2, 0)), columns=Columns(text="text", label="label"))
    log_ignored_keys(read(source, resolve(source), "train", tmp_path / "out"), "train")
    assert not caplog.text


@pytest.mark.parametrize(
    ("paths", "shown"),
    [
        (["{}"], "2024/may.csv"),
        (["{}/"], "2024/may.csv"),
        (["{}/20*/*.csv"], "2024/may.csv"),
        (["{}/2024/m*.csv"], "may.csv"),
        (["{}/2024/may.csv"], "may.csv"),
        (["elsewhere", "{}"], "2024/may.csv"),
        ([], "may.csv"),
    ],
)
def test_shown_name_is_below_the_path_of_the_recipe(tmp_path: Path, paths: list[str], shown: str) -> None:
    url = str(tmp_path / "2024" / "may.csv")
    assert shown_name(url, [path.format(tmp_path) for path in paths]) == shown
    remote = [path.format("s3://bucket/data") for path in paths]
    assert shown_name("s3://bucket/data/2024/may.csv", remote) == shown


def test_check_quarantined_message_has_short_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows").mkdir()
    source = Source(path="rows", columns=Columns(text="text", label="label"))
    write(tmp_path / "rows" / "a.csv", 0, 2)
    summary = read(source, resolve(source), "train", tmp_path / "out")
    with pytest.raises(DataError, match=r"such as a\.csv line 2: .*their bytes: store/quarantine\.jsonl$") as refused:
        check_quarantined(summary, "train", 0.05, tmp_path / KEPT_AT, ["rows"])
    assert str(tmp_path) not in str(refused.value)
