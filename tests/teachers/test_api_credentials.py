"""Keys and headers with secrets: sent to the endpoint, refused where they can't be, and nowhere else."""

import os

import pytest

from stillhouse.errors import RecipeError
from tests.support.api.generations import billing, first, run
from tests.support.api.requests import KEY
from tests.support.api.server import answer, failure


def test_api_key_is_sent_as_a_bearer_and_is_nowhere_else(tmp_path, serve, monkeypatch):
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-another-provider")
    monkeypatch.setenv("OTHER_API_KEY", KEY)
    server = serve(lambda _: answer("billing"))
    _, told = run(tmp_path, 2, provider="anthropic", endpoint={"api_key_env": "OTHER_API_KEY"})
    assert {request.headers["authorization"] for request in server.requests} == {f"Bearer {KEY}"}
    assert not any("openai-organization" in request.headers for request in server.requests)
    assert KEY not in told.text
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) >= 3
    assert not any(KEY.encode() in path.read_bytes() for path in written)


@pytest.mark.parametrize("provider", ["openai", "compatible"])
def test_headers_for_a_gateway_are_sent_and_their_secrets_are_nowhere_else(tmp_path, serve, monkeypatch, provider):
    secret = "pk-Portk3ySecret-987654321"
    monkeypatch.setenv("GATEWAY_API_KEY", secret)
    echo = failure(429, f"slow down, {secret}", headers={"retry-after": "0"})
    server = serve(first(echo))
    headers = {"headers": {"X-Title": "distil"}, "headers_from_env": {"x-gateway-api-key": "GATEWAY_API_KEY"}}
    monkeypatch.setenv("OTHER_API_KEY", KEY)
    asked = {"provider": provider, "output": {"kind": "free"}}
    _, told = run(tmp_path, 2, endpoint={"api_key_env": "OTHER_API_KEY", **headers}, **asked)
    assert {request.headers["x-title"] for request in server.requests} == {"distil"}
    assert {request.headers["x-gateway-api-key"] for request in server.requests} == {secret}
    assert {request.headers["authorization"] for request in server.requests} == {f"Bearer {KEY}"}
    assert "slow down, ***" in told.text
    assert secret not in told.text
    assert not any(secret.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    # they are no part of a key
    assert run(tmp_path, 2, **asked)[0]["from_store"] == 2


@pytest.mark.parametrize("value", [None, "", "two words"])
def test_header_whose_variable_is_not_set_ends_the_run_and_is_named(tmp_path, serve, monkeypatch, value):
    server = serve(billing)
    if value is not None:
        monkeypatch.setenv("GATEWAY_API_KEY", value)
    with pytest.raises(RecipeError, match="GATEWAY_API_KEY must hold the value of the header x-gateway"):
        run(tmp_path, 2, endpoint={"headers_from_env": {"x-gateway": "GATEWAY_API_KEY"}})
    assert not server.requests


@pytest.mark.parametrize("key", [None, "", f"{KEY}\nx-injected: 1", "kéy"])
def test_missing_or_unusable_key_is_refused_by_its_variable_and_not_shown(tmp_path, serve, monkeypatch, key):
    monkeypatch.delenv("OPENAI_API_KEY")
    if key is not None:
        monkeypatch.setenv("OPENAI_API_KEY", key)
    server = serve(billing)
    with pytest.raises(RecipeError, match="OPENAI_API_KEY") as caught:
        run(tmp_path)
    assert KEY not in str(caught.value)
    assert not server.requests


def test_api_key_with_a_line_end_is_read_without_it(tmp_path, serve, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\n")
    server = serve(billing)
    run(tmp_path, 1)
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_environment_of_the_tests_has_no_api_key():
    assert not [name for name in os.environ if name.endswith("_API_KEY")]
