"""Sends the body of one request and returns the body of its response, in one piece or put together of a stream."""

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

import openai

from stillhouse.inference.api.stream import StreamedCompletion
from stillhouse.recipe.endpoint import Endpoint

_STREAMED = {"stream": True, "stream_options": {"include_usage": True}}


class Received(NamedTuple):
    """A response with status 200."""

    content: bytes
    headers: Mapping[str, str]


async def exchange(api: openai.AsyncOpenAI, body: dict[str, Any], endpoint: Endpoint) -> Received:
    """Return the response to a request.

    Raises:
        openai.APIError: another status, or no response.
        TimeoutError: it took longer than `timeout_s`; streamed, nothing came of it for so long.
    """
    if endpoint.stream:
        return await _streamed(api, body, endpoint.timeout_s)
    # the library's timeout is for one read: a server that sends a blank line now and then never meets it
    async with asyncio.timeout(endpoint.timeout_s):
        # raw: the library itself builds completions out of whatever JSON it gets
        raw = await api.chat.completions.with_raw_response.create(
            model=body.pop("model"), messages=body.pop("messages"), extra_body=body
        )
    return Received(raw.http_response.content, raw.http_response.headers)


async def _streamed(api: openai.AsyncOpenAI, body: dict[str, Any], timeout_s: float) -> Received:
    completion, lines, is_stream = StreamedCompletion(), list[str](), False
    now = asyncio.get_running_loop().time
    async with asyncio.timeout(timeout_s) as deadline:
        async with api.chat.completions.with_streaming_response.create(
            model=body.pop("model"), messages=body.pop("messages"), extra_body=body | _STREAMED
        ) as response:
            async for line in response.iter_lines():
                if completion.add(line):
                    # a server's signs of life between the data are none of the answer's
                    deadline.reschedule(now() + timeout_s)
                    is_stream = True
                elif not is_stream:
                    lines.append(line)
            headers = response.headers
    # some servers answer in one piece all the same
    return Received(completion.content() if is_stream else "\n".join(lines).encode(), headers)
