"""Settings of on-policy training that contradict each other, or that no teacher serves."""

from collections.abc import Iterator

from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.teacher import Teacher
from stillhouse.recipe.training import Training


def find_on_policy_problems(recipe: Recipe) -> Iterator[str]:
    """Yield a line for each thing that keeps `training.kind: on_policy` from learning."""
    trained = [recipe.training_of(student) for student in recipe.all_students if not student.is_encoder]
    for training in trained:
        if training.kind == "on_policy":
            yield from _training(training)
            yield from _server(recipe, training)


def asked_teacher(recipe: Recipe) -> tuple[int, Teacher] | None:
    """Return the teacher whose server is asked for log-probabilities, with its place in the recipe; None without."""
    for number, teacher in enumerate(recipe.teachers):
        if teacher.endpoint and teacher.endpoint.provider == "vllm":
            return number, teacher
    return None


def _training(training: Training) -> Iterator[str]:
    if training.packing:
        yield (
            "training.packing fills sequences with rows that are written beforehand, and with kind: on_policy the "
            "student writes its answers meanwhile: set packing to false"
        )
    if training.execution.processes > 1:
        yield (
            f"training.execution.processes: {training.execution.processes} is not supported by kind: on_policy: set "
            "it to 1, or take kind: sft"
        )
    if training.soft_labels:
        yield (
            "training.soft_labels and kind: on_policy both teach the teacher's probabilities: leave soft_labels out, "
            "since on-policy training learns those of every token"
        )
    if training.has_adapter and "lm_head" in training.lora.target_modules:
        yield (
            "training.lora.target_modules names lm_head, whose adapter on-policy training would pass by: leave it out, "
            "as all-linear does"
        )


def _server(recipe: Recipe, training: Training) -> Iterator[str]:
    chosen = training.on_policy
    if chosen.teacher != "server":
        if chosen.server_tokens != 1:
            yield "training.on_policy.server_tokens is of teacher: server: set that, or leave it out"
        return
    if chosen.bridge != "none":
        yield (
            f"training.on_policy.bridge: {chosen.bridge} compares whole distributions, which a server does not send: "
            "set training.on_policy.teacher to weights"
        )
    if chosen.kd_temperature != 1.0:
        yield (
            f"training.on_policy.kd_temperature: {chosen.kd_temperature:g} would soften the student alone, since a "
            "server sends log-probabilities as they are: set it to 1, or teacher to weights"
        )
    if chosen.server_tokens > 1 and chosen.beta > 0.0:
        yield (
            f"training.on_policy.server_tokens: {chosen.server_tokens} is for beta: 0; with beta: {chosen.beta:g} TRL "
            "compares the token that stands in the answer: set one of the two back"
        )
    asked = asked_teacher(recipe)
    if asked is None:
        yield (
            "training.on_policy.teacher: server asks a teacher's vLLM server, and no teacher has endpoint.provider: "
            "vllm: add one, or set teacher to weights and name a teacher without `endpoint`"
        )
    elif (endpoint := asked[1].endpoint) and endpoint.redacts:
        yield (
            f"training.on_policy.teacher: server sends prompts and answers as they are, and personal data is redacted "
            f"in what teachers.{asked[0]} is sent: set its endpoint.personal_data to allow if it may see them, or "
            "training.on_policy.teacher to weights"
        )
