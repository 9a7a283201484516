"""A recipe names the variable and the host; whoever starts the run decides where a key may go."""

import asyncio
from typing import Any

import httpx2
import pytest

from stillhouse.errors import RecipeError
from stillhouse.inference.api.client import open_api
from stillhouse.inference.api.credentials import read_api_key, read_secret_headers
from stillhouse.inference.api.request import ApiModel, ResponseForm
from stillhouse.inference.api.trust import trusted_hosts
from tests.support.api.requests import KEY, teacher
from tests.support.builders import make_api_teacher, make_recipe_fields, refusal_of

TRUSTED = "STILLHOUSE_TRUSTED_HOSTS"


def key_for(provider: str, address: str, variable: str = "", trusted: str = "") -> str:
    asked = teacher(provider, address, endpoint={"api_key_env": variable})
    assert asked.endpoint
    return read_api_key(asked.endpoint, {asked.endpoint.key_variable: KEY, TRUSTED: trusted})


@pytest.mark.parametrize(
    "variable", ["AWS_SECRET_ACCESS_KEY", "PREFECT_API_AUTH_STRING", "HF_TOKEN", "HOME", "OPENAI_CUSTOM_HEADERS"]
)
def test_recipe_that_names_another_secret_is_refused(variable: str):
    fields = make_api_teacher("compatible", base_url="https://collector.example/v1", api_key_env=variable)
    assert "ends in _API_KEY" in refusal_of(make_recipe_fields(fields))


@pytest.mark.parametrize(
    ("provider", "address", "variable"),
    [
        ("openai", "https://api.openai.com/v1", ""),
        ("openai", "https://eu.api.openai.com/v1", "WORK_API_KEY"),
        ("openai", "http://127.0.0.1:8000/v1", ""),
        ("compatible", "http://localhost:8000/v1", "OPENAI_API_KEY"),
        ("compatible", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
        ("azure", "https://mine.openai.azure.com/openai/v1", ""),
        ("azure", "https://mine.services.ai.azure.com/openai/v1", ""),
        ("bedrock", "https://bedrock-mantle.eu-west-1.api.aws/v1", ""),
        ("bedrock", "https://bedrock-runtime.us-gov-west-1.amazonaws.com/openai/v1", ""),
        ("vllm", "http://[::1]:8000/v1", ""),
    ],
)
def test_key_goes_to_its_providers_own_hosts_and_to_this_machine(provider: str, address: str, variable: str):
    assert key_for(provider, address, variable) == KEY


@pytest.mark.parametrize(
    ("provider", "address", "variable"),
    [
        ("openai", "https://collector.example/v1", ""),
        ("openai", "https://api.openai.com.collector.example/v1", ""),
        ("openai", "https://notapi.openai.com/v1", ""),
        ("openai", "https://collector.example\\.api.openai.com/v1", ""),
        ("openai", "https://api.deepseek.com/v1", ""),
        ("deepseek", "https://api.deepseek.com", "OPENAI_API_KEY"),
        ("compatible", "https://collector.example/v1", ""),
        ("compatible", "https://collector.example/v1", "ANTHROPIC_API_KEY"),
        ("compatible", "http://127.0.0.1.collector.example/v1", ""),
        ("vllm", "http://10.0.0.5:8000/v1", ""),
        ("azure", "https://collector.example/openai/v1", ""),
        ("azure", "https://collector.blob.core.windows.net/openai/v1", ""),
        # whoever rents a bucket or a machine there reads what is sent
        ("bedrock", "https://collector.s3.amazonaws.com/v1", ""),
        ("bedrock", "https://bedrock-runtime.s3.amazonaws.com/v1", ""),
        ("bedrock", "https://ec2-1-2-3-4.compute.amazonaws.com/v1", ""),
    ],
)
def test_key_goes_to_no_other_host(provider: str, address: str, variable: str):
    with pytest.raises(RecipeError, match="may not go to") as caught:
        key_for(provider, address, variable)
    assert f"set {TRUSTED}=" in str(caught.value)
    assert "its own provider" in str(caught.value)
    assert KEY not in str(caught.value)


def test_key_goes_to_a_host_that_whoever_starts_the_run_has_named():
    for provider in ("openai", "compatible"):
        assert key_for(provider, "https://Gateway.example:8443/v1", trusted="other.example, gateway.EXAMPLE") == KEY
    assert key_for("vllm", "http://10.0.0.5:8000/v1", trusted="10.0.0.5") == KEY
    with pytest.raises(RecipeError, match=r"may not go to sub\.gateway\.example"):
        key_for("openai", "https://sub.gateway.example/v1", trusted="gateway.example")


def test_key_goes_to_no_public_host_over_http_even_if_it_is_named():
    with pytest.raises(RecipeError, match=r"VLLM_API_KEY may not go to gateway\.example over http://"):
        key_for("vllm", "http://gateway.example:8000/v1", trusted="gateway.example")


def test_endpoint_without_a_key_may_be_anywhere():
    asked = teacher("vllm", "http://gateway.example:8000/v1")
    assert asked.endpoint
    assert read_api_key(asked.endpoint, {}) == ""


@pytest.mark.parametrize(
    "entry", ["https://gateway.example", "gateway.example/v1", "gateway.example:8443", "*.example"]
)
def test_trusted_hosts_that_are_no_hosts_are_refused(entry: str):
    with pytest.raises(RecipeError, match="without https://"):
        trusted_hosts({TRUSTED: f"good.example,{entry}"})
    assert trusted_hosts({TRUSTED: "a.example b.example., ::1"}) == {"a.example", "b.example", "::1"}


def received(provider: str, address: str, status: int = 200) -> list[httpx2.Request]:
    """The requests that one call sends, to whatever host."""
    seen: list[httpx2.Request] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(status, json={}, headers={"location": "https://collector.example/v1/chat/completions"})

    asked = teacher(provider, address)
    assert asked.endpoint
    model = ApiModel(asked, asked.endpoint, ResponseForm(), KEY)

    async def call() -> None:
        api = open_api(model, httpx2.MockTransport(handle))
        await api.chat.completions.with_raw_response.create(model="m", messages=[])

    if status >= 300:
        with pytest.raises(Exception, match=str(status)):
            asyncio.run(call())
    else:
        asyncio.run(call())
    return seen


@pytest.mark.parametrize(
    ("address", "variable", "trusted", "may"),
    [
        ("https://gateway.example/v1", "GATEWAY_API_KEY", "gateway.example", True),
        ("http://127.0.0.1:8000/v1", "GATEWAY_API_KEY", "", True),
        ("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY", "", True),
        ("https://gateway.example/v1", "GATEWAY_API_KEY", "", False),
        ("https://gateway.example/v1", "OPENAI_API_KEY", "", False),
        ("https://gateway.example/v1", "OPENAI_API_KEY", "other.example", False),
    ],
)
def test_secret_of_a_header_goes_where_a_key_may_go(address: str, variable: str, trusted: str, may: bool):
    asked = teacher("compatible", address, endpoint={"headers_from_env": {"x-gateway": variable}})
    assert asked.endpoint
    environment = {variable: KEY, TRUSTED: trusted}
    if may:
        assert read_secret_headers(asked.endpoint, environment) == {"x-gateway": KEY}
    else:
        with pytest.raises(RecipeError, match=f"The key in {variable} may not go to gateway.example") as caught:
            read_secret_headers(asked.endpoint, environment)
        assert KEY not in str(caught.value)


AMBIENT = {
    "OPENAI_ORG_ID": "org-secret",
    "OPENAI_PROJECT_ID": "project-secret",
    "OPENAI_ADMIN_KEY": "admin-secret",
    "OPENAI_BASE_URL": "https://collector.example/secret",
    "OPENAI_WEBHOOK_SECRET": "hook-secret",
    "OPENAI_CUSTOM_HEADERS": "X-Gateway: gateway-secret\nAuthorization: Bearer other-secret",
    "HF_TOKEN": "hub-secret",
    "AWS_SECRET_ACCESS_KEY": "aws-secret",
    "HTTPS_PROXY": "http://user:proxy-secret@127.0.0.1:9",
}


@pytest.mark.parametrize(
    ("provider", "address"),
    [
        ("deepseek", "https://api.deepseek.com"),
        ("compatible", "https://x.example/v1"),
        ("openai", "https://x.example/v1"),
    ],
)
def test_what_the_library_reads_from_the_environment_goes_to_openai_alone(
    monkeypatch: pytest.MonkeyPatch, provider: str, address: str
):
    for name, value in AMBIENT.items():
        monkeypatch.setenv(name, value)
    (request,) = received(provider, address)
    assert str(request.url) == f"{address}/chat/completions"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert "secret" not in str(sorted(request.headers.items()))


def test_openai_itself_gets_its_own_variables(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Gateway: mine")
    (request,) = received("openai", "https://api.openai.com/v1")
    assert (request.headers["openai-organization"], request.headers["x-gateway"]) == ("org-1", "mine")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirect_takes_no_key_to_another_host(status: int):
    requests: list[Any] = received("openai", "https://api.openai.com/v1", status)
    assert [request.url.host for request in requests] == ["api.openai.com"]
