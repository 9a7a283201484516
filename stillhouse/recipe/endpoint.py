"""Where a model is asked over an OpenAI-compatible API, and how many requests may be open."""

import re
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from stillhouse.config import FrozenModel, execution
from stillhouse.recipe.batch import BatchSettings
from stillhouse.recipe.headers import check_plain_headers, check_secret_headers
from stillhouse.recipe.private_hosts import is_private
from stillhouse.recipe.providers import PROVIDERS, Offer, Provider, ProviderName, owner_of

# request fields that the recipe sets elsewhere, or that the code which reads the response relies on
_RESERVED_FIELDS = {
    *("model", "messages", "n", "stream", "stream_options", "stop", "seed", "response_format"),
    *("temperature", "top_p", "top_k"),
    *("max_tokens", "max_completion_tokens", "logprobs", "top_logprobs", "structured_outputs", "tools", "tool_choice"),
    *("return_tokens_as_token_ids", "min_p", "repetition_penalty"),
}
_SECRET = re.compile(r"api.?key|authorization|secret|password|credential|bearer", re.IGNORECASE)
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Endpoint(FrozenModel):
    """An OpenAI-compatible endpoint. Its key is read from the environment and is never part of a recipe."""

    provider: ProviderName = Field(
        description="it sets the address, the variable of the key, and which settings are offered"
    )
    base_url: str = execution(
        "",
        "address without /chat/completions; empty takes the provider's. Outside of the provider's own domain the "
        "address says which model a name means, so answers stored from another address are not found",
    )
    serves: str = Field(
        "",
        description="what the endpoint serves, as owner/model@revision. It replaces the address in the identity, so a "
        "server can move and its stored answers are still found",
    )
    api_key_env: str = execution(
        "",
        "environment variable that holds the key: a provider's own, or one that ends in _API_KEY. Empty takes the "
        "provider's. It goes to that provider's hosts, to this machine and to STILLHOUSE_TRUSTED_HOSTS only",
    )
    offers: tuple[Offer, ...] | None = Field(
        None,
        description="which of seed, logprobs, json_schema and vllm this model offers; null takes the provider's. For "
        "OpenAI's reasoning models: [json_schema]",
    )
    extra_body: dict[str, Any] = Field(
        {}, description="further fields of each request, as {reasoning_effort: low}; never a key"
    )
    headers: dict[str, str] = execution(
        {},
        "further headers of each request, as a gateway wants them: {X-Title: distil}; never a key. They are no part of "
        "a key: if one decides which model answers, mark that in the model's revision",
    )
    headers_from_env: dict[str, str] = execution(
        {},
        "further headers with secrets, as {x-portkey-api-key: PORTKEY_API_KEY}: the environment variable that holds "
        "each, whose name ends in _API_KEY",
    )
    # its effect, `redacts`, is identity of the stages that send prompts
    personal_data: Literal["auto", "redact", "allow"] = execution(
        "auto",
        "personal data in what is sent (e-mails, phones, cards, IBANs …). redact: replaced by marks; allow: sent as it "
        "is; auto: redact, unless a server of your own (vllm, compatible) is at a loopback or private address",
    )
    concurrency: int = execution(16, "most open requests", ge=1, le=1024)
    requests_per_minute: int = execution(0, "most requests a minute; 0 sets no limit", ge=0)
    tokens_per_minute: int = execution(
        0, "most tokens a minute, counted when a request is sent as its prompt and max_tokens; 0 sets no limit", ge=0
    )
    timeout_s: float = execution(300.0, "seconds a request may take", gt=0.0)
    stream: bool = execution(
        False,
        "answers come as a stream and timeout_s is the longest silence within one, so that answers come whole which "
        "take longer than a gateway keeps a silent request",
    )
    max_attempts: int = execution(
        8,
        "most requests for one prompt before its answer counts as failed; those lost to a rate limit or an outage "
        "don't count",
        ge=1,
    )
    patience_s: float = execution(
        900.0,
        "seconds for which an outage is waited out before the run ends, and a rate limit before a prompt is given up",
        gt=0.0,
    )
    segment_seconds: float = execution(5.0, "most seconds between two writes to the completion store", gt=0.0, le=10.0)
    batch: BatchSettings = execution(BatchSettings(), "size of batches and waiting for them, for execution: batch")
    # last: below this line `execution` is the field and no longer the function
    execution: Literal["realtime", "batch"] = execution(
        "realtime",
        "realtime: single requests; batch: prompts go to the provider's batch API many at a time and are answered "
        "within a day or two, for half the price. Keys and stored answers are the same",
    )

    @field_validator("base_url")
    @classmethod
    def _plain_address(cls, value: str) -> str:
        if not value:
            return value
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("an address begins with http:// or https:// and names a host")
        if parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError("an address has no user and nothing after `?` or `#`; a key belongs in the environment")
        return value.rstrip("/").removesuffix("/chat/completions")

    @field_validator("api_key_env")
    @classmethod
    def _name_of_a_variable(cls, value: str) -> str:
        if value and not re.fullmatch(r"[A-Z][A-Z0-9_]{0,63}", value):
            raise ValueError(
                "name an environment variable, in capitals. The key is the variable's value and belongs in no recipe"
            )
        if value and not (value.endswith("_API_KEY") or owner_of(value)):
            raise ValueError(
                "a recipe may come from anybody, so it can send no other secrets: name a provider's own variable, or "
                "put the key into one that ends in _API_KEY"
            )
        return value

    @field_validator("headers")
    @classmethod
    def _plain_headers(cls, value: dict[str, str]) -> dict[str, str]:
        check_plain_headers(value)
        return value

    @field_validator("headers_from_env")
    @classmethod
    def _secret_headers(cls, value: dict[str, str]) -> dict[str, str]:
        check_secret_headers(value)
        return value

    @field_validator("extra_body")
    @classmethod
    def _no_reserved_field(cls, value: dict[str, Any]) -> dict[str, Any]:
        if reserved := sorted(_RESERVED_FIELDS & set(value)):
            raise ValueError(f"{', '.join(reserved)} can't be set here: leave it out and use the recipe's own fields")
        if any(_SECRET.search(name) for name in _names_in(value)):
            raise ValueError("a key belongs in the environment, not in a request's body")
        return value

    @model_validator(mode="after")
    def _has_a_safe_address(self) -> "Endpoint":
        if not self.address:
            raise ValueError(f"provider {self.provider} needs a base_url, as {self.preset.example}")
        parts = urlsplit(self.address)
        if self.preset.needs_key and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise ValueError(f"provider {self.provider} gets a key, and http:// sends it unencrypted: use https://")
        if self.headers_from_env and parts.scheme == "http" and not is_private(parts.hostname or ""):
            raise ValueError("headers_from_env holds secrets, and http:// sends them unencrypted: use https://")
        return self

    @property
    def preset(self) -> Provider:
        """The provider's entry in `providers.PROVIDERS`."""
        return PROVIDERS[self.provider]

    @property
    def address(self) -> str:
        """Where requests go, without a slash at its end."""
        return self.base_url or self.preset.base_url

    @property
    def key_variable(self) -> str:
        """The environment variable that holds the key."""
        return self.api_key_env or self.preset.key_variable

    @property
    def offered(self) -> frozenset[Offer]:
        """What the endpoint offers besides plain completions."""
        return frozenset(self.preset.offers if self.offers is None else self.offers)

    @property
    def redacts(self) -> bool:
        """Whether personal data is replaced in what is sent."""
        if self.personal_data != "auto":
            return self.personal_data == "redact"
        # a gateway at a private address still forwards a hosted provider's prompts to that provider
        return self.preset.is_hosted or not is_private(urlsplit(self.address).hostname or "")

    @property
    def price_factor(self) -> float:
        """The price of an answer, as a fraction of the price of a single request."""
        if self.execution == "realtime":
            return 1.0
        return self.batch.price_factor or self.preset.batch_price_factor or 1.0

    @property
    def batch_timeout_s(self) -> float:
        """Seconds that a stage needs for its batches, with an hour to collect them; 0 without batches."""
        return 3600.0 * (self.batch.deadline_h + 1.0) if self.execution == "batch" else 0.0

    @property
    def server_identity(self) -> str:
        """The part of the address that decides which model a name means; empty on the provider's own domain."""
        if self.serves:
            return f"serves {self.serves}"
        parts = urlsplit(self.address)
        host = parts.hostname or ""
        if any(host == domain or host.endswith(f".{domain}") for domain in self.preset.own_domains):
            return ""
        return f"{parts.netloc.lower()}{parts.path}"

    def model_identity(self, model: str, revision: str) -> dict[str, Any]:
        """Return what identifies `model` behind this endpoint; only the request decides its answers besides this."""
        return {
            "provider": self.provider,
            "place": self.server_identity,
            "model": model,
            "revision": revision,
            "extra_body": self.extra_body,
        }


def _names_in(value: Any) -> list[str]:
    """Return the keys of all mappings inside `value`."""
    if isinstance(value, dict):
        return [str(name) for name in value] + [name for inner in value.values() for name in _names_in(inner)]
    return [name for inner in value for name in _names_in(inner)] if isinstance(value, list) else []
