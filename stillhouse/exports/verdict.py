"""Whether an export loses more of its student than the recipe allows."""

from collections.abc import Sequence

from stillhouse.recipe.export import ExportGate


def reasons_against(
    problems: Sequence[str], agreement: float | None, loss: float | None, gate: ExportGate
) -> tuple[str, ...]:
    """Return why an export is refused, each as a sentence without its end; empty if it passes.

    Args:
        problems: what is wrong with its files, its prompts or its engine.
        agreement: share of the test rows with the student's answer; None for free answers, which hardly ever are equal.
        loss: the student's first metric less the export's; None if it was not measured.
        gate: what is allowed.
    """
    found = [problem.rstrip(".") for problem in problems]
    if agreement is not None and agreement < gate.min_agreement:
        found.append(f"it agrees with the student on {agreement:.3f} of the test rows, below {gate.min_agreement:g}")
    if loss is not None and loss > gate.max_loss + 1e-9:
        found.append(f"it is {loss:.3f} below the student, more than {gate.max_loss:g}")
    if loss is None and not found:
        found.append("its quality was not measured")
    return tuple(found)
