"""What is found wrong with exports that were changed by hand, in each way that changes prompts, ends or weights.

Command (engine environment): `python -m tests.support.exports.tampered FOLDER`; prints JSON: problems by change.
"""

import json
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.exports.convert import Conversion, convert
from stillhouse.exports.manifest import changed_files, read_manifest
from stillhouse.exports.prompt_check import prompt_problems
from stillhouse.exports.rendering import Renderer
from stillhouse.exports.runtime import OwnTokens
from tests.support.exports.native_families import known, write

PROMPTS = [[{"role": "user", "content": text}] for text in ("Where is my parcel?", "I lost my key.")]


class Says:
    """An engine that says of its own file what it is told to."""

    def __init__(self, own: OwnTokens | None = None) -> None:
        self._own = own

    def tokenize(self, rendered: str) -> list[int] | None:
        return None

    def own_tokens(self) -> OwnTokens | None:
        return self._own


def nothing(folder: Path) -> None:
    """Change nothing."""


def template(folder: Path) -> None:
    path = folder / "chat_template.jinja"
    path.write_text(path.read_text() + "!")


def stop(folder: Path) -> None:
    path = folder / "generation_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"eos_token_id": [0]}))


def bos(folder: Path) -> None:
    path = folder / "tokenizer_config.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"bos_token": content["eos_token"]}))


def weight(folder: Path) -> None:
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


CHANGES: Sequence[Callable[[Path], None]] = (nothing, template, stop, bos, weight)


def main(folder: Path) -> None:
    """Print what each change is found by."""
    student = write(known()["Llama 3.2"], folder)
    (folder / "export").mkdir()
    (folder / "work").mkdir()
    job = Conversion(student, folder / "export", folder / "work", "as_trained", "causal_lm")
    convert("safetensors", job, ArtifactRef(stage="train", fingerprint="1" * 64))
    trained, found = Renderer(student), dict[str, Any]()
    for change in CHANGES:
        copy = folder / change.__name__
        shutil.copytree(folder / "export", copy)
        change(copy)
        files = changed_files(copy, read_manifest(copy))
        found[change.__name__] = [*files, *prompt_problems(trained, Renderer(copy), PROMPTS, Says())]
    own = OwnTokens(chat_template="other", bos_token_id=77, adds_bos=not trained.adds_bos, stop_ids=frozenset({77}))
    found["inside the file"] = prompt_problems(trained, Renderer(folder / "nothing"), PROMPTS, Says(own))
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
