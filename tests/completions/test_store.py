import hashlib
import io
import json
import logging
import uuid
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillhouse.artifacts.store import Store, StoreConfig
from stillhouse.completions.segment import segment_bytes
from stillhouse.completions.store import CompletionStore
from stillhouse.errors import StoreError
from tests.support.builders import TEACHER, make_completion
from tests.support.completion_segments import count_stored, look_up, segments_of
from tests.support.s3.server import S3Server


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(StoreConfig(url=str(tmp_path / "store")))


@pytest.fixture
def completions(store: Store) -> CompletionStore:
    return CompletionStore(store, TEACHER)


def test_stream_returns_what_was_appended(store: Store, completions: CompletionStore) -> None:
    full = make_completion(
        key="a",
        text="naïve \U0001f600\n",
        token_ids=(5, 7),
        logprobs=({5: -0.5, 9: -1.25}, {7: 0.0}),
        cumulative_logprob=-0.5,
    )
    bare = make_completion(key="b", text="", finish_reason="length")
    completions.append([full, bare], logprobs=2)
    assert look_up(completions, ["a", "b", "c"], 0) == {"a": full, "b": bare}
    assert look_up(completions, iter(["b"]), 2) == {"b": bare}
    assert look_up(completions, [], 0) == {}
    assert count_stored(store) == 2


def write_as(store: Store, table: pa.Table) -> None:
    """Put a segment of another version into the store."""
    store.put_bytes(f"completions/{TEACHER}/{uuid.uuid4().hex}.parquet", segment_bytes(table))


def test_stream_segment_without_a_later_column_is_read_and_its_text_split(
    store: Store, completions: CompletionStore
) -> None:
    completions.append([make_completion(key="a", text="<think>so</think>\n\nboat")], logprobs=0)
    (path,) = segments_of(store)
    old = pq.read_table(path).drop_columns(["reasoning"])
    path.unlink()
    write_as(store, old)
    (found,) = completions.stream(["a"], 0)
    assert (found.text, found.reasoning) == ("boat", "so")


def test_stream_segment_with_a_column_of_a_later_version_is_read(store: Store, completions: CompletionStore) -> None:
    completions.append([make_completion(key="a", text="boat")], logprobs=0)
    (path,) = segments_of(store)
    newer = pq.read_table(path).append_column("mood", pa.array(["good"]))
    path.unlink()
    write_as(store, newer)
    assert look_up(completions, ["a"], 0)["a"].text == "boat"


def test_stream_segment_without_a_version_is_read(store: Store, completions: CompletionStore) -> None:
    completions.append([make_completion(key="a", text="boat")], logprobs=0)
    (path,) = segments_of(store)
    assert b"stillhouse_segment_version" in (pq.read_schema(path).metadata or {})
    path.write_bytes(parquet_bytes(pq.read_table(path).replace_schema_metadata(None)))
    assert look_up(completions, ["a"], 0)["a"].text == "boat"


def test_stream_segment_of_a_later_version_ends_the_run_before_it_pays_again(
    store: Store, completions: CompletionStore
) -> None:
    completions.append([make_completion(key="a")], logprobs=0)
    (path,) = segments_of(store)
    later = pq.read_table(path).rename_columns({"text": "answer"})
    path.write_bytes(parquet_bytes(later.replace_schema_metadata({"stillhouse_segment_version": "2"})))
    with pytest.raises(StoreError, match=r"in version 2, and this Stillhouse reads up to 1.*update this clone"):
        look_up(completions, ["a"], 0)


def test_stream_segment_without_a_column_that_always_was_there_is_damaged(
    store: Store, completions: CompletionStore
) -> None:
    completions.append([make_completion(key="a")], logprobs=0)
    (path,) = segments_of(store)
    table = pq.read_table(path).drop_columns(["finish_reason"])
    path.unlink()
    store.put_bytes(f"completions/{TEACHER}/x.parquet", parquet_bytes(table))
    assert look_up(completions, ["a"], 0) == {}


def parquet_bytes(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def test_append_keeps_what_the_model_wrote_and_what_its_server_said_apart(
    store: Store, completions: CompletionStore
) -> None:
    completions.append([make_completion(key="a", text="<think>so</think>boat", reasoning="first")], logprobs=0)
    (line,) = pq.read_table(segments_of(store)[0]).to_pylist()
    assert (line["text"], line["reasoning"]) == ("<think>so</think>boat", "first")
    assert look_up(completions, ["a"], 0)["a"].reasoning == "first\n\nso"


def test_stream_empty_store_has_no_hits(completions: CompletionStore) -> None:
    assert look_up(completions, ["a"], 0) == {}


def test_stream_of_another_teacher_has_no_hits(store: Store, completions: CompletionStore) -> None:
    completions.append([make_completion(key="a")], logprobs=0)
    assert look_up(CompletionStore(store, "u" * 64), ["a"], 0) == {}


@pytest.mark.parametrize(("stored", "asked", "hit"), [(0, 0, True), (5, 0, True), (5, 5, True), (4, 5, False)])
def test_stream_hits_when_enough_logprobs_are_stored(
    completions: CompletionStore, stored: int, asked: int, hit: bool
) -> None:
    completions.append([make_completion(key="a")], logprobs=stored)
    assert bool(look_up(completions, ["a"], asked)) is hit


def test_stream_passes_a_segment_with_too_few_logprobs_for_a_later_one(completions: CompletionStore) -> None:
    completions.append([make_completion(key="a", text="few")], logprobs=0)
    completions.append([make_completion(key="a", text="many")], logprobs=5)
    assert look_up(completions, ["a"], 5)["a"].text == "many"
    assert look_up(completions, ["a"], 0)["a"].text == "few"


def test_stream_failed_completion_is_no_hit_but_is_kept(store: Store, completions: CompletionStore) -> None:
    completions.append([make_completion(key="a", finish_reason="error:timeout")], logprobs=0)
    assert look_up(completions, ["a"], 0) == {}
    completions.append([make_completion(key="a", text="later")], logprobs=0)
    assert look_up(completions, ["a"], 0)["a"].text == "later"
    assert count_stored(store) == 2


def test_stream_same_key_twice_first_segment_by_name_wins(store: Store, completions: CompletionStore) -> None:
    names = [
        completions.append([make_completion(key="a", text=str(n)), make_completion(key="a", text="dup")], 0)
        for n in range(20)
    ]
    assert names == sorted(names)
    assert look_up(completions, ["a"], 0)["a"].text == "0"
    folder = Path(store.config.url) / "completions" / TEACHER
    (folder / names[7]).rename(folder / ("0" + names[7]))
    assert look_up(completions, ["a"], 0)["a"].text == "7"
    assert [found.text for found in completions.stream(["a", "a"], 0)] == ["7"]


@pytest.mark.parametrize("damage", ["truncate", "empty", "flip", "foreign"])
def test_stream_damaged_segment_is_skipped_with_a_warning(
    store: Store, completions: CompletionStore, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    keys = [hashlib.sha256(bytes([n])).hexdigest() for n in range(100)]
    completions.append([make_completion(key=key) for key in keys], logprobs=0)
    completions.append([make_completion(key="sound")], logprobs=0)
    path = segments_of(store)[0]
    data = path.read_bytes()
    column = pq.ParquetFile(path).metadata.row_group(0).column(0)
    at = column.data_page_offset + column.total_compressed_size // 2  # amid the keys: zstd alone would not notice
    flipped = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
    bad = {"truncate": data[:-10], "empty": b"", "flip": flipped, "foreign": json.dumps({}).encode()}[damage]
    path.write_bytes(bad)
    with caplog.at_level(logging.WARNING):
        assert list(look_up(completions, [*keys, "sound"], 0)) == ["sound"]
    assert path.name in caplog.text


def test_stream_unreadable_store_is_an_error_not_a_miss(tmp_path: Path) -> None:
    store = Store(StoreConfig(url=str(tmp_path)))
    (tmp_path / "completions" / TEACHER / "x.parquet").mkdir(parents=True)
    (tmp_path / "completions" / TEACHER / "y.parquet").symlink_to("y.parquet")
    with pytest.raises(StoreError):
        look_up(CompletionStore(store, TEACHER), ["a"], 0)


def test_append_nothing_or_another_teachers_completion_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="at least one completion"):
        CompletionStore(store, TEACHER).append([], 0)
    with pytest.raises(ValueError, match="all of this teacher"):
        CompletionStore(store, "u" * 64).append([make_completion(key="a")], 0)


def test_append_leaves_only_whole_segments(store: Store, completions: CompletionStore) -> None:
    name = completions.append([make_completion(key="a")], logprobs=0)
    assert [path.name for path in segments_of(store)] == [name]


@pytest.mark.slow
def test_stream_on_s3_returns_what_was_appended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "served").mkdir()
    with S3Server(tmp_path / "served") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        server.client().mkdir("bucket")
        store = Store(StoreConfig(url="s3://bucket/p", endpoint_url=server.endpoint_url, timeout_s=3, patience_s=6))
        completions = CompletionStore(store, TEACHER)
        for n in range(12):
            completions.append([make_completion(key=f"{n}-{i}", logprobs=({1: -0.5},)) for i in range(10)], logprobs=1)
        damaged = store.list(f"completions/{TEACHER}")[0]
        server.client().pipe_file(f"bucket/p/{damaged}", b"PAR1 no longer")
        found = look_up(completions, [f"{n}-3" for n in range(12)], 1)
        assert set(found) == {f"{n}-3" for n in range(1, 12)}
        assert found["1-3"] == make_completion(key="1-3", logprobs=({1: -0.5},))
        server.kill()
        with pytest.raises(StoreError, match="AWS_ENDPOINT_URL"):
            look_up(completions, ["1-3"], 1)
