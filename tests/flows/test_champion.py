"""A second student beside the first, on the real engine and the real trainer: registered, compared, promoted."""

import json
import shutil
from pathlib import Path

import pytest

from tests.support.pipeline import MODEL, Pipeline

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(not MODEL.exists(), reason="the demo's teacher is not there; run `make model`"),
]


def test_distill_another_student_is_compared_with_the_champion_that_is_not_asked_again(
    whole: Pipeline, tmp_path: Path
) -> None:
    own = Pipeline(tmp_path / "own", model=whole.model, threads=1)
    shutil.copytree(whole.folder, own.folder, dirs_exist_ok=True)
    (first,) = (own.store / "models" / "demo" / "versions").iterdir()
    was = json.loads((first / "version.json").read_text())

    report = own.run("--set", "training.seed=7", "--set", "gate.rules=[]")

    champion = report["models"]["champion"]
    assert (champion["name"], champion["which"]) == ("demo/1", None)
    assert champion["quality"] == was["measured"]["quality"]
    assert champion["latency_ms"]["n"] == 50
    gain = report["comparison"]["gain_over"]["champion"]
    values = (report["models"][role]["quality"]["accuracy"]["value"] for role in ("student", "champion"))
    assert gain["value"] == pytest.approx(next(values) - next(values))
    found = own.newest_summary("evaluate")["found"]
    assert "champion" in found
    assert "student" not in found
    aliases = json.loads((own.store / "models" / "demo" / "aliases.json").read_text())["aliases"]
    assert aliases == {"challenger": 2, "champion": 2}
    assert "The champion, demo/1, reaches accuracy" in (own.folder / "log.txt").read_text().replace("\n", " ")
