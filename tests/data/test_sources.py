import hashlib
import os
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from stillhouse.data.sources import resolve
from stillhouse.errors import DataError
from stillhouse.recipe.data import Columns, Source

COLUMNS = Columns(text="text")


def source(path: object, kind: str = "auto") -> Source:
    return Source(path=path, format=kind, columns=COLUMNS)  # type: ignore[arg-type]


def test_resolve_file_gives_its_size_and_hash(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"{}\n")
    (file,) = resolve(source(str(tmp_path / "a.jsonl")))
    assert (file.bytes, file.sha256) == (3, hashlib.sha256(b"{}\n").hexdigest())


def test_resolve_folder_takes_known_formats_and_leaves_hidden_files(tmp_path: Path) -> None:
    for name in ("b.csv", "a.jsonl.gz", "sub/c.parquet", "README.md", ".hidden.jsonl", "_temporary/x.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    names = [os.path.relpath(file.url, tmp_path) for file in resolve(source(str(tmp_path)))]
    assert names == ["a.jsonl.gz", "b.csv", "sub/c.parquet"]


def test_resolve_list_and_glob_gives_each_file_once_sorted(tmp_path: Path) -> None:
    for name in ("2.jsonl", "1.jsonl"):
        (tmp_path / name).write_bytes(name.encode())
    files = resolve(source((str(tmp_path / "2.jsonl"), str(tmp_path / "*.jsonl"))))
    assert [Path(file.url).name for file in files] == ["1.jsonl", "2.jsonl"]


def test_resolve_remote_glob_keeps_the_protocol() -> None:
    fsspec.filesystem("memory").pipe("/bucket/part-1.jsonl", b"{}")
    (file,) = resolve(source("memory://bucket/*.jsonl"))
    assert file.url == "memory:///bucket/part-1.jsonl"


def test_resolve_nothing_found_names_path_and_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=rf"missing\.jsonl.*from the folder {tmp_path}"):
        resolve(source("missing.jsonl"))


@pytest.mark.parametrize("name", ["data.xlsx", "data.parquet.gz", "data"])
def test_resolve_unknown_format_is_refused_by_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(DataError, match=rf"format of .*{name} is unknown"):
        resolve(source(str(tmp_path / name)))


def test_resolve_unknown_protocol_is_refused() -> None:
    with pytest.raises(DataError, match="nosuch://"):
        resolve(source("nosuch://bucket/a.jsonl"))


class LockedFileSystem(MemoryFileSystem):
    """A store whose files may be listed but not opened."""

    protocol = "locked"

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return super()._strip_protocol(path.replace("locked://", "memory://"))

    def _open(self, path: str, *args: object, **kwargs: object) -> None:
        raise PermissionError(path)


def test_resolve_forbidden_file_is_refused_by_name() -> None:
    fsspec.register_implementation("locked", LockedFileSystem, clobber=True)
    fsspec.filesystem("memory").pipe("/secret/a.jsonl", b"{}")
    with pytest.raises(DataError, match=r"a\.jsonl may not be read"):
        resolve(source("locked://secret/a.jsonl"))
