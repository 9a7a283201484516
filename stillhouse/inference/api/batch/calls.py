"""The calls by which each kind of batch API makes, shows and lists batches; files are the same for all of them."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import httpx2
import openai

from stillhouse.inference.api.batch.request_file import PATH
from stillhouse.inference.api.request import ApiModel

_PAGE_SIZE = 100


class Raw(NamedTuple):
    """A response as it came."""

    http_response: httpx2.Response


class BatchCalls(Protocol):
    """One kind of batch API."""

    async def create(self, input_file: str, metadata: Mapping[str, str]) -> Any:
        """Make a batch of an uploaded file."""

    async def retrieve(self, batch: str) -> Any:
        """Show a batch."""

    async def list(self, number: int, after: str | None) -> Any:
        """List batches, newest first: page `number` (from 0), which follows the batch `after`."""


class OpenAIBatches:
    """OpenAI's and Azure's."""

    def __init__(self, api: openai.AsyncOpenAI) -> None:
        """`api` is the open connection."""
        self._batches = api.batches.with_raw_response

    async def create(self, input_file: str, metadata: Mapping[str, str]) -> Any:
        """Make a batch of an uploaded file."""
        return await self._batches.create(
            input_file_id=input_file, endpoint=PATH, completion_window="24h", metadata=dict(metadata)
        )

    async def retrieve(self, batch: str) -> Any:
        """Show a batch."""
        return await self._batches.retrieve(batch)

    async def list(self, number: int, after: str | None) -> Any:
        """List batches, newest first: the page that follows the batch `after`."""
        cursor: Any = {"after": after} if after else {}
        return await self._batches.list(limit=_PAGE_SIZE, **cursor)


class MistralBatches:
    """Mistral's: jobs, which name the model once and take a day at most."""

    def __init__(self, api: openai.AsyncOpenAI, model: str) -> None:
        """`api` is the open connection; all requests of a job are to `model`."""
        self._api = api
        self._model = model

    async def create(self, input_file: str, metadata: Mapping[str, str]) -> Raw:
        """Make a job of an uploaded file."""
        body = {"input_files": [input_file], "endpoint": PATH, "model": self._model, "metadata": dict(metadata)}
        return Raw(await self._api.post("/batch/jobs", cast_to=httpx2.Response, body=body))

    async def retrieve(self, batch: str) -> Raw:
        """Show a job."""
        return Raw(await self._api.get(f"/batch/jobs/{batch}", cast_to=httpx2.Response))

    async def list(self, number: int, after: str | None) -> Raw:
        """List jobs, newest first: page `number`."""
        query: Any = {"params": {"page": number, "page_size": _PAGE_SIZE}}
        return Raw(await self._api.get("/batch/jobs", cast_to=httpx2.Response, options=query))


def batch_calls(api: openai.AsyncOpenAI, model: ApiModel) -> BatchCalls:
    """Return the calls of the model's provider."""
    if model.endpoint.preset.batch_api == "mistral":
        return MistralBatches(api, model.teacher.model)
    return OpenAIBatches(api)
