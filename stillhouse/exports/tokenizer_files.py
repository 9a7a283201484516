"""The files by which any export's prompts are rendered: those of the student, byte for byte."""

import shutil
from pathlib import Path

# config.json is among them where the format does not write its own: a tokenizer's class may be looked up by it
_FILES = (
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
    "generation_config.json",
)


def copy_tokenizer(student: Path, out: Path) -> None:
    """Copy the student's tokenizer, its chat template and what ends its answers into an export's folder."""
    for name in _FILES:
        if (student / name).is_file():
            shutil.copyfile(student / name, out / name)
    if not (out / "config.json").exists():
        shutil.copyfile(student / "config.json", out / "config.json")
