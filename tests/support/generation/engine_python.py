"""The Python of an engine's environment, played by one that runs the scripted engine."""

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass
class EnginePython:
    """An engine's Python that runs the scripted engine; a test sets how it behaves."""

    folder: Path
    name: str

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        script = Path(__file__).with_name("scripted_engine.py")
        self.path.write_text(
            f'#!/bin/sh\n. {shlex.quote(str(self._variables))}\nexec {sys.executable} {shlex.quote(str(script))} "$@"\n'
        )
        self.path.chmod(0o755)
        self.set_behaviour()

    @property
    def path(self) -> Path:
        return self.folder / f"{self.name}-python"

    @property
    def _variables(self) -> Path:
        return self.folder / f"{self.name}.env"

    @property
    def _log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def set_behaviour(self, **variables: object) -> None:
        """Empty the log of prompts, and from now on do as `SCRIPTED_*` variables say."""
        self._log.write_text("")
        lines = [f"export SCRIPTED_{name}={shlex.quote(str(value))}\n" for name, value in variables.items()]
        self._variables.write_text(f"export SCRIPTED_LOG={shlex.quote(str(self._log))}\n" + "".join(lines))

    @property
    def prompts(self) -> list[str]:
        """The prompts that the engine completed by its own log, with repeats."""
        return self._log.read_text().splitlines()
