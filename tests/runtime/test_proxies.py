import urllib.request
from typing import Any

import httpx
import httpx2
import pytest
from botocore.utils import should_bypass_proxies

from stillhouse.runtime.proxies import spare_loopback

PROXY = "http://proxy.example:3128"
OURS = ["http://127.0.0.1:4200/api", "http://localhost:9000", "http://[::1]:8000/v1"]
OTHERS = ["https://api.openai.com/v1", "http://10.0.0.5:9000"]


@pytest.mark.parametrize("name", ["HTTP_PROXY", "https_proxy", "ALL_PROXY"])
def test_spare_loopback_keeps_the_hosts_that_were_spared(name):
    environment = {name: PROXY, "NO_PROXY": "10.0.0.0/8, internal.example", "no_proxy": "minio"}
    spare_loopback(environment)
    assert environment["no_proxy"] == environment["NO_PROXY"]
    assert environment["NO_PROXY"] == "minio,10.0.0.0/8,internal.example,localhost,127.0.0.1,::1"
    spare_loopback(environment)
    assert environment["NO_PROXY"].count("localhost") == 1


@pytest.mark.parametrize("environment", [{}, {"NO_PROXY": "x"}, {"HTTP_PROXY": PROXY, "NO_PROXY": "*"}])
def test_spare_loopback_without_a_proxy_in_use_changes_nothing(environment):
    before = dict(environment)
    spare_loopback(environment)
    assert environment == before


@pytest.fixture
def behind_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, PROXY)


def is_direct(library: Any, client: Any, url: str) -> bool:
    """Return whether an HTTP client would reach `url` without a proxy."""
    transport = client._transport_for_url(library.URL(url))
    return "Proxy" not in type(transport._pool).__name__


# of Prefect's client, and of the client of endpoints
@pytest.mark.parametrize("library", [httpx, httpx2], ids=lambda library: library.__name__)
@pytest.mark.usefixtures("behind_a_proxy")
def test_spare_loopback_is_what_clients_go_by(library):
    with library.Client() as before:
        assert not any(is_direct(library, before, url) for url in OURS)
    spare_loopback()
    with library.Client() as after:
        assert [is_direct(library, after, url) for url in [*OURS, *OTHERS]] == [True] * 3 + [False] * 2
    assert should_bypass_proxies("http://127.0.0.1:9000/bucket")
    assert not should_bypass_proxies("https://bucket.s3.amazonaws.com")
    assert urllib.request.proxy_bypass("127.0.0.1:9000")
    assert not urllib.request.proxy_bypass("api.openai.com")
