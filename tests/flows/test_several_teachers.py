"""Several teachers over an API, in Prefect: which prompts each gets, by its server's log, and which only once."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from stillhouse.errors import DataError, ServiceError, WorkerError
from tests.support.api.server import failure, serving
from tests.support.generation.engine_python import EnginePython
from tests.support.pipeline import Pipeline
from tests.support.two_teachers import LABELS, Says, TwoTeachers, reference_of, scripted, small_knows, strong, weak

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server"), pytest.mark.timeout(300)]


@contextmanager
def serving_teachers(folder: Path, monkeypatch: pytest.MonkeyPatch, small: Says, large: Says) -> Iterator[TwoTeachers]:
    for name, value in {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    with serving(scripted(small)) as one, serving(scripted(large)) as other:
        yield TwoTeachers(folder, {"small": one, "large": other})


def test_fallback_sends_the_second_teacher_only_what_the_first_failed(tmp_path, monkeypatch):
    with serving_teachers(tmp_path, monkeypatch, weak, strong) as teachers:
        recipe = teachers.recipe("small", "large", routing={"kind": "fallback"})
        found = teachers.run(recipe)
        prompts = teachers.prompts_to("small")
        assert len(prompts) == len(set(prompts)) > 25
        failed = sorted(message for message in prompts if not small_knows(message))
        assert 3 < len(failed) < len(prompts) / 2
        assert sorted(teachers.prompts_to("large")) == failed

        again = teachers.run(recipe)
        rebuilt = teachers.run(recipe, "generate", "route", "mix")
        assert len(teachers.prompts_to("small")) == len(prompts)
        assert len(teachers.prompts_to("large")) == len(failed)

    examples = {line["prompt"][-1]["content"]: line for line in [*found["train"], *found["validation"]]}
    for message in prompts:
        assert examples[message]["completion"][0]["content"] == reference_of(message)
        assert examples[message]["teacher"] == (1 if small_knows(message) else 2)
    small, large = found["generation"]["teachers"]["small"], found["generation"]["teachers"]["large"]
    num_known = len(prompts) - len(failed)
    assert (small["prompts"], small["kept"], small["generated"]) == (len(prompts), num_known, len(prompts))
    assert (large["prompts"], large["kept"], large["generated"]) == (len(failed), len(failed), len(failed))
    assert small["share"] == pytest.approx(num_known / len(prompts))
    assert small["share"] + large["share"] == pytest.approx(1.0)
    assert small["success_ratio"] == pytest.approx(num_known / len(prompts))
    assert large["success_ratio"] == 1.0
    assert found["generation"]["requests"] == len(prompts) + len(failed)
    assert {drop["teacher"] for drop in found["dropped"]} == {1}

    assert all(again["cached"].values())
    assert again["generation"]["teachers"]["large"]["generated"] == 0
    assert not rebuilt["cached"]["generate large"]
    assert rebuilt["fingerprints"] == found["fingerprints"]
    assert rebuilt["generation"]["from_store"] == len(prompts) + len(failed)
    assert (rebuilt["train"], rebuilt["dropped"]) == (found["train"], found["dropped"])


def test_fallback_does_not_start_a_teacher_that_is_not_needed(tmp_path, monkeypatch):
    with serving_teachers(tmp_path, monkeypatch, strong, strong) as teachers:
        found = teachers.run(teachers.recipe("small", "large", routing={"kind": "fallback"}))
        assert teachers.prompts_to("large") == []
    assert "generate large" not in found["cached"]
    large = found["generation"]["teachers"]["large"]
    assert (large["prompts"], large["share"], large["success_ratio"]) == (0, 0.0, None)


def test_fallback_that_fails_halfway_sends_each_prompt_to_the_first_teacher_once(tmp_path, monkeypatch):
    with serving_teachers(tmp_path, monkeypatch, weak, strong) as teachers:
        recipe = teachers.recipe("small", "large", routing={"kind": "fallback"})
        teachers.servers["large"].plan = lambda _: failure(401, "no such key")
        with pytest.raises(ServiceError, match="generate large: compatible"):
            teachers.run(recipe)
        num_prompts, num_refused = len(teachers.prompts_to("small")), len(teachers.prompts_to("large"))
        teachers.servers["large"].plan = scripted(strong)
        found = teachers.run(recipe)
        assert len(teachers.prompts_to("small")) == num_prompts
        refilled = teachers.prompts_to("large")[num_refused:]
        assert sorted(refilled) == sorted(
            message for message in teachers.prompts_to("small") if not small_knows(message)
        )
    assert found["cached"]["generate small"]
    assert len(found["train"]) + len(found["validation"]) >= num_prompts


def test_source_routing_sends_each_teacher_the_rows_of_its_channels(tmp_path, monkeypatch):
    routing = {"kind": "source", "column": "channel", "teachers": {"mail": "large", "web": "small"}}
    with serving_teachers(tmp_path, monkeypatch, strong, strong) as teachers:
        found = teachers.run(teachers.recipe("small", "large", routing=routing))
        small, large = teachers.prompts_to("small"), teachers.prompts_to("large")
        assert {teachers.channels[message] for message in small} == {"web", "fax"}
        assert {teachers.channels[message] for message in large} == {"mail"}
        assert len({*small, *large}) == len(small) + len(large) > 25
        # other names change nothing that is made
        renamed = yaml.safe_load(Path(teachers.recipe("small", "large", routing=routing)).read_text())
        renamed["teachers"][0]["name"] = "tiny"
        renamed["routing"]["teachers"]["web"] = "tiny"
        (tmp_path / "renamed.yaml").write_text(yaml.safe_dump(renamed))
        assert all(teachers.run(str(tmp_path / "renamed.yaml"))["cached"].values())
        with pytest.raises(DataError, match=r"routing.column is 'chanel'.*Did you mean 'channel'"):
            teachers.run(teachers.recipe("small", "large", routing={**routing, "column": "chanel"}))
    shares = {name: one["share"] for name, one in found["generation"]["teachers"].items()}
    assert shares == {
        "small": pytest.approx(len(small) / (len(small) + len(large))),
        "large": pytest.approx(len(large) / (len(small) + len(large))),
    }


def test_replicas_of_a_local_teacher_share_its_rows_beside_a_teacher_over_an_api(tmp_path, monkeypatch):
    engine = EnginePython(tmp_path / "engine", "here")
    monkeypatch.setenv("STILLHOUSE_ENGINE_PYTHON", str(engine.path))
    routing = {"kind": "source", "column": "channel", "teachers": {"mail": "large"}, "default": "local"}
    with serving_teachers(tmp_path, monkeypatch, strong, strong) as teachers:
        recipe = Path(teachers.recipe("large", routing=routing))
        fields = yaml.safe_load(recipe.read_text())
        local = {"name": "local", "model": str(tmp_path / "teacher"), "replicas": 2, "prompt": {"layout": "text"}}
        fields["teachers"] = [local | {"engine": {"threads": 1, "segment_seconds": 0.01}}, *fields["teachers"]]
        recipe.write_text(yaml.safe_dump(fields))
        engine.set_behaviour(DIES_ONCE=tmp_path / "died")
        with pytest.raises(WorkerError, match="generate local: 1 of 2 replicas failed"):
            teachers.run(str(recipe))
        assert teachers.prompts_to("large") == []
        num_kept = len(Pipeline(tmp_path / "places").stored_keys())
        engine.set_behaviour()
        found = teachers.run(str(recipe))
        large = teachers.prompts_to("large")
    assert {teachers.channels[message] for message in large} == {"mail"}
    shares = found["generation"]["teachers"]
    assert len(engine.prompts) == len(set(engine.prompts)) == shares["local"]["prompts"] - num_kept
    assert shares["local"]["generated"] == len(engine.prompts)
    assert shares["local"]["prompts"] + len(large) == found["generation"]["requests"]
    assert shares["local"]["prompts"] > len(large)


def test_mixing_sends_all_teachers_every_prompt_and_none_a_second_time(tmp_path, monkeypatch):
    with serving_teachers(tmp_path, monkeypatch, weak, strong) as teachers:
        alone = teachers.run(teachers.recipe("small"))
        prompts = sorted(teachers.prompts_to("small"))
        both = teachers.run(teachers.recipe("small", "large"))
        voted = teachers.run(teachers.recipe("small", "large", mixing={"kind": "vote"}))
        assert sorted(teachers.prompts_to("small")) == prompts
        assert sorted(teachers.prompts_to("large")) == prompts
    # the very artifact of the recipe with one teacher
    assert both["cached"]["generate small"]
    assert both["fingerprints"]["generate small"] == alone["fingerprints"]["generate"]
    num_known = sum(small_knows(message) for message in prompts)
    by_teachers = [line["teacher"] for line in [*both["train"], *both["validation"]] if "teacher" in line]
    assert (by_teachers.count(1), by_teachers.count(2)) == (num_known, len(prompts))
    # a vote keeps one answer a prompt, and who was outvoted by an equal answer was no worse
    assert (
        len(voted["train"]) + len(voted["validation"])
        == len(alone["train"]) + len(alone["validation"]) + len(prompts) - num_known
    )
    assert voted["generation"]["teachers"]["large"]["success_ratio"] == 1.0
    assert voted["generation"]["teachers"]["small"]["share"] == pytest.approx(num_known / len(prompts))


def test_first_verified_sends_the_second_teacher_what_the_first_got_wrong(tmp_path, monkeypatch):
    def wrong(message: str) -> str:
        return reference_of(message) if small_knows(message) else LABELS[(LABELS.index(reference_of(message)) + 1) % 3]

    with serving_teachers(tmp_path, monkeypatch, wrong, strong) as teachers:
        recipe = teachers.recipe("small", "large", gold_rows=True, routing={"kind": "first_verified"})
        found = teachers.run(recipe)
        missed = sorted(message for message in teachers.prompts_to("small") if not small_knows(message))
        assert missed
        assert sorted(teachers.prompts_to("large")) == missed
        # fallback takes an answer for an answer, whether or not it agrees with the reference
        teachers.run(teachers.recipe("small", "large", gold_rows=True, routing={"kind": "fallback"}))
        assert sorted(teachers.prompts_to("large")) == missed
    assert {drop["reason"] for drop in found["dropped"]} == {"verification"}
    examples = [*found["train"], *found["validation"]]
    assert all(line["completion"][0]["content"] == reference_of(line["prompt"][-1]["content"]) for line in examples)
    assert sum(line["teacher"] == 2 for line in examples) == len(missed)


def test_first_verified_of_rows_without_a_reference_is_refused_before_the_second_teacher(tmp_path, monkeypatch):
    with serving_teachers(tmp_path, monkeypatch, strong, strong) as teachers:
        recipe = teachers.recipe("small", "large", gold_rows=True, routing={"kind": "first_verified"})
        messages = [json.loads(line) for line in (tmp_path / "messages.jsonl").read_text().splitlines()]
        (tmp_path / "messages.jsonl").write_text("".join(json.dumps(one | {"intent": None}) + "\n" for one in messages))
        with pytest.raises(DataError, match=r"route large: routing\.kind: first_verified .* none of"):
            teachers.run(recipe)
        assert teachers.prompts_to("large") == []
