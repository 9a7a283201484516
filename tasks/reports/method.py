"""The sentences that say how each number of a comparison was measured.

Separate because they must change with the measuring, and stand in every report beside the numbers.
"""

from tasks.recipe.recipe import Recipe


def method_statements(recipe: Recipe) -> dict[str, str]:
    """Return topic -> sentence for the report's method block."""
    evaluation = recipe.evaluation
    return {
        "engine": "Every model is served by the same vLLM with the same settings "
        f"({evaluation.engine.mode} mode, prefix caching off, answers constrained to the labels, greedy).",
        "quality": "All models answer the same test rows, which no model has seen. Accuracy has a Wilson interval, "
        f"macro-F1 a bootstrap interval of {evaluation.resamples} resamples; an unreadable answer is wrong.",
        "comparison": "Gains are differences on the same rows with paired bootstrap intervals; p-values are exact "
        "McNemar tests.",
        "latency": f"{evaluation.latency_requests} single requests after {evaluation.warm_requests} warm ones, from "
        "messages to parsed answer, retrieval and tokenisation included. On a CPU the engines are live together and "
        "are asked in turn with the same rows; on a GPU each is timed alone.",
        "throughput": f"All test rows at once, {evaluation.concurrency} in flight, after warm requests.",
        "memory": "The largest sum of proportional set sizes of the engine's processes (on a GPU: device memory) while "
        "all test rows are answered. The KV cache holds the longest prompt and completion times the sequences in "
        "flight; the engine's floor is what is left without weights and KV cache.",
        "baseline": "The better of two: the student's weights before training, and the whole base model asked "
        "zero-shot with the labels named and its answer constrained to them.",
        "alternatives": "What can be had without a teacher: the same student trained on the labelled rows alone for "
        "equal steps, and TF-IDF with logistic regression on them.",
    }
