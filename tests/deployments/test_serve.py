import pytest

from deployments.serve import check_address, handed_back
from stillhouse.errors import RecipeError, ServiceError
from stillhouse.recipe.teacher import Teacher
from stillhouse.serving.find import Found
from tests.support.served import record

VARIABLE = "STILLHOUSE_SERVE_API_KEY"


def found(examples: str | None = None, **changes) -> Found:
    return Found(
        name="t", version="1", served="t", folder="/t", record=record(**changes), engine="encoder", examples=examples
    )


def refusal(host: str) -> str:
    """Why a server without any flag may not listen there; empty if it may."""
    try:
        check_address(host, no_key=False, behind_tls=False)
    except ServiceError as error:
        return str(error)
    return ""


def test_own_addresses_alone_need_no_flag():
    hosts = ("127.0.0.1", "localhost", "::1", "0.0.0.0", "::", "10.0.0.5", "serve.example")
    assert [host for host in hosts if not refusal(host)] == ["127.0.0.1", "localhost", "::1"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_own_address_may_be_served_without_a_key(host):
    assert check_address(host, no_key=True, behind_tls=False) is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "serve.example"])
def test_address_that_others_reach_needs_tls_before_it_and_a_key_of_its_owner(monkeypatch, host):
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(ServiceError, match="--behind-tls"):
        check_address(host, no_key=False, behind_tls=False)
    with pytest.raises(ServiceError, match=f"set {VARIABLE}"):
        check_address(host, no_key=False, behind_tls=True)
    monkeypatch.setenv(VARIABLE, "key")
    with pytest.raises(ServiceError, match="--no-key"):
        check_address(host, no_key=True, behind_tls=True)
    check_address(host, no_key=False, behind_tls=True)


def test_hand_back_takes_address_and_threshold():
    settings = handed_back(found(), "http://127.0.0.1:8000/v1", None)
    assert settings is not None
    assert settings.teacher.endpoint is not None
    assert (settings.teacher.endpoint.address, settings.threshold) == ("http://127.0.0.1:8000/v1", 0.5)
    again = handed_back(found(threshold=None), "http://127.0.0.1:8000/v1", 0.9)
    assert again is not None
    assert again.threshold == 0.9


def test_hand_back_keeps_the_rest_of_the_recipes_endpoint():
    endpoint = {"provider": "deepseek", "api_key_env": "DEEPSEEK_API_KEY", "concurrency": 3}
    teacher = Teacher.model_validate({"model": "deepseek-chat", "endpoint": endpoint})
    as_written = handed_back(found(teacher=teacher), "recipe", None)
    assert as_written is not None
    assert as_written.teacher == teacher
    moved = handed_back(found(teacher=teacher), "https://gateway.example/v1", None)
    assert moved is not None
    assert moved.teacher.endpoint is not None
    assert (moved.teacher.endpoint.address, moved.teacher.endpoint.concurrency) == ("https://gateway.example/v1", 3)


def test_hand_back_is_off_unless_it_is_asked_for():
    assert handed_back(found(), "", None) is None


@pytest.mark.parametrize(
    ("model", "to", "says"),
    [
        (found(threshold=None), "http://127.0.0.1:1/v1", "--threshold"),
        (found(), "recipe", "no endpoint"),
        (found(), "not an address", "--hand-back: an address begins with"),
        (found(teacher=Teacher(model="t", prompt={"examples": 4})), "http://127.0.0.1:1/v1", "from the store"),
    ],
)
def test_hand_back_that_cannot_work_is_refused_before_the_model_is_loaded(model, to, says):
    with pytest.raises(RecipeError, match=says):
        handed_back(model, to, None)
