"""Recipes that train on a teacher's log-probabilities where there are none, or where they are not one set."""

from collections.abc import Iterator

from stillhouse.recipe.recipe import Recipe


def find_logits_problems(recipe: Recipe) -> Iterator[str]:
    """Yield a line for each thing that keeps `training.kind: logits` from learning."""
    if not recipe.learnt_logits:
        return
    yield from _one_store(recipe)
    for number, teacher in enumerate(recipe.teachers):
        offered = teacher.endpoint.offered if teacher.endpoint else frozenset({"vllm", "logprobs"})
        if not {"vllm", "logprobs"} <= offered:
            provider = teacher.endpoint.provider if teacher.endpoint else ""
            yield (
                f"training.kind: logits learns the teacher's log-probabilities by token id, and provider {provider} of "
                f"teachers.{number} gives none: take training.kind: sft, which learns from its text, or a teacher "
                "served here or by vLLM's own server (provider: vllm)"
            )
    trained = [recipe.training_of(student) for student in recipe.all_students if not student.is_encoder]
    for training in dict.fromkeys(trained):
        if training.kind == "logits" and training.soft_labels:
            yield (
                "training.soft_labels and kind: logits teach the same tokens twice: leave soft_labels out, since the "
                "log-probabilities hold those of the labels"
            )
        weights = training.logits.teacher_weights
        if training.kind == "logits" and weights and len(weights) != len(recipe.teachers):
            yield (
                f"training.logits.teacher_weights: {list(weights)} is not one number for each of "
                f"`teachers`, which are {len(recipe.teachers)}: give one for each, in their order, or leave it out"
            )


def _one_store(recipe: Recipe) -> Iterator[str]:
    """Yield what can't be learnt of the one set of numbers that all students share."""
    asked = recipe.token_draws
    if asked is None:
        return
    # a reverse KL is refused without draws
    reverse = any(one.loss == "reverse_kl" for one in recipe.learnt_logits)
    without = "set draws to 0" + (" and loss to skewed_forward_kl" if reverse else "")
    shared = {(one.draws, one.temperature) for one in recipe.learnt_logits}
    if len(shared) > 1:
        yield (
            "training.logits: all students learn one set of draws, at one temperature: give all that learn by kind: "
            "logits the same `draws` and `temperature`"
        )
    if recipe.skill.has_labels:
        yield (
            f"training.logits.draws: {asked.draws} tokens stand for a distribution that is not known whole, and that "
            f"of labels is: {without}"
        )
    for number, teacher in enumerate(recipe.teachers):
        if teacher.endpoint:
            yield (
                f"training.logits.draws: {asked.draws} are drawn by the teacher's own weights, and teachers.{number} "
                f"is behind an endpoint: {without}, for the likeliest tokens that its server gives"
            )
