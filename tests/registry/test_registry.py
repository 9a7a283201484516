"""The registry: versions, aliases, moves, and what it says to mistakes."""

import threading

import pytest

from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.artifacts.store import Store
from stillhouse.errors import ModelError, StoreError
from stillhouse.registry.registry import ModelRegistry
from tests.support.registry import content

ONNX = {"onnx-int8": ArtifactRef(stage="export", fingerprint="e" * 64)}


def registered(registry: ModelRegistry, *marks: str) -> None:
    for mark in marks:
        registry.register(content(mark), who="a run")


def test_register_students_get_numbers_in_order_and_are_found_by_them(registry: ModelRegistry) -> None:
    registered(registry, "a", "b")
    assert registry.names() == ["demo"]
    assert [(one.version, one.student.fingerprint[0]) for one in registry.versions("demo")] == [(1, "a"), (2, "b")]
    found = registry.find("models:/demo/2")
    assert (found.created_by, found.created_at, found.reference) == ("a run", "2026-11-28T10:01:00+00:00", "demo/2")
    assert (
        found.model_dump(exclude={"version", "created_by", "created_at", "schema_version"}) == content("b").model_dump()
    )


@pytest.mark.parametrize(("exports", "later", "number"), [({}, {}, 1), (ONNX, {}, 1), (ONNX, ONNX, 1), ({}, ONNX, 3)])
def test_register_same_student_again_is_a_version_only_with_a_new_export(
    registry: ModelRegistry, exports: dict[str, ArtifactRef], later: dict[str, ArtifactRef], number: int
) -> None:
    registry.register(content("a", exports=exports), who="x")
    registered(registry, "b")
    assert registry.register(content("a", exports=later, run_id="another"), who="y").version == number


def test_register_by_four_at_once_gives_four_numbers(store: Store) -> None:
    def register(mark: str) -> None:
        ModelRegistry(store).register(content(mark), who=mark)

    threads = [threading.Thread(target=register, args=(mark,)) for mark in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {one.created_by for one in ModelRegistry(store).versions("demo")} == set("abcd")
    assert ModelRegistry(store).numbers("demo") == [1, 2, 3, 4]


def test_register_number_of_a_deleted_version_is_not_given_again(registry: ModelRegistry, store: Store) -> None:
    registered(registry, "a", "b")
    registry.promote("demo", 2, who="x", why="y")
    store.delete("models/demo/versions/2")
    assert registry.register(content("c"), who="z").version == 3


def test_promote_moves_the_alias_and_history_says_who_when_and_why(registry: ModelRegistry) -> None:
    registered(registry, "a", "b")
    registry.promote("demo", 1, who="ada", why="first")
    registry.promote("demo", 2, who="bob", why="better", action="register")
    registry.promote("demo", 1, alias="canary", who="ada", why="try")
    assert registry.aliases("demo") == {"champion": 2, "canary": 1}
    assert registry.find("demo@champion").version == 2
    moves = [one.model_dump(by_alias=True, exclude={"id"}) for one in registry.history("demo")]
    assert moves[1] == {
        "alias": "champion",
        "from": 1,
        "to": 2,
        "who": "bob",
        "when": "2026-11-28T10:03:00+00:00",
        "why": "better",
        "action": "register",
    }
    assert [(one["alias"], one["from"], one["to"]) for one in moves] == [
        ("champion", None, 1),
        ("champion", 1, 2),
        ("canary", None, 1),
    ]


def test_promote_to_where_it_is_moves_nothing(registry: ModelRegistry) -> None:
    registered(registry, "a")
    assert registry.promote("demo", 1, who="x", why="y") is not None
    assert registry.promote("demo", 1, who="x", why="y") is None
    assert len(registry.history("demo")) == 1


def test_rollback_goes_back_step_by_step_and_forward_again(registry: ModelRegistry) -> None:
    registered(registry, "a", "b", "c")
    for number in (1, 2, 3):
        registry.promote("demo", number, who="x", why="y")
    assert [registry.rollback("demo", who="x", why="bad").target for _ in range(2)] == [2, 1]
    with pytest.raises(ModelError, match="it named no other version before"):
        registry.rollback("demo", who="x", why="bad")
    registry.promote("demo", 3, who="x", why="mended")
    assert registry.rollback("demo", who="x", why="bad again").target == 1
    assert [one.action for one in registry.history("demo")] == ["promote"] * 3 + ["rollback"] * 2 + [
        "promote",
        "rollback",
    ]


def test_refusal_stands_in_the_history_and_moves_nothing(registry: ModelRegistry) -> None:
    registered(registry, "a", "b")
    registry.promote("demo", 1, who="x", why="y")
    assert registry.refuse("demo", 2, who="ada", why="too slow").action == "refuse"
    assert registry.aliases("demo") == {"champion": 1}
    with pytest.raises(ModelError, match="it named no other version before"):
        registry.rollback("demo", who="x", why="y")
    assert [one.action for one in registry.history("demo")] == ["promote", "refuse"]


def test_promoters_at_once_all_stand_in_the_history(store: Store, registry: ModelRegistry) -> None:
    registered(registry, "a", "b", "c")

    def promote(who: int) -> None:
        for turn in range(5):
            ModelRegistry(store).promote("demo", 1 + (who + turn) % 3, alias=f"own{who}", who=str(who), why=str(turn))

    threads = [threading.Thread(target=promote, args=(who,)) for who in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    moves = registry.history("demo")
    assert sorted((one.who, one.why) for one in moves) == [(str(w), str(t)) for w in range(3) for t in range(5)]
    assert registry.aliases("demo") == {one.alias: one.target for one in moves}


class Beaten(Store):
    """A store in which another promotes just before the swap of whoever comes first."""

    another: ModelRegistry | None = None

    def swap(self, key: str, data: bytes, version: str | None) -> bool:
        if self.another:
            another, self.another = self.another, None
            another.promote("demo", 3, who="bob", why="night run")
        return super().swap(key, data, version)


class Unheard(Beaten):
    """A store whose first swap is made but answers as if it were not, and then another promotes."""

    def swap(self, key: str, data: bytes, version: str | None) -> bool:
        if not self.another:
            return super().swap(key, data, version)
        another, self.another = self.another, None
        assert super().swap(key, data, version)
        another.promote("demo", 3, who="bob", why="night run")
        return False


def test_promote_whose_answer_was_lost_stands_once_in_the_history(store: Store, registry: ModelRegistry) -> None:
    registered(registry, "a", "b", "c")
    unheard = Unheard(store.config)
    unheard.another = registry
    move = ModelRegistry(unheard).promote("demo", 2, who="ada", why="better")
    assert move is not None
    assert [one.who for one in registry.history("demo")] == ["ada", "bob"]
    assert registry.history("demo")[0].id == move.id
    assert registry.aliases("demo") == {"champion": 3}


def test_rollback_of_what_another_just_promoted_is_refused(store: Store, registry: ModelRegistry) -> None:
    registered(registry, "a", "b", "c")
    for number in (1, 2):
        registry.promote("demo", number, who="x", why="y")
    beaten = Beaten(store.config)
    beaten.another = registry
    with pytest.raises(ModelError, match="demo@champion was moved meanwhile, by bob"):
        ModelRegistry(beaten).rollback("demo", who="ada", why="bad")
    assert registry.aliases("demo") == {"champion": 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("demo@champoin", r"no alias 'champoin'; it has canary, champion. Did you mean 'champion'\?"),
        ("dmeo@champion", r"has no model 'dmeo'; it has demo. Did you mean 'demo'\?"),
        ("demo/7", r"demo/7: model 'demo' has no version 7, there is none yet; it has 1."),
        ("demo@canary", r"demo@canary: model 'demo' has no version 2, it was deleted; it has 1."),
        ("demo/2", r"demo/2: model 'demo' has no version 2, it was deleted; it has 1."),
        ("demo", r"'demo' names no version of a model: it must be NAME@alias or NAME/3"),
        ("demo/0", r"names no version"),
        ("../demo@champion", r"names no version"),
        ("models:/demo@", r"'models:/demo@' names no version"),
    ],
)
def test_find_mistake_is_told_in_one_line(registry: ModelRegistry, store: Store, text: str, message: str) -> None:
    registered(registry, "a", "b")
    registry.promote("demo", 1, who="x", why="y")
    registry.promote("demo", 2, alias="canary", who="x", why="y")
    store.delete("models/demo/versions/2")
    with pytest.raises(ModelError, match=message) as caught:
        registry.find(text)
    assert "\n" not in str(caught.value)


def test_promote_mistake_moves_nothing(registry: ModelRegistry) -> None:
    registered(registry, "a")
    for name, number, alias in (("demo", 2, "champion"), ("other", 1, "champion"), ("demo", 1, "7"), ("demo", 1, "A")):
        with pytest.raises(ModelError):
            registry.promote(name, number, alias=alias, who="x", why="y")
    assert registry.history("demo") == ()


def test_damaged_files_are_named(registry: ModelRegistry, store: Store) -> None:
    registered(registry, "a")
    registry.promote("demo", 1, who="x", why="y")
    store.put_text("models/demo/versions/1/version.json", "{}")
    with pytest.raises(StoreError, match=r"models/demo/versions/1/version.json in .* is damaged"):
        registry.find("demo/1")
    store.put_text("models/demo/aliases.json", '{"aliases": {"champion"')
    with pytest.raises(StoreError, match=r"models/demo/aliases.json in .* is damaged"):
        registry.aliases("demo")


def test_champion_is_none_without_one_or_once_deleted(registry: ModelRegistry, store: Store) -> None:
    assert registry.champion("demo") is None
    registered(registry, "a", "b")
    assert registry.champion("demo") is None
    registry.promote("demo", 2, who="x", why="y")
    found = registry.champion("demo")
    assert found
    assert found.version == 2
    store.delete("models/demo/versions/2")
    assert registry.champion("demo") is None
