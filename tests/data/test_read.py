import base64
import csv
import gzip
import http.server
import io
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from stillhouse.data import formats, lines
from stillhouse.data.quarantine import check_quarantined
from stillhouse.data.read import read
from stillhouse.data.row import content_sha256
from stillhouse.data.sources import resolve
from stillhouse.data.summaries import ReadSummary
from stillhouse.errors import DataError
from stillhouse.recipe.data import Columns, Source
from tests.support.loopback import LoopbackServer
from tests.support.s3.server import S3Server

GOOD = b'{"text": "hello there"}\n'
TEXT = Columns(text="text")
ReadBack = Callable[[Path], list[dict[str, Any]]]


def run(path: Path, columns: Columns = TEXT, kind: str = "auto") -> tuple[ReadSummary, Path]:
    source = Source(path=str(path), columns=columns, format=kind)  # type: ignore[arg-type]
    out = path.parent / "out"
    return read(source, resolve(source), "train", out), out


def quarantine(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "quarantine.jsonl").read_bytes().splitlines()]


def reasons(out: Path) -> list[str]:
    return [entry["reason"] for entry in quarantine(out)]


def texts(out: Path, read_back: ReadBack) -> list[str]:
    return [row["messages"][0]["content"] for row in read_back(out / "rows.parquet")]


@pytest.mark.pitfall("bad row")
@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text": "a"', "not_json"),
        (b'{"text": NaN}', "not_json"),
        (b'{"text": "a", "x": -Infinity}', "not_json"),
        (b'{"text": "\xff"}', "not_utf8"),
        (b'{"text": "\\ud800"}', "lone_surrogate"),
        (b"[1]", "not_object"),
        (b"null", "not_object"),
        (b'{"other": 1}', "missing_column"),
        (b'{"text": null}', "missing_column"),
        (b'{"text": 5}', "wrong_type"),
        (b'{"text": "a", "x": ' + b"[" * 300 + b"]" * 300 + b"}", "too_deep"),
        (b'{"text": "a", "x": ' + b"[" * 100_000 + b"}", "not_json"),
    ],
)
def test_read_bad_line_is_quarantined_with_line_number_and_bytes(tmp_path: Path, line: bytes, reason: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(GOOD + line + b"\n" + GOOD)
    summary, out = run(path)
    (entry,) = quarantine(out)
    assert (summary.read, summary.rows, summary.quarantined) == (3, 2, {reason: 1})
    assert (entry["line"], entry["reason"], entry["file"]) == (2, reason, str(path))
    assert base64.b64decode(entry["raw"]) == line


@pytest.mark.parametrize(
    "turns",
    [[], {}, "no json", [1], [{"role": "user"}], [{"role": "user", "content": None}], [{"role": "user", "content": 1}]],
)
def test_read_bad_messages_are_quarantined(tmp_path: Path, turns: object) -> None:
    path = tmp_path / "a.jsonl"
    good = {"m": [{"role": "user", "content": "hi"}]}
    path.write_text(json.dumps(good) + "\n" + json.dumps({"m": turns}) + "\n")
    summary, out = run(path, Columns(messages="m"))
    assert summary.rows == 1
    assert reasons(out) == ["bad_messages"]


def test_read_row_has_every_column_of_the_schema(tmp_path: Path, read_back: ReadBack) -> None:
    record = {"key": 7, "q": "Héllo  wörld", "a": ["x", 2], "l": "greet", "extra": {"n": 1}}
    (tmp_path / "a.jsonl").write_text(json.dumps(record, ensure_ascii=False))
    columns = Columns(text="q", id="key", reference="a", label="l")
    _, out = run(tmp_path / "a.jsonl", columns)
    (row,) = read_back(out / "rows.parquet")
    messages = [{"role": "user", "content": "Héllo  wörld"}]
    assert row == {
        "id": "7",
        "content_sha256": content_sha256(messages),
        "messages": messages,
        "references": ["x", "2"],
        "label": "greet",
        "source": "train",
        "meta": '{"extra":{"n":1}}',
        "tools": None,
    }


def test_read_row_without_id_takes_content_hash_and_label_as_reference(tmp_path: Path, read_back: ReadBack) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a", "l": 0}\n{"text": "b", "l": " "}')
    _, out = run(tmp_path / "a.jsonl", Columns(text="text", label="l"))
    first, second = read_back(out / "rows.parquet")
    assert first["id"] == first["content_sha256"][:16]
    assert (first["label"], first["references"]) == ("0", ["0"])
    assert (second["label"], second["references"]) == (None, [])


def test_read_splits_on_lf_only_and_tolerates_bom_crlf_and_blank_lines(tmp_path: Path, read_back: ReadBack) -> None:
    body = '\ufeff{"text": "one\u2028still one\x85"}\r\n\n  \n{"text": "two"}'
    (tmp_path / "a.jsonl").write_bytes(body.encode())
    summary, out = run(tmp_path / "a.jsonl")
    assert texts(out, read_back) == ["one\u2028still one\x85", "two"]
    assert summary.read == 2


def test_read_repeated_key_takes_the_last(tmp_path: Path, read_back: ReadBack) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "first", "text": "last"}')
    assert texts(run(tmp_path / "a.jsonl")[1], read_back) == ["last"]


def test_read_lines_across_chunks_are_whole(
    tmp_path: Path, read_back: ReadBack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "_CHUNK", 7)
    wanted = [f"text number {n}" for n in range(50)]
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in wanted))
    assert texts(run(tmp_path / "a.jsonl")[1], read_back) == wanted


def test_read_overlong_line_is_quarantined_and_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 50)
    monkeypatch.setattr(lines, "_CHUNK", 16)
    monkeypatch.setattr(formats, "MAX_LINE_BYTES", 50)
    (tmp_path / "a.jsonl").write_bytes(GOOD + b'{"text": "' + b"x" * 200 + b'"}\n' + GOOD)
    summary, out = run(tmp_path / "a.jsonl")
    assert (summary.rows, summary.quarantined) == (2, {"line_too_long": 1})
    assert len(base64.b64decode(quarantine(out)[0]["raw"])) == 51


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_read_compressed_frames_are_read_and_a_cut_one_is_refused(
    tmp_path: Path, read_back: ReadBack, suffix: str
) -> None:
    pack = gzip.compress if suffix == ".gz" else zstandard.ZstdCompressor().compress
    path = tmp_path / f"a.jsonl{suffix}"
    whole = pack(GOOD) + pack(b'{"text": "second frame"}\n')
    path.write_bytes(whole)
    assert texts(run(path)[1], read_back) == ["hello there", "second frame"]
    path.write_bytes(whole[:-5])
    with pytest.raises(DataError, match=r"a\.jsonl.* is (cut short|damaged)"):
        run(path)


def test_read_damaged_gzip_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(b"no gzip at all")
    with pytest.raises(DataError, match=r"a\.jsonl\.gz is damaged"):
        run(tmp_path / "a.jsonl.gz")


def test_read_csv_quoted_newline_ragged_and_bad_bytes(tmp_path: Path, read_back: ReadBack) -> None:
    body = b'text,label\n"two\nlines, quoted ""x""",a\nonly one cell\nplain,b\n\xff,c\n\n"open,d\nlast,e\n'
    (tmp_path / "a.csv").write_bytes(body)
    summary, out = run(tmp_path / "a.csv", Columns(text="text", label="label"))
    assert texts(out, read_back) == ['two\nlines, quoted "x"', "plain", "last"]
    places = [(entry["line"], entry["reason"], base64.b64decode(entry["raw"])) for entry in quarantine(out)]
    assert places == [
        (4, "ragged_row", b"only one cell"),
        (6, "not_utf8", b"\xff,c"),
        (8, "bad_csv", b'"open,d'),
    ]
    assert summary.read == 6


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0")), min_size=1, max_size=8))
def test_read_csv_written_by_the_csv_module_round_trips(
    tmp_path_factory: pytest.TempPathFactory, wanted: list[str]
) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerows([["text", "n"], *([text, str(n)] for n, text in enumerate(wanted))])
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_bytes(buffer.getvalue().encode())
    _, out = run(path)
    rows = pq.read_table(out / "rows.parquet").to_pylist()
    assert [row["messages"][0]["content"] for row in rows] == wanted


def test_read_parquet_columns_and_rows(tmp_path: Path, read_back: ReadBack) -> None:
    turns = [[{"role": "user", "content": "hi"}], None, [{"role": "user", "content": "there"}]]
    pq.write_table(pa.table({"m": turns, "n": [1, 2, 3]}), tmp_path / "a.parquet", row_group_size=2)
    summary, out = run(tmp_path / "a.parquet", Columns(messages="m"))
    assert texts(out, read_back) == ["hi", "there"]
    assert [(entry["line"], entry["reason"]) for entry in quarantine(out)] == [(2, "missing_column")]
    assert json.loads(base64.b64decode(quarantine(out)[0]["raw"])) == {"m": None, "n": 2}
    assert summary.columns == ("m", "n")


def test_read_parquet_invalid_utf8_is_quarantined(tmp_path: Path, read_back: ReadBack) -> None:
    broken = pa.array([b"ok", b"\xff\xfe"], pa.binary()).view(pa.string())
    pq.write_table(pa.table({"text": broken}), tmp_path / "a.parquet")
    _, out = run(tmp_path / "a.parquet")
    assert (texts(out, read_back), reasons(out)) == (["ok"], ["not_utf8"])


def test_read_damaged_parquet_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(DataError, match=r"a\.parquet is no readable Parquet file"):
        run(tmp_path / "a.parquet")


def test_read_absent_column_names_found_and_nearest(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "a", "intent": "b"}')
    with pytest.raises(DataError, match=r"columns\.label is 'intnet'.*'intent', 'text'.*Nearest: 'intent'"):
        run(tmp_path / "a.jsonl", Columns(text="text", label="intnet"))


def test_read_empty_file_and_only_bad_lines_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"\n\n")
    with pytest.raises(DataError, match="holds no rows"):
        run(tmp_path / "a.jsonl")
    (tmp_path / "a.jsonl").write_bytes(b"no\njson\n")
    summary, out = run(tmp_path / "a.jsonl")
    with pytest.raises(DataError, match=r"2 of 2 lines are no rows .*line 1: not_json.*on a line or in an array"):
        check_quarantined(summary, "train", 1.0, out / "quarantine.jsonl")


def test_read_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(GOOD * 100 + b"bad\n")
    names = ("rows.parquet", "quarantine.jsonl")
    first = [(run(tmp_path / "a.jsonl")[1] / name).read_bytes() for name in names]
    assert [(run(tmp_path / "a.jsonl")[1] / name).read_bytes() for name in names] == first


def test_read_json_test_suite_parses_or_quarantines_each_line(
    tmp_path: Path, shared: Path, read_back: ReadBack
) -> None:
    files = sorted((shared / "dirty_jsontestsuite" / "files").iterdir())
    assert len(files) == 160
    for file in files:
        path = tmp_path / "dirty.jsonl"
        body = file.read_bytes()
        path.write_bytes(GOOD + body)  # the good line says that rows are lines
        summary, out = run(path)
        bare = [line for line in body.split(b"\n") if line.strip()]
        assert summary.read == len(bare) + 1, file.name
        assert [base64.b64decode(entry["raw"]) for entry in quarantine(out)] == bare, file.name
        assert all(entry["detail"] for entry in quarantine(out))


def test_read_gsm8k_keeps_the_line_separator_inside_a_string(tmp_path: Path, shared: Path) -> None:
    path = shared / "math_gsm8k" / "train.jsonl"
    source = Source(path=str(path), columns=Columns(text="question", reference="final_answer"))
    summary = read(source, resolve(source), "train", tmp_path)
    assert (summary.read, summary.rows) == (7473, 7473)


@pytest.mark.slow
def test_read_s3_folder_gives_its_rows_and_a_missing_key_a_data_error(tmp_path: Path, read_back: ReadBack) -> None:
    with S3Server(tmp_path / "s3") as server:
        client = server.client()
        client.mkdir("bucket")
        client.pipe({"bucket/data/1.jsonl": GOOD, "bucket/data/2.csv": b"text\nfrom csv\n"})
        variables = server.environment
        options = {
            "key": variables["AWS_ACCESS_KEY_ID"],
            "secret": variables["AWS_SECRET_ACCESS_KEY"],
            "endpoint_url": server.endpoint_url,
        }
        files = resolve(Source(path="s3://bucket/data", columns=TEXT), options)
        assert [file.url for file in files] == ["s3://bucket/data/1.jsonl", "s3://bucket/data/2.csv"]
        read(Source(path="s3://bucket/data", columns=TEXT), files, "train", tmp_path / "out", options)
        assert texts(tmp_path / "out", read_back) == ["hello there", "from csv"]
        with pytest.raises(DataError, match="No data found at 's3://bucket/absent"):
            resolve(Source(path="s3://bucket/absent/*.jsonl", columns=TEXT), options)
        with pytest.raises(DataError, match=r"s3://nosuch/a\.jsonl"):
            resolve(Source(path="s3://nosuch/a.jsonl", columns=TEXT), options)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.parquet"])
def test_read_by_http_beside_a_store_on_a_server_of_its_own(tmp_path: Path, read_back: ReadBack, name: str) -> None:
    served = tmp_path / "served"
    served.mkdir()
    (served / "a.jsonl").write_bytes(GOOD)
    (served / "a.csv").write_text("text\nhello there\n")
    pq.write_table(pa.table({"text": ["hello there"]}), served / "a.parquet")
    # the store's options: no other protocol knows them
    options = {"endpoint_url": "http://127.0.0.1:9", "key": "k", "secret": "s"}
    with LoopbackServer(partial(http.server.SimpleHTTPRequestHandler, directory=str(served))) as server:
        source = Source(path=f"{server.address}/{name}", columns=TEXT)
        read(source, resolve(source, options), "train", tmp_path / "out", options)
    assert texts(tmp_path / "out", read_back) == ["hello there"]


def test_read_text_of_several_columns_is_joined_without_gaps(tmp_path: Path, read_back: ReadBack) -> None:
    rows = [
        {"instruction": "Translate.", "input": "Hello", "output": "Hallo"},
        {"instruction": "Write a poem.", "input": "", "output": "Roses"},
        {"instruction": "Count.", "input": None, "output": "1 2 3"},
        {"instruction": "Add.", "output": "2"},
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    summary, out = run(tmp_path / "a.jsonl", Columns(text=("instruction", "input"), reference="output"))
    assert texts(out, read_back) == ["Translate.\n\nHello", "Write a poem.", "Count.", "Add."]
    assert [row["meta"] for row in read_back(out / "rows.parquet")] == ["{}"] * 4
    assert summary.quarantined == {}
    with pytest.raises(DataError, match=r"columns\.text\.1 is 'imput'"):
        run(tmp_path / "a.jsonl", Columns(text=("instruction", "imput")))


@pytest.mark.parametrize(
    ("answers", "references"),
    [
        ({"text": ["room 1", "1"], "answer_start": [5, 10]}, ["room 1", "1"]),
        ({"text": [], "answer_start": []}, []),
        ([{"text": "room 1", "answer_start": 5}, {"text": "1", "answer_start": 10}], ["room 1", "1"]),
    ],
)
def test_read_answers_as_squad_writes_them_are_references(
    tmp_path: Path, read_back: ReadBack, answers: Any, references: list[str]
) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": "Where is it?", "a": answers}))
    _, out = run(tmp_path / "a.jsonl", Columns(text="text", reference="a"))
    assert read_back(out / "rows.parquet")[0]["references"] == references


def test_read_csv_labels_that_look_like_nothing_are_labels(tmp_path: Path, read_back: ReadBack) -> None:
    labels = ["null", "None", "NA", "nan", "N/A", "yes", "-"]
    (tmp_path / "a.csv").write_text("text,label\n" + "".join(f"message {name},{name}\n" for name in labels))
    _, out = run(tmp_path / "a.csv", Columns(text="text", label="label"))
    assert [row["label"] for row in read_back(out / "rows.parquet")] == labels


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"])
def test_read_json_lines_end_at_line_feeds_alone(tmp_path: Path, read_back: ReadBack, mark: str) -> None:
    rows = [
        json.dumps({"text": f"a{'#'}b {i}"}).replace("#", mark if mark > "\x1f" else f"\\u00{ord(mark):02x}")
        for i in range(3)
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(rows), encoding="utf-8", newline="\n")
    assert texts(run(tmp_path / "a.jsonl")[1], read_back) == [f"a{mark}b {i}" for i in range(3)]


def test_read_columns_of_changing_types_are_kept_as_they_were(tmp_path: Path, read_back: ReadBack) -> None:
    extra = [1, "one", None, 2.5, [1], {"a": 1}, True]
    rows = [{"text": f"t{at}", "id": at if at % 2 else f"row-{at}", "x": value} for at, value in enumerate(extra)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    _, out = run(tmp_path / "a.jsonl", Columns(text="text", id="id"))
    found = read_back(out / "rows.parquet")
    assert [json.loads(row["meta"])["x"] for row in found] == extra
    assert [row["id"] for row in found] == ["row-0", "1", "row-2", "3", "row-4", "5", "row-6"]
