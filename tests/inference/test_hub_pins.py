"""What a hub's name means in a store, whatever its branch does since."""

from pathlib import Path

import huggingface_hub.constants
import pytest

from stillhouse.artifacts.store import Store, StoreConfig
from stillhouse.completions.store import CompletionStore
from stillhouse.errors import ModelError, StoreError
from stillhouse.inference.hub_pins import known_as, pinned_commit
from tests.support.builders import TEACHER, make_completion
from tests.support.hub import Hub

pytestmark = pytest.mark.slow

FIRST, SECOND = "a" * 40, "b" * 40


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(StoreConfig(url=str(tmp_path / "store"), cache_dir=tmp_path / "cache"))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    with Hub() as found:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", found.address)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        found.push("owner/name", FIRST)
        yield found


def other_machine(store: Store) -> Store:
    return Store(store.config.model_copy())


def test_pinned_commit_is_that_of_the_first_sight_for_all_machines(store, hub):
    assert pinned_commit(store, "owner/name", "") == FIRST
    hub.push("owner/name", SECOND)
    assert pinned_commit(other_machine(store), "owner/name", "main") == FIRST
    assert hub.asked == ["owner/name/revision/main"]
    assert known_as(store, "owner/name", FIRST) == FIRST


def test_pinned_commit_each_model_branch_and_store_has_its_own(store, hub, tmp_path):
    hub.push("owner/name", SECOND, branch="refs%2Fpr%2F1")
    hub.push("owner/name-2", SECOND)
    assert pinned_commit(store, "owner/name", "") == FIRST
    assert pinned_commit(store, "owner/name", "refs/pr/1") == SECOND
    assert pinned_commit(store, "owner/name-2", "") == SECOND
    hub.push("owner/name", SECOND)
    assert pinned_commit(Store(StoreConfig(url=str(tmp_path / "new"))), "owner/name", "") == SECOND


def test_pinned_commit_of_a_commit_asks_nobody_and_notes_nothing(store, hub):
    assert pinned_commit(store, "owner/name", SECOND) == SECOND
    assert hub.asked == store.list("work") == []
    assert known_as(store, "owner/name", SECOND) == SECOND


def test_known_as_in_a_store_of_earlier_versions_is_the_branch_so_that_answers_are_found(store, hub):
    CompletionStore(store, TEACHER).append([make_completion(key="a", teacher=TEACHER)], logprobs=0)
    hub.push("owner/other", SECOND)
    for model, commit in (("owner/name", FIRST), ("owner/other", SECOND)):
        assert pinned_commit(store, model, "") == commit
        assert known_as(other_machine(store), model, commit) == "main"
    assert known_as(store, "owner/name", SECOND) == SECOND  # a commit that the recipe names is another model


def test_known_as_in_a_new_store_stays_the_commit_though_answers_come(store, hub):
    pinned_commit(store, "owner/name", "")
    CompletionStore(store, TEACHER).append([make_completion(key="a", teacher=TEACHER)], logprobs=0)
    hub.push("owner/other", SECOND)
    pinned_commit(store, "owner/other", "")
    assert known_as(store, "owner/name", FIRST) == FIRST
    assert known_as(store, "owner/other", SECOND) == SECOND


def test_pinned_commit_without_a_network_is_that_of_the_last_download(store, hub, monkeypatch, tmp_path):
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelError, match=r"owner/name.* which commit its main is.*name a folder or a commit"):
        pinned_commit(store, "owner/name", "")
    assert store.list("work") == []
    cached = tmp_path / "hub" / "models--owner--name"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text(SECOND)
    (cached / "snapshots" / SECOND).mkdir(parents=True)
    assert pinned_commit(store, "owner/name", "") == SECOND


@pytest.mark.parametrize("model", ["owner/gone", "owner/odd"])
def test_pinned_commit_that_the_hub_does_not_know_is_refused(store, hub, model):
    hub.push("owner/odd", "not a commit")
    with pytest.raises(ModelError, match=f"Model {model}"):
        pinned_commit(store, model, "")
    assert store.list("work") == []


def test_pinned_commit_damaged_note_is_refused_and_not_made_anew(store, hub):
    pinned_commit(store, "owner/name", "")
    store.put_text("work/models/owner/name/main.json", '{"commit": ')
    hub.push("owner/name", SECOND)
    for look in (lambda: pinned_commit(store, "owner/name", ""), lambda: known_as(store, "owner/name", FIRST)):
        with pytest.raises(StoreError, match="damaged"):
            look()
