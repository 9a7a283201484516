"""Streams requests into an engine and completions out of it, so that its batches never drain."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from stillhouse.inference.vllm.request import AnyRequest


class FinishedRequest(NamedTuple):
    """One finished request: the engine's output and the seconds from submission to the last token."""

    request: AnyRequest
    output: Any
    seconds: float


def stream(
    llm: Any,
    requests: Iterable[AnyRequest],
    params: Callable[[AnyRequest], Any],
    in_flight: int,
    can_send: Callable[[AnyRequest], bool] = lambda _: True,
    *,
    cache_salt: str | None = None,
    beat: Callable[[], None] = lambda: None,
) -> Iterator[FinishedRequest]:
    """Yield requests as they finish, with up to `in_flight` requests in the engine at any time.

    A request that `can_send` holds back waits for others to finish. If the engine is empty then, the stream ends.
    `beat` is called after each step of the engine: the first answer may take long, and the engine lives meanwhile.
    Requests share a cached prefix only with those of the same `cache_salt`.
    """
    from vllm import TokensPrompt

    engine = llm.llm_engine
    waiting = iter(requests)
    request = next(waiting, None)
    running: dict[str, tuple[AnyRequest, float]] = {}
    number = 0
    while running or request:
        while request and len(running) < in_flight and can_send(request):
            name = f"{number}"
            number += 1
            prompt = TokensPrompt(prompt_token_ids=list(request.token_ids))
            if cache_salt:
                prompt["cache_salt"] = cache_salt
            engine.add_request(name, prompt, params(request))
            running[name] = (request, time.monotonic())
            request = next(waiting, None)
        if not running:
            return
        outputs = engine.step()
        beat()
        for output in outputs:
            if output.finished:
                done, started = running.pop(output.request_id)
                yield FinishedRequest(done, output, time.monotonic() - started)
