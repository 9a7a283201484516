"""A recipe with scripted teachers behind servers, and a flow up to their training examples."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from prefect import flow

from stillhouse.recipe.load import load_recipe
from stillhouse.runtime.settings import load_settings
from tasks.convert import load_teachers
from tasks.filter import filter_completions
from tasks.mix import generate_completions
from tasks.orchestration.preflight import start_run
from tasks.reporting.blocks import generation_of
from tests.support.api.server import Act, FaultyServer, Received, answer
from tests.support.generation.generation_pipeline import GenerationPipeline
from tests.support.pipeline import DEMO
from tests.support.stages import prepare_rows

LABELS = ("car", "home", "pet")
Says = Callable[[str], str]


def number_of(message: str) -> int:
    """A number that anybody can tell from a message, so that scripted teachers go by what they are asked alone."""
    return int(hashlib.sha256(message.encode()).hexdigest(), 16)


def reference_of(message: str) -> str:
    return LABELS[number_of(message) % 3]


def small_knows(message: str) -> bool:
    """Whether the small teacher has an answer."""
    return number_of(message) % 4 != 0


def weak(message: str) -> str:
    return reference_of(message) if small_knows(message) else "I have no idea."


def strong(message: str) -> str:
    return reference_of(message)


@flow(name="teaching", persist_result=False)
def teaching(recipe: str, refresh: list[str]) -> dict[str, Any]:
    with start_run(load_recipe(recipe), load_settings(), refresh) as run:
        rows = prepare_rows(run)
        completions = generate_completions(run, load_teachers(run), rows)
        dataset = filter_completions(run, completions, rows)
        folder = run.store.fetch(dataset.ref)
        return {
            "generation": generation_of(run, completions, dataset),
            "cached": {built.label: built.is_cached for built in run.built},
            "fingerprints": {built.label: built.ref.fingerprint for built in run.built},
            **{name: _lines(folder / f"{name}.jsonl") for name in ("train", "validation", "dropped")},
        }


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


class TwoTeachers:
    """A recipe with scripted teachers, each behind a server of its own."""

    def __init__(self, folder: Path, servers: dict[str, FaultyServer], num_messages: int = 60) -> None:
        self.servers = servers
        self._recipe = GenerationPipeline(folder).prepare(replicas=1, num_messages=40).folder / "recipe.yaml"
        found = [_read(line) for line in (DEMO / "messages.jsonl").read_text().splitlines()[:num_messages]]
        messages = {one["message"]: one for one in found if one}
        rows = [one | {"channel": ("web", "mail", "fax")[at % 3]} for at, one in enumerate(messages.values())]
        (folder / "messages.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
        self.channels = {one["message"]: one["channel"] for one in rows}

    def recipe(self, *names: str, gold_rows: bool = False, **parts: Any) -> str:
        """Write a recipe with the teachers named, in this order."""
        fields: dict[str, Any] = yaml.safe_load(self._recipe.read_text())
        fields["skill"]["labels"] = list(LABELS)
        for name in ("messages", "labelled", "test"):
            path = self._recipe.parent / f"{name}.jsonl"
            rows = [one for line in path.read_text().splitlines() if (one := _read(line))]
            said = [
                one | ({"intent": reference_of(one["message"])} if name != "messages" or gold_rows else {})
                for one in rows
            ]
            path.write_text("".join(json.dumps(one) + "\n" for one in said))
        fields["data"]["train"]["columns"] = {"id": "id", "text": "message"} | (
            {"label": "intent"} if gold_rows else {}
        )
        fields["training"] = {"use_references": not gold_rows}
        fields["teachers"] = [
            {
                "name": name,
                "model": f"{name}-1",
                "endpoint": {
                    "provider": "compatible",
                    "base_url": self.servers[name].address,
                    "serves": name,
                    "segment_seconds": 0.2,
                    "max_attempts": 2,
                },
            }
            for name in names
        ]
        fields |= parts
        path = self._recipe.parent / f"{'-'.join(names)}-{number_of(json.dumps(parts)) % 10**6}.yaml"
        path.write_text(yaml.safe_dump(fields))
        return str(path)

    def run(self, recipe: str, *refresh: str) -> dict[str, Any]:
        found: dict[str, Any] = teaching(recipe, list(refresh))
        return found

    def prompts_to(self, name: str) -> list[str]:
        """The messages that a server's own log says it was asked, with repeats."""
        return [received.prompt for received in self.servers[name].requests]


def _read(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except json.JSONDecodeError:  # the demo's data have spoilt lines
        return None
    return found if isinstance(found, dict) and isinstance(found.get("message"), str) else None


def scripted(says: Says) -> Callable[[Received], Act]:
    return lambda received: answer(says(received.prompt))
