"""Reads what may be learnt without a teacher, for the stages that measure it."""

from pathlib import Path

from stillhouse.dataset.labelled import labelled_rows
from stillhouse.evaluation.alternatives.texts import LabelledTexts, texts_of_rows
from stillhouse.skills.cases import read_cases
from stillhouse.skills.registry import AnySkill


def read_labelled(balance: Path, split: Path, skill: AnySkill, seed: int) -> LabelledTexts:
    """Return the texts and labels of all labelled rows for training, from the folders of the artifacts."""
    train, examples = (read_cases(path, skill) for path in (balance / "train.parquet", split / "examples.parquet"))
    return texts_of_rows(labelled_rows(train, examples), seed)
