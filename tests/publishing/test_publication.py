"""What of a version leaves the store, and which servers get a token."""

import pytest

from stillhouse.artifacts.fingerprint import fingerprint
from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.artifacts.store import Store
from stillhouse.errors import ModelError, ServiceError, UserError
from stillhouse.publishing.hub import check_push
from stillhouse.publishing.mlflow_registry import tracking_address
from stillhouse.publishing.publication import licence_of, publication_of
from stillhouse.registry.version import ModelVersion

SENT = {"model.safetensors", "config.json", "tokenizer.json", "README.md", "data_card.md"}


def test_publication_holds_weights_tokenizer_and_cards_and_nothing_else(store: Store, version: ModelVersion):
    assert set(publication_of(store, version).sizes) == SENT


def test_publication_with_a_licence_states_it_in_the_card_alone(store: Store, version: ModelVersion):
    plain, licensed = publication_of(store, version), publication_of(store, version, licence="apache-2.0")
    assert (licence_of(plain), licence_of(licensed)) == ("", "apache-2.0")
    assert licensed.cards["README.md"] == plain.cards["README.md"].replace("license: unknown", "license: apache-2.0")


def test_publication_without_safetensors_is_refused(store: Store, version: ModelVersion):
    key = fingerprint("train", 2, {}, {})
    with store.workspace("train", 2, key, {}, {}) as work:
        (work.folder / "pytorch_model.bin").write_text("a pickle")
        work.commit({}, {})
    other = version.model_copy(update={"student": ArtifactRef(stage="train", fingerprint=key)})
    with pytest.raises(ModelError, match=r"demo/1 has no weights as \*.safetensors.*it has pytorch_model.bin"):
        publication_of(store, other)


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({}, "HF_TOKEN is not set"),
        ({"HF_TOKEN": " "}, "HF_TOKEN is not set"),
        ({"HF_TOKEN": "hf_x", "HF_ENDPOINT": "https://mirror.example"}, "may not go to mirror.example"),
        ({"HF_TOKEN": "hf_x", "HF_ENDPOINT": "https://nothuggingface.co"}, "may not go to nothuggingface.co"),
        ({"HF_TOKEN": "hf_x", "HF_ENDPOINT": "http://huggingface.co"}, "over http://"),
        ({"HF_TOKEN": "hf_x", "HF_ENDPOINT": "https://user:pw@huggingface.co"}, "without user and password"),
        ({"HF_TOKEN": "hf_x", "HF_ENDPOINT": "huggingface.co"}, "must be the address of a server"),
    ],
)
def test_push_of_a_token_that_may_not_go_there_is_refused(store, version, environment, says):
    with pytest.raises(ServiceError, match=says) as refused:
        check_push(publication_of(store, version), "acme/tickets", environment, is_public=False)
    assert "hf_x" not in str(refused.value)
    assert "pw" not in str(refused.value)


def refusal(publication, environment) -> str:
    """Why a push is refused; empty if it is not."""
    try:
        check_push(publication, "acme/tickets", environment, is_public=False)
    except UserError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    "environment",
    [
        {"HF_TOKEN": "hf_x"},
        {"HF_TOKEN": "hf_x", "HF_ENDPOINT": "http://127.0.0.1:9/"},
        {
            "HF_TOKEN": "hf_x",
            "HF_ENDPOINT": "https://mirror.example",
            "STILLHOUSE_TRUSTED_HOSTS": "mirror.example",
        },
    ],
)
def test_push_of_a_token_to_its_own_hub_this_machine_or_a_named_host_is_allowed(store, version, environment):
    assert refusal(publication_of(store, version), environment) == ""


@pytest.mark.parametrize("repo", ["", "tickets", "acme/", "/tickets", "acme/tickets/3"])
def test_push_to_no_repository_is_refused(store, version, repo):
    with pytest.raises(ModelError, match="must be OWNER/NAME"):
        check_push(publication_of(store, version), repo, {"HF_TOKEN": "hf_x"}, is_public=False)


def test_push_for_everybody_needs_a_licence(store, version):
    with pytest.raises(ModelError, match="states no licence"):
        check_push(publication_of(store, version), "acme/tickets", {"HF_TOKEN": "hf_x"}, is_public=True)
    licensed = publication_of(store, version, licence="mit")
    check_push(licensed, "acme/tickets", {"HF_TOKEN": "hf_x"}, is_public=True)


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({}, "MLFLOW_TRACKING_URI is not set"),
        ({"MLFLOW_TRACKING_URI": "sqlite:///mlflow.db"}, "must be the address of a server"),
        ({"MLFLOW_TRACKING_URI": "http://mlflow.example", "MLFLOW_TRACKING_TOKEN": "secret"}, "TOKEN may not go to"),
        ({"MLFLOW_TRACKING_URI": "http://mlflow.example", "MLFLOW_TRACKING_PASSWORD": "secret"}, "PASSWORD may not go"),
        ({"MLFLOW_TRACKING_URI": "https://me:secret@mlflow.example"}, "without user and password"),
    ],
)
def test_mlflow_address_that_may_not_be_used_is_refused(environment, says):
    with pytest.raises(ServiceError, match=says) as refused:
        tracking_address(environment)
    assert "secret" not in str(refused.value)


def test_mlflow_address_of_the_environment_is_used():
    environment = {"MLFLOW_TRACKING_URI": "https://mlflow.example/", "MLFLOW_TRACKING_TOKEN": "secret"}
    assert tracking_address(environment) == "https://mlflow.example"
