"""A probe, a plan and the run it forecasts, with a teacher over a scripted endpoint: no Prefect, no network."""

import json
import math
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillhouse.artifacts.store import Store, StoreConfig
from stillhouse.completions.key import teacher_fingerprint
from stillhouse.costs.budget_guard import BudgetScope
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.costs.price import resolve_price
from stillhouse.costs.usage import Usage
from stillhouse.planning.inputs import PlanInputs
from stillhouse.planning.plan import Plan, make_plan
from stillhouse.recipe.load import parse_recipe
from stillhouse.skills.cases import read_splits
from stillhouse.teachers.api_probe_worker import probe
from stillhouse.teachers.api_worker import generate
from stillhouse.teachers.probe_result import read_probe
from stillhouse.teachers.spec import GenerateSpec, ProbeSpec
from tests.support.api.requests import RecordingReporter, connect_over
from tests.support.api.server import Act, Received, answer
from tests.support.builders import make_recipe_fields
from tests.support.paths import SHARED_DATA

# holds public data sets as JSON Lines: intent_banking77/train.jsonl {text, label}, math_gsm8k/train.jsonl {question,
# answer}, summarisation_scitldr/train.jsonl {document, summary or target}, qa_nq_open/dev.jsonl {question}
DATA = SHARED_DATA
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="needs the public data sets beside the project")

PRICE = {"input_usd_per_mtok": 2.0, "output_usd_per_mtok": 8.0}
ROWS = pa.schema(
    [
        ("id", pa.string()),
        ("content_sha256", pa.string()),
        ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
        ("references", pa.list_(pa.string())),
    ]
)


def row(number: int, question: str, reference: str = "") -> dict[str, Any]:
    return {
        "id": f"r{number}",
        "content_sha256": f"{number:064}",
        "messages": [{"role": "user", "content": question}],
        "references": [reference] if reference else [],
    }


def charged(received: Received, text: str) -> Act:
    """An answer with a count of tokens such as a tokenizer makes: roughly by length, never exactly."""
    shown = json.dumps(received.body["messages"])
    unevenness = 0.9 + 0.2 * (zlib.crc32(shown.encode()) % 1000) / 1000
    body = json.loads(answer(text).body)
    body["usage"] = {
        "prompt_tokens": 8 + math.ceil(len(shown) / 4.3 * unevenness),
        "completion_tokens": 1 + math.ceil(len(text) / 3.6),
    }
    return Act(body=json.dumps(body).encode(), delay_s=0.002)


@dataclass
class Planned:
    """A recipe's rows under one folder, and what is asked of them."""

    folder: Path
    skill: dict[str, Any]
    questions: list[str]
    teacher: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, Any] = field(default_factory=dict)  # further parts of the recipe
    num_test: int = 0

    def __post_init__(self) -> None:
        rows = [row(number, question) for number, question in enumerate(self.questions)]
        num_train = len(rows) * 9 // 10
        tests = [row(10_000 + number, f"test: {self.questions[number]}", "x") for number in range(self.num_test)]
        for name, part in (("train", rows[:num_train]), ("validation", rows[num_train:]), ("test", tests)):
            pq.write_table(pa.Table.from_pylist(part, schema=ROWS), self.folder / f"{name}.parquet")
        endpoint = {"provider": "compatible", "base_url": "http://127.0.0.1:9/v1", "concurrency": 8, "max_attempts": 2}
        asked = {"model": "served", "endpoint": endpoint, "price": PRICE, **self.teacher}
        self.recipe = parse_recipe(make_recipe_fields() | {"skill": self.skill, "teachers": [asked], **self.parts})
        identity = {"endpoint": endpoint["base_url"], "model": "served"}
        self.fingerprint = teacher_fingerprint(identity, "", "", {})
        self.store = StoreConfig(url=str(self.folder / "store"))
        self.labels = tuple(self.recipe.skill.labels) if self.recipe.skill.has_labels else ()

    def _spec_fields(self, name: str) -> dict[str, Any]:
        (self.folder / name).mkdir(exist_ok=True)
        return {
            "model_path": "served",
            "teacher": self.recipe.teacher,
            "teacher_fingerprint": self.fingerprint,
            "skill": self.recipe.skill,
            "labels": self.labels,
            "rows": tuple(str(self.folder / f"{table}.parquet") for table in ("train", "validation")),
            "skip_labelled": True,
            "examples": None,
            "store": self.store,
            "budget": BudgetScope(
                budget=self.recipe.budget, price=resolve_price(self.recipe.teacher, self.recipe.costs)
            ),
            "out": str(self.folder / name),
        }

    def probe(self, prompts: int = 32) -> dict[str, Any]:
        spec = ProbeSpec(**self._spec_fields("probe"), prompts=prompts, test=str(self.folder / "test.parquet"))
        return probe(spec, RecordingReporter(), connect_over(Path("socket")))

    def plan(self, summary: dict[str, Any]) -> Plan:
        probe = read_probe(
            self.folder / "probe",
            Store(self.store),
            self.recipe.teacher,
            self.fingerprint,
            GenerationSummary.model_validate(summary),
        )
        splits = read_splits(self.folder, self.folder, self.recipe.skill)
        return make_plan(PlanInputs(self.recipe, self.labels, [probe], splits))

    def run(self) -> tuple[dict[str, Any], Usage]:
        """Ask the rest, and return the summary of it and what all answers took."""
        summary = generate(GenerateSpec(**self._spec_fields("run")), RecordingReporter(), connect_over(Path("socket")))
        return summary, Usage.model_validate(summary["bought"])
