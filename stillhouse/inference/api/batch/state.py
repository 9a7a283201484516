"""What a provider says of files and batches, as far as it is needed."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, model_validator

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


# Mistral's words for the state of a job
_STATUSES = {"success": "completed", "timeout_exceeded": "expired"}


class BatchState(BaseModel):
    """A batch as the provider reports it."""

    id: str
    status: Annotated[str, AfterValidator(str.lower)]  # one of ENDED, or still in progress
    input_file_id: str = ""
    output_file_id: str | None = None
    error_file_id: str | None = None
    request_counts: Counts | None = None
    errors: _Errors | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_a_mistral_job(cls, given: Any) -> Any:
        if not isinstance(given, dict) or "input_files" not in given:
            return given
        status = str(given.get("status")).lower()
        output, errors = given.get("output_file"), given.get("errors") or []
        if status == "failed" and output:
            status = "expired"  # it was begun: what was answered is paid for
        names = ("completed", "failed", "total")
        counts = (given.get(f"{name}_requests") or 0 for name in ("succeeded", "failed", "total"))
        return {
            "id": given.get("id"),
            "status": _STATUSES.get(status, status),
            "input_file_id": next(iter(given["input_files"] or []), ""),
            "output_file_id": output,
            "error_file_id": given.get("error_file"),
            "request_counts": dict(zip(names, counts, strict=True)),
            "errors": {"data": [{"message": error.get("message")} for error in errors if isinstance(error, dict)]},
        }

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
    total: int = 0  # batches on all pages, where that is told in place of `has_more`
