import asyncio
import time

from stillhouse.inference.api.rate_limit import RateLimiter
from stillhouse.inference.api.request import ChatRequest
from stillhouse.runtime.spool import Spool
from tests.support.api.requests import teacher


def request(text: str) -> ChatRequest:
    return ChatRequest("k", Spool().add(text.encode()), 0)


def limiter() -> RateLimiter:
    endpoint = teacher().endpoint
    assert endpoint
    return RateLimiter(endpoint)


def test_estimate_goes_by_bytes_until_the_endpoint_has_counted():
    estimating = limiter()
    assert estimating.estimate(request("x" * 300)) == 104
    # a Chinese letter is about one token, not a third of one
    assert estimating.estimate(request("字" * 300)) == 304


def test_estimate_goes_by_what_the_endpoint_counted():
    estimating = limiter()
    estimating.observe(request("x" * 300), 60)
    estimating.observe(request("x" * 100), 20)
    estimating.observe(request("x" * 500), 0)  # it did not say
    assert estimating.estimate(request("x" * 50)) == 10


def test_request_larger_than_a_burst_counts_in_full():
    endpoint = teacher(endpoint={"tokens_per_minute": 60_000}).endpoint
    assert endpoint

    async def seconds() -> float:
        started = time.monotonic()
        await RateLimiter(endpoint).acquire(request("x"), 7_000)
        return time.monotonic() - started

    # 7,000 tokens at 1,000 a second, 6,000 of them at once
    assert 0.9 < asyncio.run(seconds()) < 5.0
