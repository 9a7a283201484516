"""Where a teacher is asked over an OpenAI-compatible API, and how hard."""

import re
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from stillhouse.config import FrozenModel, execution
from stillhouse.recipe.batch import Batches
from stillhouse.recipe.private_hosts import is_private
from stillhouse.recipe.providers import PROVIDERS, Name, Offer, Provider

# what a request says by other fields of the recipe, or what its reader relies on
_TAKEN = {
    *("model", "messages", "n", "stream", "stop", "seed", "temperature", "top_p", "top_k", "response_format"),
    *("max_tokens", "max_completion_tokens", "logprobs", "top_logprobs", "structured_outputs", "tools", "tool_choice"),
    *("return_tokens_as_token_ids", "min_p", "repetition_penalty"),
}
_SECRET = re.compile(r"api.?key|authorization|secret|password|credential|bearer", re.IGNORECASE)
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Endpoint(FrozenModel):
    """An OpenAI-compatible endpoint; the key is in the environment and nowhere else."""

    provider: Name = Field(description="whose endpoint: sets the address, the key's variable and what may be asked")
    base_url: str = execution(
        "",
        "address up to and without /chat/completions; empty takes the provider's. Outside of the provider's own "
        "domain it says which model a name means, and answers stored from another address are not found",
    )
    serves: str = Field(
        "",
        description="what the endpoint serves, as owner/model@revision; given, it stands in place of the address, so "
        "that a server may move and its answers are still found",
    )
    api_key_env: str = execution("", "environment variable that holds the key; empty takes the provider's")
    offers: tuple[Offer, ...] | None = Field(
        None,
        description="what may be asked of this model, of seed, logprobs, json_schema and vllm; none given takes the "
        "provider's. OpenAI's reasoning models: [json_schema]",
    )
    extra_body: dict[str, Any] = Field(
        {}, description="further fields of each request, as {reasoning_effort: low}; never a key"
    )
    # its effect, `redacts`, is identity of the stages that ask
    personal_data: Literal["auto", "redact", "allow"] = execution(
        "auto",
        "personal data in what is sent (e-mails, phones, cards, IBANs …). redact: replaced by marks; allow: sent as it "
        "is; auto: redact, unless a server of your own (vllm, compatible) is asked at a loopback or private address",
    )
    concurrency: int = execution(16, "requests in flight", ge=1, le=1024)
    requests_per_minute: int = execution(0, "requests sent a minute at most; 0 sets no limit", ge=0)
    tokens_per_minute: int = execution(
        0, "tokens a minute at most, a prompt's and max_tokens counted when it is sent; 0 sets no limit", ge=0
    )
    timeout_s: float = execution(300.0, "seconds a request may take", gt=0.0)
    max_attempts: int = execution(8, "times one prompt is asked before its answer counts as failed", ge=1)
    patience_s: float = execution(900.0, "seconds one prompt is tried for, waiting for a rate limit included", gt=0.0)
    segment_seconds: float = execution(5.0, "answers are stored at least this often", gt=0.0, le=10.0)
    batch: Batches = execution(Batches(), "how batches are made and waited for, with execution: batch")
    # last: from here on the name is the field's, and no longer that of the function
    execution: Literal["realtime", "batch"] = execution(
        "realtime",
        "batch: prompts go to the provider's batch API in files and are answered within a day, for half the price; "
        "keys and stored answers are the same",
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
                "it is the name of an environment variable, in capitals; the key itself stands in no recipe"
            )
        return value

    @field_validator("extra_body")
    @classmethod
    def _only_further_fields(cls, value: dict[str, Any]) -> dict[str, Any]:
        if taken := sorted(_TAKEN & set(value)):
            raise ValueError(f"{', '.join(taken)} is said by other fields of the recipe; leave it out here")
        if any(_SECRET.search(name) for name in _names_in(value)):
            raise ValueError("a key belongs in the environment, not in a request's body")
        return value

    @model_validator(mode="after")
    def _has_an_address(self) -> "Endpoint":
        if not self.address:
            raise ValueError(f"provider {self.provider} needs a base_url, as {self.preset.example}")
        parts = urlsplit(self.address)
        if self.preset.needs_key and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise ValueError(f"provider {self.provider} is sent a key, and http:// would show it: take https://")
        return self

    @property
    def preset(self) -> Provider:
        """What is known of the provider."""
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
    def can(self) -> frozenset[Offer]:
        """What may be asked of the endpoint."""
        return frozenset(self.preset.offers if self.offers is None else self.offers)

    @property
    def redacts(self) -> bool:
        """Whether personal data is taken out of what is sent."""
        if self.personal_data != "auto":
            return self.personal_data == "redact"
        # a gateway nearby hands on what a hosted provider is sent
        return self.preset.is_hosted or not is_private(urlsplit(self.address).hostname or "")

    @property
    def price_factor(self) -> float:
        """What an answer costs of the price of single requests."""
        if self.execution == "realtime":
            return 1.0
        return self.batch.price_factor or self.preset.batch_price_factor or 1.0

    @property
    def waits_s(self) -> float:
        """Seconds that a stage must be given for batches, an hour to bring them in included; 0 without batches."""
        return 3600.0 * (self.batch.deadline_h + 1.0) if self.execution == "batch" else 0.0

    @property
    def place(self) -> str:
        """What of the address decides which model a name means; empty on the provider's own domain."""
        if self.serves:
            return f"serves {self.serves}"
        parts = urlsplit(self.address)
        host = parts.hostname or ""
        if any(host == domain or host.endswith(f".{domain}") for domain in self.preset.own_domains):
            return ""
        return f"{parts.netloc.lower()}{parts.path}"

    def names(self, model: str, revision: str) -> dict[str, Any]:
        """Return what identifies `model` behind this endpoint: all that decides its answers besides the request."""
        return {
            "provider": self.provider,
            "place": self.place,
            "model": model,
            "revision": revision,
            "extra_body": self.extra_body,
        }


def _names_in(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [str(name) for name in value] + [name for inner in value.values() for name in _names_in(inner)]
    return [name for inner in value for name in _names_in(inner)] if isinstance(value, list) else []
