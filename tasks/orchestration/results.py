"""Where Prefect keeps its cached results: in the store, as plain JSON, refused when a record says otherwise.

Prefect's reader trusts the serializer that a stored record names, and its JSON decoder can be made to
call what a record names; whoever may write to the results must not thereby run code.
"""

import hashlib
import json
from functools import lru_cache
from typing import Any

from prefect.exceptions import ObjectAlreadyExists
from prefect.filesystems import WritableFileSystem
from prefect.serializers import JSONSerializer
from prefect.settings import PREFECT_API_URL

from stillhouse.artifacts.store import Store, StoreConfig, open_store

# without an object decoder: Prefect's default one imports and calls what a stored record names
PLAIN_JSON = JSONSerializer(object_encoder=None, object_decoder=None)


class UnsafeResult(ValueError):
    """A stored result that names another serializer than ours; treated as absent."""


class JsonOnlyResults(WritableFileSystem):
    """Prefect results under `results/` of a Stillhouse store."""

    _block_type_name = "Stillhouse results"
    _block_type_slug = "stillhouse-results"

    config: dict[str, Any]

    async def aread_path(self, path: str) -> bytes:
        """Return a stored record's bytes; see `read_path`."""
        return self.read_path(path)

    def read_path(self, path: str, _sync: bool = True) -> bytes:  # type: ignore[override]
        """Return a stored record's bytes.

        Raises:
            UnsafeResult: the record would be decoded by anything but plain JSON.
        """
        text = self._store().read_text(f"results/{path}")
        named = json.loads(text).get("metadata", {}).get("serializer")
        if named != PLAIN_JSON.model_dump(mode="json"):
            raise UnsafeResult(f"result {path} names serializer {named!r}; only plain JSON is read")
        return text.encode()

    async def awrite_path(self, path: str, content: bytes) -> None:
        """Store a record's bytes."""
        self.write_path(path, content)

    def write_path(self, path: str, content: bytes, _sync: bool = True) -> None:  # type: ignore[override]
        """Store a record's bytes."""
        self._store().put_bytes(f"results/{path}", content)

    def _store(self) -> Store:
        return open_store(StoreConfig.model_validate(self.config))


def results_block(config: StoreConfig) -> JsonOnlyResults:
    """Return the saved block for a store; its name is a hash of the store's address, so that two stores never mix."""
    return _saved_block(config, PREFECT_API_URL.value())


@lru_cache(maxsize=16)
def _saved_block(config: StoreConfig, api_url: str | None) -> JsonOnlyResults:
    # once a process and server: to save is half a dozen requests, and a run has a dozen stages
    block = JsonOnlyResults(config=config.model_dump(mode="json"))
    name = f"results-{hashlib.sha256(config.url.encode()).hexdigest()[:12]}"
    try:
        block.save(name, overwrite=True)
    except ObjectAlreadyExists:
        # another run registered this block's type between our check and our save
        block.save(name, overwrite=True)
    return block
