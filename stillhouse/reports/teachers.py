"""The report's block and table of several teachers: each one's requests, and what became of its completions."""

from collections.abc import Mapping, Sequence
from typing import Any

from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.dataset.summary import TeacherCounts
from stillhouse.reports.markdown import table
from stillhouse.reports.numbers import count, dollars, percent, seconds
from stillhouse.reports.schema.data import Generation

HEADER = ("teacher", "prompts", "usable", "training examples", "share", "requests", "from the store", "tokens in / out",
          "time", "cost")  # fmt: skip


def teacher_blocks(
    generations: Mapping[str, GenerationSummary], costs: Mapping[str, float | None], filtered: Sequence[TeacherCounts]
) -> dict[str, dict[str, Any]]:
    """Return a block per teacher, by its name.

    Args:
        generations: by name, in the recipe's order, what this run requested.
        costs: by name, what this run paid in US dollars; None if it is not known.
        filtered: in the same order, the filters' counts.
    """
    kept = sum(counts.kept for counts in filtered)
    return {
        name: {
            **summary.counts(),
            "prompts": counts.prompts,
            "usable": counts.usable,
            "kept": counts.kept,
            "dropped": counts.dropped,
            "share": counts.kept / kept if kept else None,
            "success_ratio": counts.usable / counts.prompts if counts.prompts else None,
            "cost_usd": costs[name],
        }
        for (name, summary), counts in zip(generations.items(), filtered, strict=True)
    }


def teacher_rows(generation: Generation | None) -> list[list[str]]:
    """Return a row of text per teacher, under `HEADER`; none if there is one teacher."""
    if generation is None:
        return []
    return [
        [
            name,
            count(one.prompts),
            percent(one.success_ratio) if one.prompts else "–",
            count(one.kept),
            percent(one.share) if one.share is not None else "–",
            count(one.requests),
            count(one.from_store),
            f"{count(one.prompt_tokens)} / {count(one.completion_tokens)}",
            seconds(one.seconds),
            dollars(one.cost_usd),
        ]
        for name, one in generation.teachers.items()
    ]


def teachers_markdown(generation: Generation | None) -> str:
    """Return the teachers as a Markdown table; empty if there is one."""
    rows = teacher_rows(generation)
    return table(HEADER, rows) if rows else ""
