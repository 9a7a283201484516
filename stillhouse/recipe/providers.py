"""What each provider of an OpenAI-compatible endpoint documents: address, variable of the key, offers, price, terms.

A new provider is one entry here. The entries are as of November 2026. No test asked a real provider. Most providers
ignore a field that they do not know, so what is not documented counts as not offered.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

# seed: sampling can be repeated; logprobs: log-probabilities of the chosen tokens; json_schema: response_format holds
# the answer to a JSON schema; vllm: vLLM's own fields (structured_outputs, top_k, log-probabilities by token id)
Offer = Literal["seed", "logprobs", "json_schema", "vllm"]


@dataclass(frozen=True, kw_only=True)
class Provider:
    """One provider of endpoints."""

    base_url: str = ""  # empty: each user has another one
    example: str  # of a base_url
    # these hosts and the hosts below them serve the same models under the same names
    own_domains: tuple[str, ...] = ()
    # the hosts that its key may go to, if own_domains has none or also holds hosts that anybody can rent
    key_hosts: tuple[str, ...] = ()  # REGION and RESOURCE stand for one label each
    key_variable: str
    needs_key: bool = True
    is_hosted: bool = True  # False: a server of the user's own, wherever it runs
    offers: tuple[Offer, ...] = ()
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    max_temperature: float = 2.0
    # True: a request without temperature and top_p is sampled with 1 and 1. Some models refuse to be sent these values
    has_known_defaults: bool = True
    has_batches: bool = False
    batch_api: Literal["openai", "mistral", "anthropic", "gemini"] = "openai"
    batch_price_factor: float | None = None  # price of a batch / price of single requests; None: not known
    price_library_id: str = ""  # the provider's name in genai-prices; empty: no list price applies
    terms: str = ""  # the entry of terms.TERMS that all its models are served under

    def is_own_host(self, host: str) -> bool:
        """Return whether the provider alone answers at `host`, in small letters, so that its key may go there."""
        if self.key_hosts:
            return any(_pattern(name).fullmatch(host) for name in self.key_hosts)
        return any(host == domain or host.endswith(f".{domain}") for domain in self.own_domains)

    @property
    def key_hosts_text(self) -> str:
        """The hosts that its key may go to, for a message."""
        return ", ".join(self.key_hosts or self.own_domains) or "it has none"


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
    # the user chooses the name of an Azure deployment: it identifies a model only together with the resource's address,
    # and no list price is known for it
    "azure": Provider(
        example="https://RESOURCE.openai.azure.com/openai/v1",
        key_hosts=(
            "RESOURCE.openai.azure.com",
            "RESOURCE.services.ai.azure.com",
            "RESOURCE.cognitiveservices.azure.com",
        ),
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
    # ignores seed, logprobs and response_format, and caps the temperature without an error
    "anthropic": Provider(
        base_url="https://api.anthropic.com/v1",
        example="https://api.anthropic.com/v1",
        own_domains=("api.anthropic.com",),
        key_variable="ANTHROPIC_API_KEY",
        max_temperature=1.0,
        has_batches=True,
        batch_api="anthropic",
        batch_price_factor=0.5,
        price_library_id="anthropic",
        terms="anthropic",
    ),
    # its OpenAI-compatible address; by default it samples with top_p 0.95
    "gemini": Provider(
        base_url="https://generativelanguage.googleapis.com/v1beta/openai",
        example="https://generativelanguage.googleapis.com/v1beta/openai",
        own_domains=("generativelanguage.googleapis.com",),
        key_variable="GEMINI_API_KEY",
        offers=("json_schema",),
        has_known_defaults=False,
        has_batches=True,
        batch_api="gemini",
        batch_price_factor=0.5,
        price_library_id="google",
        terms="google",
    ),
    # its seed has another name; the default temperature differs by model
    "mistral": Provider(
        base_url="https://api.mistral.ai/v1",
        example="https://api.mistral.ai/v1",
        own_domains=("api.mistral.ai",),
        key_variable="MISTRAL_API_KEY",
        offers=("json_schema",),
        max_temperature=1.5,
        has_known_defaults=False,
        has_batches=True,
        batch_api="mistral",
        batch_price_factor=0.5,
        price_library_id="mistral",
    ),
    "bedrock": Provider(
        example="https://bedrock-mantle.REGION.api.aws/v1",
        own_domains=("api.aws", "amazonaws.com"),
        # other hosts of these domains are buckets and machines of whoever rents them
        key_hosts=(
            "bedrock-mantle.REGION.api.aws",
            "bedrock-runtime.REGION.amazonaws.com",
            "bedrock-runtime-fips.REGION.amazonaws.com",
        ),
        key_variable="AWS_BEARER_TOKEN_BEDROCK",
        max_tokens_field="max_completion_tokens",
        price_library_id="aws",
    ),
    # the server's defaults are those of the model's generation_config.json, so each request sets every value
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
        # some servers have them: a recipe with execution: batch states that this one does
        has_batches=True,
    ),
}


def owner_of(variable: str) -> str:
    """Return the name of the provider whose key the environment variable holds; empty if it is nobody's."""
    return next((name for name, provider in PROVIDERS.items() if provider.key_variable == variable), "")


def _pattern(name: str) -> re.Pattern[str]:
    """Return the pattern of the hosts that an entry of `key_hosts` stands for; a bucket's name is no region."""
    region, resource = r"[a-z]{2,3}(-[a-z]+)+-[0-9]+", r"[a-z0-9][a-z0-9-]*"
    return re.compile(re.escape(name).replace("REGION", region).replace("RESOURCE", resource))


# the type of a recipe's field that names a provider
if TYPE_CHECKING:
    ProviderName = str
else:
    ProviderName = Literal[tuple(PROVIDERS)]
