"""Says of a failure of S3 why it failed and which setting to fix; loaded for stores in S3 alone."""

from aiohttp import ClientError as HttpError
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    SSLError,
)

from stillhouse.artifacts.config import StoreConfig
from stillhouse.artifacts.s3.errors import (
    error_code,
    has_no_code,
    is_missing_bucket,
    is_passing,
    is_silent,
    speaks_no_s3,
)

# what the client raises, beside what a disk raises
FAILURES: tuple[type[Exception], ...] = (BotoCoreError, ClientError, HttpError, RecursionError)
_KEYS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN if you use it)"
_CREDENTIALS = (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError)
_OTHER_REGION = ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException")


def explain_s3(config: StoreConfig, error: Exception) -> str:
    """Return what failed in S3, why, and which setting to fix."""
    code = error_code(error) or type(error).__name__
    if isinstance(error, _CREDENTIALS):
        return f"no usable S3 keys were found; {_KEYS}"
    if isinstance(error, SSLError):
        return f"no safe connection to the S3 server {config.server} [{code}]; fix AWS_ENDPOINT_URL or AWS_CA_BUNDLE"
    if is_silent(error):
        return f"the S3 server {config.server} does not answer; start it, or fix AWS_ENDPOINT_URL [{code}]"
    if speaks_no_s3(error):
        return f"what answers at {config.server} is no S3 server [{code}]; fix AWS_ENDPOINT_URL"
    if is_passing(error):
        other = ", or fix AWS_ENDPOINT_URL if that is no S3 server" if has_no_code(error) else ""
        return f"the S3 server {config.server} has trouble of its own [{code}]; look into its log{other}"
    return _explain_refusal(config, error, code)


def _explain_refusal(config: StoreConfig, error: Exception, code: str) -> str:
    if is_missing_bucket(error):
        return f"there is no bucket `{config.bucket}`; create it, or fix STILLHOUSE_STORE"
    if code in _OTHER_REGION:
        return f"bucket `{config.bucket}` lies in another region [{code}]; set AWS_DEFAULT_REGION to it"
    if isinstance(error, PermissionError) and code == "AccessDenied":
        return f"these keys may not do that in bucket `{config.bucket}`; grant it, or {_KEYS}"
    if isinstance(error, PermissionError):
        return f"S3 refused the keys [{code}]; {_KEYS}"
    if isinstance(error, FileNotFoundError):
        return "it is not there"
    return f"S3 refused the request [{code}]; look into its log, or fix STILLHOUSE_STORE"
