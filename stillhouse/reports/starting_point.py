"""The report's block and sentence of what a student kept of its base, and what that cost before training."""

from typing import Any

from stillhouse.reports.numbers import count, decimal
from stillhouse.reports.schema.data import StartingPoint
from stillhouse.reports.schema.report import Report
from stillhouse.students.cutting.shape import Shape
from stillhouse.students.cutting.spec import CutSummary

_OWN = {"parameters", "whole_parameters", "embeddings", "correction_steps", "loss_whole", "loss_corrected", "loss_cut"}


def starting_block(cut: CutSummary | None) -> dict[str, Any] | None:
    """Return the block of one student's cut; None if it was trained whole, or the cut was not measured."""
    if cut is None:
        return None
    return cut.model_dump(include=_OWN | {"layers", "loss_rows"}) | {
        **_sizes(cut.kept, ""),
        **_sizes(cut.whole, "whole_"),
        "loss_on": "validation rows" if cut.loss_on_validation else "training examples",
    }


def starting_text(cut: StartingPoint) -> str:
    """Return it in one line: 24 of 30 layers; loss on 64 validation rows 2.100 -> 6.300 before training."""
    kept = [
        f"{count(mine)} of {count(whole)} {what}"
        for mine, whole, what in (
            (len(cut.layers), cut.whole_layers, "layers"),
            (cut.neurons, cut.whole_neurons, "feed-forward neurons a layer"),
            (cut.heads, cut.whole_heads, "heads a layer"),
        )
        if mine != whole
    ]
    kept += [f"embeddings {cut.embeddings}"] if cut.embeddings != "model" else []
    steps = [decimal(cut.loss_whole), decimal(cut.loss_cut)]
    if cut.loss_corrected is not None:
        steps.insert(1, f"{decimal(cut.loss_corrected)} by {count(cut.correction_steps)} steps of the whole")
    losses = " → ".join(steps)
    return f"{', '.join(kept) or 'whole'}; loss on {count(cut.loss_rows)} {cut.loss_on} {losses} before training"


def starting_lines(report: Report) -> list[str]:
    """Return a line for each of several students that was cut, after its name."""
    starts = [(one.name, one.training.cut) for one in report.students.values() if one.training]
    return [f"{name}: {starting_text(cut)}." for name, cut in starts if cut]


def _sizes(shape: Shape, prefix: str) -> dict[str, int]:
    sizes = {f"{prefix}neurons": shape.neurons, f"{prefix}heads": shape.heads}
    return sizes | ({"whole_layers": shape.layers} if prefix else {})
