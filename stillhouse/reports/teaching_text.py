"""Sentences about what the student was taught beside plain answers, for the page and the cards."""

from stillhouse.reports.numbers import count, decimal, percent
from stillhouse.reports.schema.data import Filtering, PreferenceStep, ReasoningShares, Training

# why a prompt has no pair, in words
_REASONS = {
    "single": "fewer than two readable samples",
    "unscored": "not known which sample is better",
    "alike": "samples as good as each other",
    "no_better": "the better ones dropped by filters",
}


def reasoning_text(shares: ReasoningShares | None) -> str:
    """Return how many training examples show how much of the teacher's reasoning; empty if it is not mixed."""
    if shares is None:
        return ""
    short = f"{count(shares.short)} short{_single(shares)}"
    parts = [f"{count(shares.long)} long, {short}, {count(shares.alone)} the answer alone"]
    parts += [f"{count(shares.too_long)} too long and so the answer alone"] if shares.too_long else []
    parts += [f"{count(shares.without)} without any reasoning"] if shares.without else []
    return f"Reasoning in the training examples: {', '.join(parts)}."


def _single(shares: ReasoningShares) -> str:
    return f" (of {count(shares.single)} there was one sample)" if shares.single else ""


def preferences_text(training: Training | None, filtering: Filtering | None) -> str:
    """Return what the second step of training learnt from, and how it ended; empty if there was none."""
    step = training.preferences if training else None
    if step is None:
        return ""
    validated = (
        f", on {count(step.validation_pairs)} validation pairs accuracy {percent(step.validation_accuracy)}, margin "
        f"{decimal(step.validation_margin)}"
        if step.validation_pairs
        else ""
    )
    return (
        f"Then a second step on pairs of the teacher's samples (direct preference optimisation, {step.loss}, beta "
        f"{step.beta:g}): {count(step.pairs)} pairs{_of_prompts(step, filtering)}, {count(step.steps)} steps, loss "
        f"{decimal(step.train_loss)}; in the last steps accuracy {percent(step.accuracy)}, margin "
        f"{decimal(step.margin)}{validated}. Accuracy is the share of pairs whose better answer gained more than the "
        "worse one against the student of the first step, the margin by how much (beta times nats)."
    )


def _of_prompts(step: PreferenceStep, filtering: Filtering | None) -> str:
    pairs = filtering.preferences if filtering else None
    parts = [f"of {count(pairs.prompts)} prompts"] if pairs else []
    if pairs and pairs.left_out:
        why = ", ".join(f"{_REASONS.get(reason, reason)} {count(number)}" for reason, number in pairs.left_out.items())
        parts.append(f"prompts without one: {why}")
    parts += [f"{count(step.pairs_too_long)} pairs too long"] if step.pairs_too_long else []
    return f" ({'; '.join(parts)})" if parts else ""
