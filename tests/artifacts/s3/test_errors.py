import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
    SSLError,
)

from stillhouse.artifacts.s3.errors import is_passing, speaks_no_s3


def answer(status: int, code: str, operation: str = "PutObject") -> OSError:
    """Return the error as s3fs gives it: an OSError caused by botocore's."""
    response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    error = OSError("as s3fs says it")
    error.__cause__ = ClientError(response, operation)  # type: ignore[arg-type]
    return error


@pytest.mark.parametrize(
    "error",
    [
        answer(500, "InternalError"),
        answer(503, "SlowDown"),
        answer(503, "503", "HeadObject"),
        answer(504, "504"),
        answer(400, "RequestTimeout"),
        answer(429, "TooManyRequests"),
        EndpointConnectionError(endpoint_url="http://x"),
        ReadTimeoutError(endpoint_url="http://x"),
        ConnectionResetError(),
        TimeoutError(),
    ],
    ids=str,
)
def test_is_passing_server_or_network_trouble_is_true(error: Exception) -> None:
    assert is_passing(error)


@pytest.mark.parametrize(
    "error",
    [
        answer(403, "InvalidAccessKeyId"),
        answer(403, "AccessDenied"),
        answer(404, "NoSuchBucket"),
        answer(404, "404", "HeadObject"),
        answer(501, "NotImplemented"),
        answer(400, "EntityTooLarge"),
        SSLError(endpoint_url="https://x", error="certificate"),
        NoCredentialsError(),
        FileNotFoundError(),
        OSError("of the disk"),
    ],
    ids=str,
)
def test_is_passing_permanent_fault_is_false(error: Exception) -> None:
    assert not is_passing(error)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (answer(404, ""), True),
        (answer(501, "501"), True),
        (answer(404, "404"), True),
        (answer(404, "404", "HeadObject"), False),  # answers to HEAD have no body
        (answer(404, "NoSuchKey"), False),
        (answer(502, "502"), False),  # a gateway's; what is behind it may well be S3
        (TimeoutError(), False),
    ],
)
def test_speaks_no_s3_error_without_s3_code_is_true(error: Exception, expected: bool) -> None:
    assert speaks_no_s3(error) is expected
