"""Asks a served language model what its evaluation asked it, and compares answers and certainties row by row.

    .venv/control/bin/python -m tests.benchmarks.serving_agreement FOLDER --rows 250

FOLDER is a student's with its serving.json. Both engines run one after the other, each for itself.
"""

import argparse
import asyncio
import json
import secrets
import subprocess
import time
from pathlib import Path

from stillhouse.repository import ROOT
from tests.benchmarks.serving.clients import ask_all, question
from tests.benchmarks.serving.evaluated_answers import texts
from tests.benchmarks.serving_load import serving


def main() -> None:
    """Print the share of equal answers, the greatest difference of certainties, and a load of many clients."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=250)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parser.parse_args()
    python = ROOT / ".venv" / "engine" / "bin" / "python"
    command = [python, "-m", "tests.benchmarks.serving.evaluated_answers", str(options.folder), str(options.rows)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    expected = [json.loads(line) for line in done.stdout.split("\n") if line.startswith("{")]
    asked, key, port = texts(options.rows), secrets.token_urlsafe(16), 18734
    started = time.monotonic()
    with serving(options.folder, key, port):
        print(f"ready after {time.monotonic() - started:.0f} s")
        found = asyncio.run(all_answers(asked, key, port))
        pairs = list(zip(found, expected, strict=True))
        same = sum(one["label"] == other["answer"] for one, other in pairs)
        off = max(abs(one["confidence"] - other["confidence"]) for one, other in pairs)
        print(f"{same} of {len(pairs)} answers are the same; certainties differ by at most {off:.4f}")
        load_questions = [
            question("/predict", key, {"text": text}, str(one["label"])) for text, one in zip(asked, found, strict=True)
        ]
        load = asyncio.run(ask_all(port, load_questions, options.clients, options.seconds))
        print(
            f"{options.clients} clients: {load.rate:.1f}/s, p50 {load.percentile(0.5):.0f} ms, right {load.right}, "
            f"other answers {load.wrong}, lost {load.lost}, refused {load.refused}"
        )


async def all_answers(asked: list[str], key: str, port: int) -> list[dict[str, object]]:
    """Return the server's answers in order, a few asked at once."""
    import httpx

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=300) as client:
        few = asyncio.Semaphore(16)

        async def one(text: str) -> dict[str, object]:
            async with few:
                headers = {"Authorization": f"Bearer {key}"}
                return dict((await client.post("/predict", json={"text": text}, headers=headers)).json())

        return list(await asyncio.gather(*(one(text) for text in asked)))


if __name__ == "__main__":
    main()
