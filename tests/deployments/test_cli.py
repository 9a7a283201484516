"""The `stillhouse` command as a user starts it."""

import csv
import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import jsonschema
import pytest
import yaml

from stillhouse.recipe.load import load_recipe
from stillhouse.repository import ROOT

pytestmark = pytest.mark.slow  # each command is a process of its own

ROWS = [{"id": f"r{i}", "message": f"message number {i}", "intent": "ab"[i % 2]} for i in range(12)]


def stillhouse(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deployments.cli", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "200", "TERM": "dumb"},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )


def refused(*arguments: str, folder: Path = ROOT) -> str:
    """Return the one message of a command that must end with exit code 2."""
    done = stillhouse(*arguments, folder=folder)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return done.stderr


def test_version_is_the_package_and_the_commit():
    shown = stillhouse("--version").stdout.strip()
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert shown == f"stillhouse {version('stillhouse')} (commit {head[:12]})"


def test_help_names_the_commands():
    done = stillhouse("--help")
    assert done.returncode == 0
    assert all(name in done.stdout for name in ("run", "plan", "register", "recipe"))


@pytest.mark.parametrize("command", [("run",), ("plan",), ("register",), ("recipe", "init"), ("recipe", "schema")])
def test_help_of_a_command_has_an_example(command):
    assert "Example: stillhouse" in " ".join(stillhouse(*command, "--help").stdout.split())


def test_recipe_schema_prints_a_valid_json_schema():
    schema = json.loads(stillhouse("recipe", "schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    demo = yaml.safe_load((ROOT / "deployments" / "recipes" / "demo.yaml").read_text())
    jsonschema.validate(demo, schema)
    for part, wrong in (("training", {"epoch": 2}), ("skill", {"kind": "juggling"}), ("teachers", [])):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(demo | {part: wrong}, schema)


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_recipe_init_writes_a_recipe_that_loads(tmp_path, kind):
    path = tmp_path / f"messages.{kind}"
    with path.open("w", newline="") as stream:
        if kind == "csv":
            writer = csv.DictWriter(stream, ROWS[0])
            writer.writeheader()
            writer.writerows(ROWS)
        else:
            stream.writelines(json.dumps(row) + "\n" for row in ROWS)
    done = stillhouse("recipe", "init", path.name, "--out", "made.yaml", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    recipe = load_recipe(str(tmp_path / "made.yaml"))
    assert recipe.data.train.path == str(path)
    assert recipe.data.train.columns.label == "intent"
    assert recipe.skill.labels == ("a", "b")


def test_recipe_init_overwrites_nothing(tmp_path):
    (tmp_path / "recipe.yaml").write_text("mine")
    assert "recipe.yaml exists" in refused("recipe", "init", "rows.jsonl", folder=tmp_path)
    assert (tmp_path / "recipe.yaml").read_text() == "mine"


def test_recipe_init_into_an_absent_folder_is_one_message(tmp_path):
    (tmp_path / "rows.jsonl").write_text(json.dumps(ROWS[0]) + "\n")
    message = refused("recipe", "init", "rows.jsonl", "--out", "no/such/recipe.yaml", folder=tmp_path)
    assert "no/such" in message


def test_recipe_init_absent_data_is_one_message(tmp_path):
    message = refused("recipe", "init", "absent.jsonl", folder=tmp_path)
    assert message.startswith("stillhouse: No data found at 'absent.jsonl'")
    assert not (tmp_path / "recipe.yaml").exists()


def test_run_unknown_recipe_is_one_message_that_names_the_nearest():
    message = refused("run", "demos")
    assert message.startswith("stillhouse: No recipe 'demos'")
    assert "Did you mean 'demo'?" in message


def test_run_wrong_field_is_one_message_that_names_it():
    message = refused("run", "demo", "--set", "training.epoch=2")
    assert "training.epoch: unknown field. Did you mean 'epochs'?" in message


def test_run_wrong_value_is_one_message_that_names_the_rule():
    assert "training.epochs: -1 is refused" in refused("run", "demo", "--set", "training.epochs=-1")


@pytest.mark.parametrize("pair", ["training.epochs", "=2", "training.epochs=[1"])
def test_run_bad_set_says_its_form(pair):
    assert f"--set {pair!r}: it must be field=value" in refused("run", "demo", "--set", pair)


def test_run_with_a_dead_prefect_server_names_the_setting_and_the_remedy(monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    seen = refused("run", "demo")
    assert "http://127.0.0.1:9/api (PREFECT_API_URL)" in seen
    assert "make up" in seen


def test_run_with_a_dead_prefect_server_of_the_profile_is_the_same_line(monkeypatch, tmp_path):
    home = tmp_path / "prefect"
    home.mkdir()
    (home / "profiles.toml").write_text(
        'active = "team"\n[profiles.team]\nPREFECT_API_URL = "http://127.0.0.1:9/api"\n'
    )
    monkeypatch.setenv("PREFECT_HOME", str(home))
    seen = refused("run", "demo")
    assert "No Prefect server answers at http://127.0.0.1:9/api (PREFECT_API_URL of the Prefect profile team" in seen
    assert seen.count("\n") == 1


def test_run_behind_a_proxy_reaches_a_server_on_its_own_loopback(monkeypatch, tmp_path, prefect_server):
    monkeypatch.setenv("PREFECT_API_URL", prefect_server)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    columns = {"columns": {"text": "text", "label": "label"}}
    fields = {
        "name": "case",
        "skill": {"kind": "classification", "labels": ["a", "b"]},
        "data": {role: {"path": "./absent.jsonl", **columns} for role in ("train", "test")},
        "teachers": [{"model": "m", "endpoint": {"provider": "compatible", "base_url": "http://127.0.0.1:9/v1"}}],
        "student": {"model": str(tmp_path)},
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(fields))
    seen = refused("plan", str(tmp_path / "recipe.yaml"))
    assert seen.startswith("stillhouse: Model folder ")
    assert seen.count("\n") == 1
    assert "holds places, recipe.yaml; it needs config.json" in seen


def test_run_with_an_unknown_stage_to_refresh_names_the_known_ones():
    said = refused("run", "demo", "--refresh", "trian")
    assert "'trian'; the stages are alternatives, " in said
    assert ", balance, " in said
