"""A small recipe whose teacher is behind an API."""

from pathlib import Path
from typing import Any

import yaml

from tests.support.api.requests import KEY
from tests.support.api.server import Act, Received, answer
from tests.support.generation.generation_pipeline import GenerationPipeline

NO_ENGINE = Path("/nonexistent/python")

ENVIRONMENT = {"OPENAI_API_KEY": KEY, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


def prepare_api_recipe(folder: Path, address: str) -> GenerationPipeline:
    pipeline = GenerationPipeline(folder)
    recipe = pipeline.prepare(replicas=1, num_messages=30).folder / "recipe.yaml"
    fields: dict[str, Any] = yaml.safe_load(recipe.read_text())
    endpoint = {"provider": "openai", "base_url": address, "serves": "test", "segment_seconds": 0.2, "max_attempts": 2}
    teacher = {"model": "served", "accept_terms": "openai", "prompt": {"examples": 2}, "endpoint": endpoint}
    fields["teachers"] = [teacher]
    recipe.write_text(yaml.safe_dump(fields))
    return pipeline


def first_label(received: Received) -> Act:
    return answer(first_answer(received.body))


def first_answer(body: dict[str, Any]) -> str:
    schema = body["response_format"]["json_schema"]["schema"]
    return f'{{"answer": "{schema["properties"]["answer"]["enum"][0]}"}}'
