import json
import stat
from datetime import UTC, datetime

import pytest

from stillhouse.data.columns import map_row, used_columns
from stillhouse.errors import ServiceError
from stillhouse.recipe.data import Columns
from stillhouse.serving.answers import Answer
from stillhouse.serving.request_log import LogSettings, RequestLog, log_row

MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Where is it?\u2028 ü"}]
ANSWER = Answer("delivery", "delivery", 0.7, False, 4, 1, False)


def row(number: int = 0, *, is_dialogue: bool = False) -> dict:
    at = datetime(2026, 11, 28, 12, tzinfo=UTC)
    return log_row(f"r{number}", MESSAGES, ANSWER, served="tickets/3", is_dialogue=is_dialogue, at=at)


def lines(folder) -> list[bytes]:
    return [line for file in sorted(folder.iterdir()) for line in file.read_bytes().split(b"\n")[:-1]]


def test_logged_prompt_is_read_back_as_the_row_of_a_recipe(tmp_path):
    log = RequestLog(LogSettings(folder=str(tmp_path)))
    assert log.write(row())
    (line,) = lines(tmp_path)
    columns = Columns(messages="messages", id="id")
    row_id, _, messages, references, label, meta, _ = map_row(json.loads(line), columns, used_columns(columns))
    assert (row_id, messages, references, label) == ("r0", MESSAGES, [], None)
    assert json.loads(meta)["answer"] == "delivery"


def test_logged_dialogue_ends_with_the_reply(tmp_path):
    columns = Columns(messages="messages")
    found = map_row(row(is_dialogue=True), columns, used_columns(columns), is_dialogue=True)
    assert found[2][-1] == {"role": "assistant", "content": "delivery"}
    assert found[3] == ["delivery"]


def test_log_belongs_to_its_owner_alone(tmp_path):
    log = RequestLog(LogSettings(folder=str(tmp_path / "logs")))
    log.write(row())
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "logs", *(tmp_path / "logs").iterdir())]
    assert modes == [0o700, 0o600]


def test_half_line_of_a_killed_process_is_cut_and_whole_ones_stay(tmp_path):
    killed = tmp_path / "requests-20260101T000000.0-aaaaaa.jsonl"
    killed.write_bytes(b'{"id":"whole"}\n{"id":"ha')
    other = tmp_path / "notes.jsonl"
    other.write_bytes(b"half")
    RequestLog(LogSettings(folder=str(tmp_path))).write(row())
    assert killed.read_bytes() == b'{"id":"whole"}\n'
    assert other.read_bytes() == b"half"


def test_file_of_a_living_process_is_left_alone(tmp_path):
    living = RequestLog(LogSettings(folder=str(tmp_path)))
    (file,) = tmp_path.iterdir()
    with file.open("ab") as half:
        half.write(b'{"id":"in the midd')
        half.flush()
        RequestLog(LogSettings(folder=str(tmp_path)))
        assert file.read_bytes() == b'{"id":"in the midd'
    living.close()


def test_log_begins_a_new_file_at_its_bound_and_drops_the_oldest(tmp_path):
    size = len(json.dumps(row(), ensure_ascii=False, separators=(",", ":")).encode()) + 1
    log = RequestLog(LogSettings(folder=str(tmp_path), file_bytes=2 * size, files=2))
    for number in range(7):
        assert log.write(row(number))
    assert [json.loads(line)["id"] for line in lines(tmp_path)] == ["r4", "r5", "r6"]
    assert [file.stat().st_size for file in sorted(tmp_path.iterdir())] == [2 * size, size]


def test_line_that_finds_no_room_is_told_and_leaves_no_half(tmp_path):
    import resource
    import signal

    log = RequestLog(LogSettings(folder=str(tmp_path)))
    assert log.write(row())
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    # the kernel takes 10 bytes of the line, as a full disk does
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 10, before[1]))
    try:
        assert not log.write(row(1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert file.read_bytes() == whole
    assert log.write(row(2))


def test_folder_that_cannot_be_written_is_refused_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ServiceError, match=r"--log-requests .*file/logs: Not a directory. Name a folder"):
        RequestLog(LogSettings(folder=str(tmp_path / "file" / "logs")))
