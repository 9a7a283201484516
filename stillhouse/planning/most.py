"""What the requests to a model can take at most, as far as that is known before it has answered any."""

from collections.abc import Iterator, Sequence

from stillhouse.config import StrictModel
from stillhouse.costs.price import ResolvedPrice, generation_price, resolve_price
from stillhouse.planning.inputs import PlanInputs
from stillhouse.planning.requests_forecast import teacher_workloads
from stillhouse.recipe.endpoint import Endpoint
from stillhouse.recipe.providers import PROVIDERS
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.teacher import Teacher
from stillhouse.reports.numbers import count, dollars, size
from stillhouse.teachers.probe import TEST_ROWS
from stillhouse.teachers.probe_result import ListedPrompt

# of English text in the vocabularies of today's models; code and other scripts have fewer bytes in a token
BYTES_PER_TOKEN = 4.0


class Most(StrictModel):
    """The prompts of requests that are still to be sent, and bounds of what they take."""

    what: str
    requests: int
    prompt_bytes: int
    prompt_tokens: int  # about, at so many bytes a token
    completion_tokens: int  # if each answer is as long as it may be
    usd: float | None  # for both; None without a price


def most_of_all(inputs: PlanInputs) -> Iterator[Most]:
    """Yield it for each teacher's training rows and its test rows; rows that may reach a later teacher count too."""
    recipe = inputs.recipe
    for index, (teacher, probe) in enumerate(zip(recipe.teachers, inputs.probes, strict=True)):
        name = teacher.display_name if recipe.has_several else "teacher"
        prompts = [prompt for work in teacher_workloads(inputs, index) for prompt in work.prompts]
        longest = teacher.sampling.max_tokens
        yield most_of(f"{name}: prompts", prompts, longest, generation_price(teacher, recipe.costs))
        if index in recipe.tested_teachers and probe.test_prompts:
            yield most_of(f"{name}: {TEST_ROWS}", probe.test_prompts, longest, resolve_price(teacher, recipe.costs))


def most_of(what: str, prompts: Sequence[ListedPrompt], max_tokens: int, price: ResolvedPrice) -> Most:
    """Return what the missing completions of `prompts`, whose sizes are bytes, take at most."""
    missing = sum(prompt.num_missing for prompt in prompts)
    prompt_bytes = sum(prompt.size * prompt.num_missing for prompt in prompts)
    prompt_tokens, completion_tokens = round(prompt_bytes / BYTES_PER_TOKEN), missing * max_tokens
    return Most(
        what=what,
        requests=missing,
        prompt_bytes=prompt_bytes,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        usd=price.usd(prompt_tokens, completion_tokens, None),
    )


def most_line(most: Most) -> str:
    """Return it in one line."""
    cost = "cost not known" if most.usd is None else f"about {dollars(most.usd)} at most"
    return (
        f"{most.what}: {count(most.requests)} requests with {size(most.prompt_bytes)} of prompts, about "
        f"{count(most.prompt_tokens)} tokens at {BYTES_PER_TOKEN:g} bytes each; answers of "
        f"{count(most.completion_tokens)} tokens at most; {cost}."
    )


def as_servers(recipe: Recipe) -> Recipe:
    """Return the recipe with a server of its own in place of each engine here, so that prompts need no tokenizer.

    Requests are as many and prompts as long, but for the marks of a chat template.
    """
    return recipe.model_copy(update={"teachers": tuple(_as_server(one) for one in recipe.teachers)})


def _as_server(teacher: Teacher) -> Teacher:
    if teacher.endpoint:
        return teacher
    server = Endpoint(provider="vllm", base_url=PROVIDERS["vllm"].example.replace("HOST", "localhost"))
    # no server takes the layout text
    layout = "list" if teacher.prompt.layout == "text" else teacher.prompt.layout
    prompt = teacher.prompt.model_copy(update={"layout": layout})
    return teacher.model_copy(update={"endpoint": server, "prompt": prompt})
