"""How large batches over an API are, and how long a run waits for them."""

from stillhouse.config import FrozenModel, execution

# OpenAI's and Azure's limits of one batch; the others take more
_MAX_BATCH_REQUESTS = 50_000
_MAX_BATCH_MEGABYTES = 200


class BatchSettings(FrozenModel):
    """The size of batches, and how long a run waits for them. A batch has the keys of single requests."""

    max_requests: int = execution(_MAX_BATCH_REQUESTS, "most requests in one batch", ge=1, le=_MAX_BATCH_REQUESTS)
    max_megabytes: int = execution(
        _MAX_BATCH_MEGABYTES, "largest file of one batch, in 1,000,000 bytes", ge=1, le=_MAX_BATCH_MEGABYTES
    )
    at_once: int = execution(
        16, "most open batches; fewer and smaller ones stay below an account's limit of waiting tokens", ge=1
    )
    poll_s: float = execution(60.0, "seconds between two polls of a batch; the first come sooner", gt=0.0, le=300.0)
    deadline_h: float = execution(
        26.0,
        "hours that a run waits. Batches that are open then go on, and the next run collects them. A provider takes "
        "at most 24 hours, Gemini 48",
        gt=0.0,
        le=336.0,
    )
    max_attempts: int = execution(3, "batches that a prompt goes into before its answer counts as failed", ge=1)
    price_factor: float | None = execution(
        None, "price of a batch / price of single requests; null takes the provider's", gt=0.0, le=1.0
    )
