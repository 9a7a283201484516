"""The files by which any export's prompts are rendered: those of the student, byte for byte."""

import shutil
from pathlib import Path

from stillhouse.inference.models import OTHER_VOCABULARIES, TEMPLATES, TOKENIZER_FILES


def copy_tokenizer(student: Path, out: Path) -> None:
    """Copy the student's tokenizer, its chat templates and what ends its answers into an export's folder."""
    for name in (*TOKENIZER_FILES, *OTHER_VOCABULARIES, "generation_config.json", TEMPLATES):
        for path in student.glob(name):
            copy = out / path.relative_to(student)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    # where the format does not write its own: a tokenizer's class may be looked up by it
    if not (out / "config.json").exists():
        shutil.copyfile(student / "config.json", out / "config.json")
