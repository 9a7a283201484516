"""The files of pairs beside a student's rows, by their split; apart from what writes them, which needs polars."""

PAIR_FILES = {"train": "preferences.jsonl", "validation": "preferences_validation.jsonl"}
