"""What is known of each provider of an OpenAI-compatible endpoint: address, key variable, offers, price and terms.

A new provider is one entry here. The entries are what the providers document in November 2026; no test asked one of
them. Most ignore a field that they do not know, so what is not documented counts as not offered.
"""

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

# seed: sampling can be repeated; logprobs: of the tokens it chose; json_schema: answers held to a JSON schema by
# response_format; vllm: vLLM's own fields (structured_outputs, top_k, logprobs by token id)
Offer = Literal["seed", "logprobs", "json_schema", "vllm"]


class Provider(BaseModel):
    """One provider of endpoints."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = ""  # empty: each user has an own one
    example: str  # of a base_url
    # hosts below it serve the same models under the same names, so that the address says nothing about the answers
    own_domains: tuple[str, ...] = ()
    key_variable: str
    needs_key: bool = True
    is_hosted: bool = True  # False: a server of the user's own, wherever it runs
    offers: tuple[Offer, ...] = ()
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    max_temperature: float = 2.0
    # what a request leaves out means temperature 1 and top_p 1; some models refuse even to be told so
    has_known_defaults: bool = True
    has_batches: bool = False  # OpenAI's batch API: /files and /batches
    batch_price_factor: float | None = None  # of the price of single requests; None: not known
    price_library_id: str = ""  # the provider's name in genai-prices; empty: no list price says what the user pays
    terms: str = ""  # the entry of terms.TERMS that all its models are served under


PROVIDERS: dict[str, Provider] = {
    "openai": Provider(
        base_url="https://api.openai.com/v1",
        example="https://eu.api.openai.com/v1",
        own_domains=("api.openai.com",),
        key_variable="OPENAI_API_KEY",
        offers=("seed", "logprobs", "json_schema"),
        max_tokens_field="max_completion_tokens",
        has_batches=True,
        batch_price_factor=0.5,
        price_library_id="openai",
        terms="openai",
    ),
    # the owner names an Azure deployment: only with its resource's address the name means one model, and no list price
    # is known for it
    "azure": Provider(
        example="https://RESOURCE.openai.azure.com/openai/v1",
        key_variable="AZURE_OPENAI_API_KEY",
        offers=("seed", "logprobs", "json_schema"),
        max_tokens_field="max_completion_tokens",
        has_batches=True,
        batch_price_factor=0.5,
        terms="microsoft",
    ),
    "deepseek": Provider(
        base_url="https://api.deepseek.com",
        example="https://api.deepseek.com",
        own_domains=("api.deepseek.com",),
        key_variable="DEEPSEEK_API_KEY",
        offers=("logprobs",),
        price_library_id="deepseek",
    ),
    # ignores seed, logprobs and response_format, and caps the temperature without a word
    "anthropic": Provider(
        base_url="https://api.anthropic.com/v1",
        example="https://api.anthropic.com/v1",
        own_domains=("api.anthropic.com",),
        key_variable="ANTHROPIC_API_KEY",
        max_temperature=1.0,
        price_library_id="anthropic",
        terms="anthropic",
    ),
    "bedrock": Provider(
        example="https://bedrock-mantle.REGION.api.aws/v1",
        own_domains=("api.aws", "amazonaws.com"),
        key_variable="AWS_BEARER_TOKEN_BEDROCK",
        max_tokens_field="max_completion_tokens",
        price_library_id="aws",
    ),
    # the model's own generation_config.json is the server's default, so that all is said in each request
    "vllm": Provider(
        example="http://HOST:8000/v1",
        key_variable="VLLM_API_KEY",
        needs_key=False,
        is_hosted=False,
        offers=("seed", "logprobs", "vllm"),
        max_tokens_field="max_completion_tokens",
        has_known_defaults=False,
    ),
    "compatible": Provider(
        example="http://HOST:PORT/v1",
        key_variable="STILLHOUSE_TEACHER_API_KEY",
        needs_key=False,
        is_hosted=False,
        has_known_defaults=False,
        # some servers have them: choosing execution: batch says that this one does
        has_batches=True,
    ),
}

# the type of a recipe's field that names a provider
if TYPE_CHECKING:
    Name = str
else:
    Name = Literal[tuple(PROVIDERS)]
