"""A store's bytes without the store's care, so that a test can look at them and damage them."""

from fsspec import AbstractFileSystem


class Stored:
    """A store's bytes by key."""

    def __init__(self, fs: AbstractFileSystem, root: str):
        self._fs, self._root = fs, root

    def keys(self) -> list[str]:
        return [path.removeprefix(self._root + "/") for path in self._fs.find(self._root)]

    def write(self, key: str, data: bytes) -> None:
        self._fs.pipe_file(f"{self._root}/{key}", data)

    def delete(self, key: str) -> None:
        self._fs.rm_file(f"{self._root}/{key}")
