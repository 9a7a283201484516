"""What a provider says of files and batches, as far as it is needed."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel

ENDED = ("completed", "failed", "expired", "cancelled")


class File(BaseModel):
    """A file, uploaded or of results."""

    id: str
    status: str = "processed"


class Counts(BaseModel):
    """Requests of a batch."""

    completed: int = 0
    failed: int = 0
    total: int = 0


class BatchError(BaseModel):
    """Why a batch was not begun, or one of its lines was refused."""

    code: str | None = None
    message: str | None = None
    line: int | None = None


class _Errors(BaseModel):
    data: list[BatchError] | None = None


class BatchState(BaseModel):
    """A batch as the provider reports it."""

    id: str
    status: Annotated[str, AfterValidator(str.lower)]  # one of ENDED, or still in progress
    input_file_id: str = ""
    output_file_id: str | None = None
    error_file_id: str | None = None
    request_counts: Counts | None = None
    errors: _Errors | None = None

    @property
    def num_done(self) -> int:
        """Requests that have an outcome."""
        return self.request_counts.completed + self.request_counts.failed if self.request_counts else 0

    @property
    def reasons(self) -> list[BatchError]:
        """Why it failed as a whole."""
        return (self.errors.data if self.errors else None) or []


class Page(BaseModel):
    """A page of the list of batches."""

    data: list[BatchState]
    has_more: bool = False
