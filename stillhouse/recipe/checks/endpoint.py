"""Settings that an endpoint can't honour. It would ignore them silently, and the user would believe them."""

from collections.abc import Iterator

from stillhouse.filters.rules.confidence import Confidence
from stillhouse.recipe.chat_template import DEFAULT_DATE
from stillhouse.recipe.checks.batch import find_batch_problems
from stillhouse.recipe.endpoint import Endpoint
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.teacher import Sampling, ServedModel, Teacher

# they say how a model's own files are loaded and served
_ENGINE_FIELDS = ("dtype", "quantization", "engine", "replicas")


def find_endpoint_problems(recipe: Recipe) -> Iterator[str]:
    """Yield a line for each setting that the endpoint of a teacher or judge can't honour."""
    for field, model in recipe.served_models.items():
        if not model.endpoint:
            continue
        endpoint = model.endpoint
        problems = [
            *_engine(model),
            *_template(model, endpoint),
            *find_batch_problems(endpoint),
            *_sampling(model.sampling, endpoint),
        ]
        if isinstance(model, Teacher):
            problems += _teacher(model, endpoint)
        yield from (f"{field}.{problem}" for problem in problems)
        if isinstance(model, Teacher) and "logprobs" not in endpoint.offered:
            yield from _filters_of_logprobs(recipe, field, model, endpoint.provider)


def _engine(model: ServedModel) -> Iterator[str]:
    for name, field in type(model).model_fields.items():
        if name in _ENGINE_FIELDS and getattr(model, name) != field.default:
            yield f"{name} says how a model's own files are served, and has no effect behind an endpoint: leave it out"


def _template(model: ServedModel, endpoint: Endpoint) -> Iterator[str]:
    if model.chat_template_kwargs and endpoint.preset.is_hosted:
        yield (
            f"chat_template_kwargs are not taken by provider {endpoint.provider}: say what its models know in "
            "endpoint.extra_body, as {reasoning_effort: low}"
        )
    if model.template_date != DEFAULT_DATE:
        yield "template_date has no effect behind an endpoint, whose server writes the date: leave it out"


def _sampling(sampling: Sampling, endpoint: Endpoint) -> Iterator[str]:
    provider, offered = f"provider {endpoint.provider}", endpoint.offered
    if sampling.temperature > endpoint.preset.max_temperature:
        yield (
            f"sampling.temperature: {sampling.temperature:g} is above {endpoint.preset.max_temperature:g}, the most "
            f"that {provider} takes: lower it"
        )
    if sampling.top_k and "vllm" not in offered:
        yield f"sampling.top_k is not taken by {provider}: leave it at 0"
    if sampling.seed and "seed" not in offered:
        yield f"sampling.seed is not taken by {provider}: leave it at 0; stored answers are found again all the same"
    if sampling.logprobs and not {"vllm", "logprobs"} <= offered:
        yield f"sampling.logprobs keeps log-probabilities by token id, which {provider} does not give: leave it at 0"


def _teacher(teacher: Teacher, endpoint: Endpoint) -> Iterator[str]:
    kind, offered = teacher.output.kind, endpoint.offered
    if teacher.calibration == "batch":
        yield (
            "calibration: batch needs the log-probability of every label, which no endpoint is asked for: set it to "
            "none, or serve the model's own files with vLLM (without endpoint)"
        )
    if teacher.prompt.layout == "text":
        yield "prompt.layout: text is not a chat, and an endpoint is sent chats: set it to turns or list"
    if kind in ("choice", "json_schema") and not {"vllm", "json_schema"} & offered:
        yield (
            f"output.kind: {kind} can't be enforced by provider {endpoint.provider}: take skill (the skill's parser "
            "reads the answer) or free"
        )
    if kind == "regex" and "vllm" not in offered:
        yield f"output.kind: regex can't be enforced by provider {endpoint.provider}: take skill, free or json_schema"


def _filters_of_logprobs(recipe: Recipe, field: str, teacher: Teacher, provider: str) -> Iterator[str]:
    lacking = f"provider {provider} gives no log-probabilities for this model"
    for name in Confidence.model_fields:
        if getattr(recipe.filters, name) is not None:
            yield f"filters.{name} would drop every answer of {field}: {lacking}; leave it out"
    if recipe.filters.hard_share is not None and not (recipe.skill.votes and teacher.sampling.n > 1):
        yield (
            f"filters.hard_share finds no hard prompts of {field}: {lacking}, and there are no samples that could "
            "disagree; set sampling.n above 1, or leave it out"
        )
