"""The files of an encoder student that any of its exports needs."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from stillhouse.exports.tokenizer_files import copy_tokenizer

_FILES = ("config.json", "sentence_bert_config.json", "1_Pooling/config.json")


def copy_encoder(student: Path, out: Path, weights: Sequence[str]) -> None:
    """Copy tokenizer, labels, pooling and the named files of weights into an export's folder."""
    for name in (*_FILES, *weights):
        if (student / name).is_file():
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(student / name, out / name)
    copy_tokenizer(student, out)
