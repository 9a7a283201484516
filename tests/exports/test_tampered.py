"""Exports that were changed by hand are found, each with what is wrong."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from stillhouse.repository import ROOT
from stillhouse.runtime.settings import load_settings

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def problems(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    command = [str(load_settings().engine_python), "-m", "tests.support.exports.tampered"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    folder: Path = tmp_path_factory.mktemp("tampered")
    ended = subprocess.run([*command, str(folder)], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr[-3000:]
    found: dict[str, list[str]] = json.loads(ended.stdout.splitlines()[-1])
    return found


def test_export_as_it_was_made_has_nothing_wrong(problems: dict[str, list[str]]):
    assert problems["nothing"] == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("template", ["chat_template.jinja was changed", "its chat template renders 2 of 2 test prompts otherwise"]),
        ("stop", ["generation_config.json was changed", "its answers end on the tokens"]),
        ("bos", ["tokenizer_config.json was changed", "its BOS token is"]),
        ("weight", ["model.safetensors was changed"]),
        (
            "inside the file",
            [
                "the chat template inside its file is not that of training",
                "the BOS token inside its file is 77",
                "its file says that BOS is",
                "its file does not end an answer on",
            ],
        ),
    ],
)
def test_export_changed_by_hand_is_found_with_the_reason(problems: dict[str, list[str]], change: str, says: list[str]):
    for text in says:
        assert any(text in problem for problem in problems[change]), problems[change]
