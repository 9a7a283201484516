"""`stillhouse models` in this process: what a user sees, and what a mistake says."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deployments.cli import app
from stillhouse.artifacts.config import StoreConfig
from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.artifacts.store import Store, open_store
from stillhouse.errors import ModelError, StoreError, UserError
from stillhouse.registry.registry import ModelRegistry
from stillhouse.runtime.settings import load_settings
from tests.support.command import shown
from tests.support.registry import content, measured
from tests.support.s3.server import S3Server

EXPORT = ArtifactRef(stage="export", fingerprint="e" * 64)


def put_folder(store: Store, ref: ArtifactRef) -> ArtifactRef:
    with store.workspace(ref.stage, 1, ref.fingerprint, {}, {}) as work:
        (work.folder / "deep").mkdir()
        (work.folder / "model.safetensors").write_text(ref.stage)
        (work.folder / "deep" / "more.json").write_text("{}")
        work.commit({})
    return ref


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store with two versions of `demo`: the first is champion, the second challenger and has an export."""
    monkeypatch.setenv("STILLHOUSE_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("COLUMNS", "200")
    found = Store(StoreConfig(url=str(tmp_path / "store")))
    registry = ModelRegistry(found, clock=lambda: "2026-11-28T10:15:30+00:00")
    exports = {"onnx-int8": put_folder(found, EXPORT)}
    registry.register(content("a"), who="run one")
    registry.register(content("b", exports=exports, measured=measured(0.81), gate="refused"), who="run two")
    put_folder(found, ArtifactRef(stage="train", fingerprint="b" * 64))
    registry.promote("demo", 1, who="gate", why="gate passed in run one", action="promote")
    registry.promote("demo", 2, alias="challenger", who="run two", why="newest", action="register")
    return found


def test_models_list_and_show_say_what_is_in_use_and_how_it_came(store: Store) -> None:
    line = next(one for one in shown("models", "list").splitlines() if "demo" in one)
    assert line.split() == ["demo", "2", "1", "2", "–", "2026-11-28", "10:15"]
    assert json.loads(shown("models", "list", "--json")) == {
        "demo": {"versions": [1, 2], "aliases": {"champion": 1, "challenger": 2}}
    }
    text = shown("models", "show", "demo")
    assert "gate passed in run one" in text
    assert text.index("demo/2") < text.index("demo/1")
    assert "0.810" in text
    found = json.loads(shown("models", "show", "demo", "--json"))
    assert [one["version"] for one in found["versions"]] == [1, 2]
    assert [(one["from"], one["to"], one["who"]) for one in found["history"]] == [
        (None, 1, "gate"),
        (None, 2, "run two"),
    ]


def test_models_show_one_version_has_its_scores_exports_and_run(store: Store) -> None:
    text = shown("models", "show", "demo@challenger")
    for part in ("demo/2", "challenger", "0.810", "export onnx-int8", "refused", "bbbbbbbbbbbb", "run two"):
        assert part in text
    assert json.loads(shown("models", "show", "demo/2", "--json"))["gate"] == "refused"


def test_models_diff_names_recipe_stages_and_qualities_that_differ(store: Store) -> None:
    text = shown("models", "diff", "demo@champion", "demo@challenger")
    assert ["training.epochs", "10", "11"] in [line.split() for line in text.splitlines()]
    assert "0.700" in text
    assert "0.810" in text
    assert "don't compare" not in text  # the stage `split` is the same


def test_models_promote_and_rollback_move_the_champion_and_note_who_and_why(store: Store) -> None:
    assert "demo@champion is demo/2 now; it was demo/1." in shown(
        "models", "promote", "demo@challenger", "--why", "better", "--who", "ada"
    )
    assert "demo@champion is demo/2 already." in shown("models", "promote", "demo/2")
    assert "demo@champion is demo/1 again; it was demo/2." in shown("models", "rollback", "demo", "--who", "bob")
    last = ModelRegistry(store).history("demo")[-2:]
    assert [(one.who, one.why, one.action) for one in last] == [
        ("ada", "better", "promote"),
        ("bob", "by hand", "rollback"),
    ]
    assert "demo@canary is demo/1 now." in shown("models", "promote", "demo/1", "--alias", "canary")


def test_models_promote_without_who_notes_this_machines_user(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "grace")
    shown("models", "promote", "demo/2")
    assert ModelRegistry(store).history("demo")[-1].who == "grace"


@pytest.mark.parametrize(("option", "weights"), [((), "train"), (("--export", "onnx-int8"), "export")])
def test_models_pull_copies_the_files_and_their_origin_alone(
    store: Store, tmp_path: Path, option: tuple[str, ...], weights: str
) -> None:
    folder = tmp_path / "new" / "served"
    assert f"in {folder}" in shown("models", "pull", "demo/2", str(folder), *option).replace("\n", "")
    own = [path for path in folder.rglob("*") if path.is_file() and "origin" not in path.parts]
    files = {path.relative_to(folder).as_posix(): path.read_text() for path in own}
    assert (folder / "origin").is_dir()
    assert files == {"model.safetensors": weights, "deep/more.json": "{}"}
    assert [path.name for path in folder.parent.iterdir()] == ["served"]


MISTAKES = {
    "alias": (("show", "demo@champoin"), r"has no alias 'champoin'; .*Did you mean 'champion'\?"),
    "name": (("rollback", "dmeo"), r"has no model 'dmeo'; it has demo. Did you mean 'demo'\?"),
    "version": (("promote", "demo/9"), "no version 9, there is none yet; it has 1, 2"),
    "form": (("promote", "demo"), "'demo' names no version of a model"),
    "word": (("promote", "demo/2", "--alias", "My Alias"), "'My Alias' is no alias"),
    "back": (("rollback", "demo"), "it named no other version before"),
    "export": (("pull", "demo/2", "out", "--export", "onnx"), "no export 'onnx'; it has onnx-int8. Did you mean"),
    "full": (("pull", "demo/2", "."), "is there and not empty"),
    "lost": (("pull", "demo/1", "out"), "no complete artifact artifacts/train/a"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_models_mistake_is_one_line_and_moves_nothing(
    store: Store, mistake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments, message = MISTAKES[mistake]
    with pytest.raises(UserError, match=message) as caught:
        shown("models", *arguments)
    assert "\n" not in str(caught.value)
    assert len(ModelRegistry(store).history("demo")) == 2
    assert not (tmp_path / "out").exists()


def test_models_deleted_version_is_told_and_another_can_be_named(store: Store) -> None:
    store.delete("models/demo/versions/1")
    with pytest.raises(ModelError, match="demo@champion: model 'demo' has no version 1, it was deleted; it has 2"):
        shown("models", "show", "demo@champion")
    with pytest.raises(ModelError, match="it was deleted"):
        shown("models", "promote", "demo/1")
    shown("models", "promote", "demo/2")
    with pytest.raises(ModelError, match=r"the version that demo@champion named before: .* it was deleted"):
        shown("models", "rollback", "demo")
    assert ModelRegistry(store).aliases("demo")["champion"] == 2


def test_models_promote_in_a_store_that_cannot_be_written_moves_nothing(store: Store, tmp_path: Path) -> None:
    (tmp_path / "store" / ".locks").rename(tmp_path / "kept")
    (tmp_path / "store" / ".locks").write_text("in the way")
    with pytest.raises(StoreError, match=r"could not write models/demo/aliases\.json"):
        shown("models", "promote", "demo/2")
    assert ModelRegistry(store).aliases("demo")["champion"] == 1


def test_models_list_of_an_empty_store_says_how_a_model_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STILLHOUSE_STORE", str(tmp_path / "empty"))
    assert "holds no model yet. Every finished run registers its student." in shown("models", "list").replace("\n", " ")


@pytest.mark.slow
def test_models_promote_on_s3_without_conditional_writes_says_what_may_be_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "served").mkdir()
    with S3Server(tmp_path / "served") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("STILLHOUSE_STORE", "s3://bucket/p")
        server.client().mkdir("bucket")
        ModelRegistry(open_store(load_settings().store)).register(content("a"), who="x")
        done = CliRunner().invoke(app, ["models", "promote", "demo/1"])
    assert "demo@champion is demo/1 now." in done.stdout
    assert "This S3 server has no conditional writes" in done.stderr
