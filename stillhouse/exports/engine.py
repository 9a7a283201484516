"""An export's engine in a process of its own, which holds the engine and nothing else: its memory is the engine's.

Command: `python -m stillhouse.exports.engine FOLDER THREADS` (engine environment); a call a line of standard input.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stillhouse.errors import ModelError, UserError, WorkerError
from stillhouse.exports.runtime import OwnTokens, Runtime, load_runtime


class EngineRuntime:
    """A `Runtime` whose engine is in another process."""

    def __init__(self, folder: Path, threads: int) -> None:
        """Start the engine.

        Raises:
            ModelError: it can't load the export.
            WorkerError: its process died.
        """
        self._folder = folder
        # read as an engine's library loads: it must not take a thread for each core beside these
        environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "stillhouse.exports.engine", str(folder), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
            bufsize=1,
        )
        self._receive()

    @property
    def pid(self) -> int:
        """The engine's process."""
        return self._process.pid

    def score(self, prompt_ids: Sequence[int], choices: Sequence[Sequence[int]]) -> list[float]:
        """See `Runtime.score`."""
        found: list[float] = self._call("score", prompt_ids=list(prompt_ids), choices=[list(one) for one in choices])
        return found

    def generate(self, prompt_ids: Sequence[int], *, max_tokens: int, stop_ids: frozenset[int]) -> list[int]:
        """See `Runtime.generate`."""
        written: list[int] = self._call(
            "generate", prompt_ids=list(prompt_ids), max_tokens=max_tokens, stop_ids=sorted(stop_ids)
        )
        return written

    def tokenize(self, rendered: str) -> list[int] | None:
        """See `Runtime.tokenize`."""
        ids: list[int] | None = self._call("tokenize", rendered=rendered)
        return ids

    def own_tokens(self) -> OwnTokens | None:
        """See `Runtime.own_tokens`."""
        found: dict[str, Any] | None = self._call("own_tokens")
        if found is None:
            return None
        stops = found.pop("stop_ids")
        return OwnTokens(**found, stop_ids=None if stops is None else frozenset(stops))

    def close(self) -> None:
        """End the process; may be called twice."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _call(self, name: str, **given: Any) -> Any:
        assert self._process.stdin is not None, "it was started with a pipe"
        try:
            self._process.stdin.write(json.dumps([name, given]) + "\n")
        except BrokenPipeError as error:
            raise self._died() from error
        return self._receive()

    def _receive(self) -> Any:
        assert self._process.stdout is not None, "it was started with a pipe"
        line = self._process.stdout.readline()
        if not line:
            raise self._died()
        reply = json.loads(line)
        if "refused" in reply:
            raise ModelError(reply["refused"])
        return reply["found"]

    def _died(self) -> WorkerError:
        return WorkerError(f"the engine of {self._folder} died with exit code {self._process.wait()}")


def serve_calls(folder: Path, threads: int) -> None:
    """Answer the calls on standard input until it ends."""
    # libraries print to file descriptor 1 from C too
    pipe = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    try:
        runtime = load_runtime(folder, threads)
    except UserError as error:
        pipe.write(json.dumps({"refused": str(error)}) + "\n")
        return
    pipe.write(json.dumps({"found": None}) + "\n")
    for line in sys.stdin:
        name, given = json.loads(line)
        try:
            reply = {"found": _answer(runtime, name, given)}
        except UserError as error:
            reply = {"refused": str(error)}
        pipe.write(json.dumps(reply) + "\n")
    runtime.close()


def _answer(runtime: Runtime, name: str, given: dict[str, Any]) -> Any:
    if name == "score":
        return runtime.score(**given)
    if name == "generate":
        return runtime.generate(**given | {"stop_ids": frozenset(given["stop_ids"])})
    if name == "tokenize":
        return runtime.tokenize(**given)
    assert name == "own_tokens", name
    own = runtime.own_tokens()
    if own is None:
        return None
    return vars(own) | {"stop_ids": None if own.stop_ids is None else sorted(own.stop_ids)}


if __name__ == "__main__":
    serve_calls(Path(sys.argv[1]), int(sys.argv[2]))
