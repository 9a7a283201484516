"""The environment variables that the library and Prefect's client read; docs/reference/settings.md shows them."""

from typing import NamedTuple

from stillhouse.artifacts.config import StoreConfig


class Variable(NamedTuple):
    """One environment variable: its default in words of the environment, and what it sets."""

    default: str
    meaning: str


def _default(field: str) -> str:
    return f"{StoreConfig.model_fields[field].default:g}"


# the defaults of folders and of the interpreter are relative to the clone, wherever the command runs
VARIABLES = {
    "STILLHOUSE_STORE": Variable(
        ".stillhouse/store",
        "a folder, s3://bucket/prefix, gs://bucket/prefix (Google) or az://container/prefix (Azure), that holds all "
        "artifacts",
    ),
    "STILLHOUSE_WORK": Variable(
        ".stillhouse/work",
        "this machine's scratch: training checkpoints, a copy of each artifact in a bucket made or used here (may be "
        "deleted between runs, but for cache/unstored: answers that the store lacks), hashes of large files, the "
        "device lock. Runs on one device must share it; if two of them want the same artifact, one builds it",
    ),
    "STILLHOUSE_ENGINE_PYTHON": Variable(".venv/engine/bin/python", "interpreter that holds vLLM, torch and TRL"),
    "STILLHOUSE_RAY_ADDRESS": Variable(
        "",
        "host:port of the Ray cluster that a teacher's replicas run on. If it is not set, they run on this machine, "
        "at once on its GPUs or one after the other",
    ),
    "STILLHOUSE_STORE_TIMEOUT": Variable(
        _default("timeout_s"), "seconds a request to a bucket may stay silent before it is tried again"
    ),
    "STILLHOUSE_STORE_PATIENCE": Variable(
        _default("patience_s"),
        "seconds that a bucket may fail before it is an error; until then requests are tried again. Keep it below the "
        "stall timeout",
    ),
    "STILLHOUSE_CACHE_GB": Variable(
        _default("cache_gb"),
        "most gigabytes of local copies of a bucket's artifacts. If there are more, those go that were not used for "
        "the longest time, but never one that a living process uses",
    ),
    "STILLHOUSE_STORE_ENCRYPTION": Variable("", "server-side encryption as S3 names it: AES256 or aws:kms"),
    "STILLHOUSE_STORE_KMS_KEY": Variable("", "id or ARN of the key for aws:kms, if it is not the bucket's default one"),
    "STILLHOUSE_STALL_TIMEOUT": Variable("900", "seconds without a word after which a worker is ended"),
    "STILLHOUSE_STAGE_TIMEOUT": Variable(
        "86400", "seconds after which a stage is ended; waiting for the device is not counted"
    ),
    "STILLHOUSE_TRUSTED_HOSTS": Variable(
        "",
        "further hosts that API keys may go to, with commas between them, as gateway.example,10.0.0.5. A key goes to "
        "its provider's own hosts and to this machine without it, and to no other host",
    ),
    "STILLHOUSE_SIGNING_KEY": Variable("", "PEM file of the private key that `stillhouse models sign` signs with"),
    "STILLHOUSE_SIGNING_KEY_PASSWORD": Variable("", "password of that file, if it is encrypted"),
    "STILLHOUSE_VERIFY_KEY": Variable("", "PEM file of the public key that `stillhouse models verify` checks with"),
    "STILLHOUSE_SERVE_API_KEY": Variable(
        "", "the key that clients of `stillhouse serve` send; if it is not set, one is made and printed at each start"
    ),
    "STILLHOUSE_REPORT_URL": Variable(
        "", "where a browser finds the store's runs/ folder; links in Prefect then lead there"
    ),
    "STILLHOUSE_COMMIT": Variable("", "the commit that reports name, if there is no git: images set it"),
    "AWS_ENDPOINT_URL_S3": Variable("", "an S3 server other than AWS"),
    "AWS_ENDPOINT_URL": Variable("", "the same, if AWS_ENDPOINT_URL_S3 is not set"),
    "AWS_ACCESS_KEY_ID": Variable("", "key of the store and of s3:// sources"),
    "AWS_SECRET_ACCESS_KEY": Variable("", "secret of that key"),
    "AWS_SESSION_TOKEN": Variable("", "session of that key, if it is a temporary one"),
    "AWS_DEFAULT_REGION": Variable("", "region of the buckets"),
    "GOOGLE_APPLICATION_CREDENTIALS": Variable(
        "", "key file for a store at gs://; without it, the service account of the machine, or that of gcloud's login"
    ),
    "AZURE_STORAGE_ACCOUNT_NAME": Variable("", "account of a store at az://"),
    "AZURE_STORAGE_ACCOUNT_KEY": Variable(
        "", "key of that account; without it, AZURE_STORAGE_SAS_KEY, AZURE_STORAGE_TOKEN or the machine's identity"
    ),
    "PREFECT_API_URL": Variable(
        "",
        "your Prefect server; if neither it nor Prefect's profile names one, a run starts a temporary one. Other "
        "PREFECT_* variables work too",
    ),
}
