"""Calls of an API that the library has no methods for, over its open connection and with its errors."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import openai

# the library then leaves a response's body unread
_STREAM = {"X-Stainless-Raw-Response": "stream", "Accept": "*/*"}
_CHUNK_BYTES = 1 << 20


class Wire:
    """An open connection. Paths are below the endpoint's address, unless they are whole URLs."""

    def __init__(self, api: openai.AsyncOpenAI, headers: Mapping[str, str] | None = None) -> None:
        """`headers` say who asks, in place of the library's own `Authorization`; without them that one is sent."""
        self._api = api
        self._headers: dict[str, str | openai.Omit] = {"Authorization": openai.Omit(), **headers} if headers else {}

    async def get(self, path: str, query: Mapping[str, Any] | None = None) -> bytes:
        """Return the body of the response."""
        options: Any = {"headers": self._headers, "params": dict(query or {})}
        return (await self._api.get(path, cast_to=httpx2.Response, options=options)).content

    async def post(
        self, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        """Return the response to a JSON body."""
        options: Any = {"headers": {**self._headers, **(headers or {})}}
        return await self._api.post(path, cast_to=httpx2.Response, body=dict(body), options=options)

    async def send(self, path: str, content: AsyncIterator[bytes], headers: Mapping[str, str]) -> bytes:
        """Return the body of the response to a large body; `headers` must tell its length."""
        options: Any = {"headers": {**self._headers, **headers}}
        response = await self._api.post(path, cast_to=httpx2.Response, content=content, options=options)
        return response.content

    async def save(self, path: str, file: Path, query: Mapping[str, Any] | None = None) -> None:
        """Write the body of the response to `file` as it comes."""
        options: Any = {"headers": {**self._headers, **_STREAM}, "params": dict(query or {})}
        response = await self._api.get(path, cast_to=httpx2.Response, options=options)
        try:
            with file.open("wb") as stream:
                async for chunk in response.aiter_bytes(_CHUNK_BYTES):
                    stream.write(chunk)
        finally:
            await response.aclose()

    async def delete(self, path: str) -> None:
        """Delete what is there."""
        await self._api.delete(path, cast_to=httpx2.Response, options={"headers": self._headers})


async def chunks_of(path: Path) -> AsyncIterator[bytes]:
    """Yield the bytes of a file."""
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            yield chunk
