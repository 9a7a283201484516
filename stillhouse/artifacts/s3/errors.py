"""Kinds of S3 failure: those that can pass by themselves are retried, the others name their remedy."""

from aiohttp import ClientError as HttpError
from aiohttp import ClientResponseError
from botocore.exceptions import ClientError, HTTPClientError, SSLError
from botocore.exceptions import ConnectionError as BotoConnectionError
from botocore.parsers import ResponseParserError

# ConnectionError and TimeoutError are what a dying socket and a bounded call raise; ResponseParserError, since under
# load some servers cut their answers short
_NO_ANSWER = (BotoConnectionError, HTTPClientError, HttpError, ResponseParserError, ConnectionError, TimeoutError)
_PASSING_STATUS = (408, 429, 500, 502, 503, 504)
_PASSING_CODES = {
    "BadDigest",  # as the next two: damaged or cut on its way
    "IncompleteBody",
    "XAmzContentSHA256Mismatch",
    "OperationAborted",
    "RequestTimeout",
    "SlowDown",
}


def is_passing(error: BaseException) -> bool:
    """Return whether the same request may succeed later: no answer, a server error, or throttling."""
    if (answer := _answer(error)) is not None:
        return _status(answer) in _PASSING_STATUS or _code(answer) in _PASSING_CODES
    return is_silent(error) and not isinstance(error, SSLError)


def is_silent(error: BaseException) -> bool:
    """Return whether there was no answer at all that could be read."""
    return _answer(error) is None and isinstance(error, _NO_ANSWER) and not _is_no_s3_at_all(error)


def speaks_no_s3(error: BaseException) -> bool:
    """Return whether the answer was an error without an S3 code, as a web server or a proxy sends it.

    Answers to HEAD have no body and so no code. A gateway's 5xx does not tell what is behind it.
    """
    answer = _answer(error)
    if answer is None:
        return _is_no_s3_at_all(error)
    if answer.operation_name.startswith("Head") or _status(answer) in _PASSING_STATUS:
        return False
    return has_no_code(error)


def has_no_code(error: BaseException) -> bool:
    """Return whether the answer behind an error has a status at most, but none of S3's own codes."""
    answer = _answer(error)
    return answer is not None and (not _code(answer) or _code(answer).isdigit())


def _is_no_s3_at_all(error: BaseException) -> bool:
    """Return whether the HTTP client gave up over the answer: one that redirects in a circle, or is no HTTP."""
    if isinstance(error, RecursionError):  # botocore's own, over a redirect that it takes for another region's
        return True
    return isinstance(error, HTTPClientError) and isinstance(error.kwargs.get("error"), ClientResponseError)


def is_missing_bucket(error: BaseException) -> bool:
    """Return whether the bucket itself is missing, not a key in it."""
    return error_code(error) == "NoSuchBucket"


def is_lost_upload(error: BaseException) -> bool:
    """Return whether S3 no longer knows an upload, as after it completed and only the response was lost."""
    return error_code(error) == "NoSuchUpload"


def is_unmet(error: BaseException) -> bool:
    """Return whether a conditional write was refused: there is another object than it named, or one is written now."""
    return error_code(error) in ("PreconditionFailed", "HTTP 412", "ConditionalRequestConflict", "NoSuchKey")


def is_unknown_condition(error: BaseException) -> bool:
    """Return whether the server refuses conditions of writes as such."""
    return error_code(error) in ("NotImplemented", "InvalidArgument", "InvalidRequest")


def error_code(error: BaseException) -> str | None:
    """Return the code of the S3 answer behind an error, or None without an answer."""
    answer = _answer(error)
    return None if answer is None else _code(answer) or f"HTTP {_status(answer)}"


def _answer(error: BaseException | None) -> ClientError | None:
    while error is not None and not isinstance(error, ClientError):
        error = error.__cause__
    return error


def _code(answer: ClientError) -> str:
    return str(answer.response.get("Error", {}).get("Code", ""))


def _status(answer: ClientError) -> int:
    return int(answer.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
