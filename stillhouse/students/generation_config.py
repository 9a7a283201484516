"""Reads what a model's folder says of the end of its answers."""

from pathlib import Path
from typing import Any

from stillhouse.inference.loading import Loading


def read_generation_config(folder: str, config: Any) -> Any:
    """Return the generation configuration of a folder, made from the model's `config` where there is no file of it.

    Raises:
        ModelError: the file can't be read.
    """
    from transformers import GenerationConfig

    if not (Path(folder) / "generation_config.json").is_file():
        return GenerationConfig.from_model_config(config)
    with Loading(f"The generation_config.json of {folder} can't be read", "Mend it, or delete it"):
        return GenerationConfig.from_pretrained(folder)
