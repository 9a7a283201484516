"""What a provider says of files and batches, in one form for all of them."""

from pydantic import BaseModel

ENDED = ("completed", "failed", "expired", "cancelled")


class File(BaseModel):
    """A file of requests, as it was uploaded."""

    id: str = ""  # empty: the requests go along with the batch, and there is no file
    is_checked: bool = True  # False: some providers look through a file first; until then it can't be used


class BatchError(BaseModel):
    """Why a batch was not begun."""

    code: str | None = None
    message: str | None = None


class BatchState(BaseModel):
    """A batch as the provider reports it."""

    id: str
    status: str  # one of ENDED, or still in progress; failed: it was not begun, and nothing is paid for
    input_file: str = ""  # that it was made of
    results: tuple[str, ...] = ()  # what to download, by the provider's names
    num_done: int = 0  # requests that have an outcome
    num_requests: int = 0
    created: float = 0.0  # UNIX time; 0 if it is not told
    reasons: tuple[BatchError, ...] = ()  # why it failed as a whole


class Page(BaseModel):
    """A page of the list of batches."""

    batches: list[BatchState]
    next: str = ""  # what to ask the next page by; empty on the last one
