"""How prompts are asked in batches: files of requests that a provider works off within a day, at a lower price.

None of it decides an answer: a batch and single requests fill the same store under the same keys.
"""

from stillhouse.config import FrozenModel, execution

# what OpenAI and Azure take in one file
MOST_REQUESTS = 50_000
MOST_MEGABYTES = 200


class Batches(FrozenModel):
    """The size of batches, and how long they are waited for."""

    max_requests: int = execution(MOST_REQUESTS, "requests a batch holds at most", ge=1, le=MOST_REQUESTS)
    max_megabytes: int = execution(
        MOST_MEGABYTES, "size of a batch's file at most, in 1,000,000 bytes", ge=1, le=MOST_MEGABYTES
    )
    at_once: int = execution(
        16, "batches under way together; fewer and smaller ones stay below an account's limit of waiting tokens", ge=1
    )
    poll_s: float = execution(60.0, "seconds between two looks at a batch; the first come sooner", gt=0.0, le=300.0)
    deadline_h: float = execution(
        26.0,
        "hours a run waits; batches that are not done by then go on, and the next run collects them. A provider takes "
        "24 at most",
        gt=0.0,
        le=336.0,
    )
    max_attempts: int = execution(3, "batches one prompt goes into before its answer counts as failed", ge=1)
    price_factor: float | None = execution(
        None, "what a batch costs of the price of single requests; none given takes the provider's", gt=0.0, le=1.0
    )
