"""docs/reference/plan-example.md: the plan of 50,000 conversations, DeepSeek-V3 to Phi-4-mini, on one GPU of 80 GB.

The conversations are made up: their words mean nothing, and their number and lengths are all that the plan depends on.
The page is rendered from plan_of_50000.json beside this file, which `python -m docs.generate.plan_of_50000` makes anew
in some minutes.
"""

import io
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from docs.generate.markdown import page
from stillhouse.planning.plan import Plan
from stillhouse.planning.tables import plan_lines, render_plan
from stillhouse.repository import ROOT

STORED = Path(__file__).with_name("plan_of_50000.json")
TEACHER, STUDENT = "deepseek-v3", "phi-4-mini"
_DATA = ("conversations.jsonl", "--test", "recorded.jsonl")
COMMANDS = (
    ("recipe", "init", *_DATA, "--teacher", TEACHER, "--student", STUDENT),
    ("plan", "recipe.yaml", "--offline"),
)
NUM_CONVERSATIONS, NUM_RECORDED = 50_000, 500
# what the driver says of a GPU of 80 GB
GPU = "0, GPU-0, 81559, NVIDIA H100 80GB HBM3"
_WIDTH = 112
_INTRO = """
What `stillhouse plan --offline` prints for 50,000 conversations with DeepSeek-V3 as the teacher and Phi-4-mini as the
student, on a machine with one GPU of 80 GB. The conversations were made up for this page, with one to three turns of
the user and a median of 33 words a turn. No model was asked, and no weights were there. Without `--offline`, `plan`
sends 32 of them to the teacher's server and forecasts tokens, time and what the filters keep.
"""


def plan_page() -> str:
    """Return the page."""
    plan = Plan.model_validate_json(STORED.read_text(encoding="utf-8"))
    commands = "\n".join(f"stillhouse {' '.join(command)}" for command in COMMANDS)
    return page(
        "A plan of 50,000 conversations", _INTRO, f"```sh\n{commands}\n```", f"```text\n{as_printed(plan)}\n```"
    )


def as_printed(plan: Plan) -> str:
    """Return the plan as the command prints it on a terminal of 112 columns."""
    from rich.console import Console

    terminal = Console(file=io.StringIO(), width=_WIDTH)
    terminal.print(render_plan(plan))
    for line in plan_lines(plan):
        terminal.print(line, highlight=False, markup=False)
    assert isinstance(terminal.file, io.StringIO)
    return "\n".join(line.rstrip() for line in terminal.file.getvalue().replace("\u00a0", " ").splitlines())


def conversations(number: int, seed: int, *, answered: bool) -> Iterator[str]:
    """Yield conversations as JSON Lines; only answered ones end with the assistant's turn."""
    rng = random.Random(seed)
    words = [
        "".join(rng.choices("bdfgklmnprstvz", k=1)[0] + rng.choice("aeiou") for _ in range(3)) for _ in range(3000)
    ]

    def turn(role: str) -> dict[str, str]:
        return {"role": role, "content": " ".join(rng.choices(words, k=max(4, round(rng.lognormvariate(3.5, 0.7)))))}

    for _ in range(number):
        turns = [turn("user")]
        for _ in range(rng.choice((0, 0, 1, 2))):
            turns += [turn("assistant"), turn("user")]
        yield json.dumps({"messages": [*turns, turn("assistant")] if answered else turns}) + "\n"


def main() -> None:
    """Plan the conversations in a temporary folder, and store the plan."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "conversations.jsonl").write_text("".join(conversations(NUM_CONVERSATIONS, 0, answered=False)))
        (folder / "recorded.jsonl").write_text("".join(conversations(NUM_RECORDED, 1, answered=True)))
        driver = folder / "nvidia-smi"
        driver.write_text(f"#!/bin/sh\necho '{GPU}'\n")
        driver.chmod(0o755)
        init, plan = COMMANDS
        _stillhouse(folder, *init)
        printed = _stillhouse(folder, *plan, "--json")
    STORED.write_text(json.dumps(json.loads(printed), indent=1) + "\n")


def _stillhouse(folder: Path, *command: str) -> str:
    environment = {
        **os.environ,
        "PATH": f"{folder}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "STILLHOUSE_STORE": str(folder / "store"),
        "STILLHOUSE_WORK": str(folder / "work"),
        # the one of this machine may be for CPUs; a plan starts none
        "STILLHOUSE_ENGINE_PYTHON": str(folder / "engine" / "bin" / "python"),
    }
    return subprocess.run(
        [sys.executable, "-m", "deployments.cli", *command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


if __name__ == "__main__":
    main()
