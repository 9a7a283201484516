"""The store's address, timeouts and patience: execution only, nothing here enters a fingerprint.

It never holds a secret: botocore reads keys from the AWS_* environment variables itself, and obstore from GOOGLE_* and
AZURE_*.
"""

import os
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, field_validator, model_validator

from stillhouse.config import StrictModel


def _default_cache_dir() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "stillhouse"


_BUCKETS = {"s3": "s3://bucket/prefix", "gs": "gs://bucket/prefix", "az": "az://container/prefix"}
_KEYS = {"s3": "AWS_*", "gs": "GOOGLE_*", "az": "AZURE_*"}
_FORMS = f"a folder, {', '.join(_BUCKETS.values())}"


class StoreConfig(StrictModel):
    """A folder or a prefix in a bucket, and how to reach it."""

    # hidden input: an address may have a password in it by mistake, and an error must not repeat it
    model_config = ConfigDict(hide_input_in_errors=True)

    url: str = Field(description=f"{_FORMS} (STILLHOUSE_STORE)")
    endpoint_url: str | None = Field(None, description="S3 server other than AWS (AWS_ENDPOINT_URL)")
    timeout_s: float = Field(30.0, gt=0.0, description="seconds a request to a bucket may stay silent before a retry")
    patience_s: float = Field(120.0, ge=0.0, description="seconds for which failing requests are retried")
    server_side_encryption: str | None = Field(None, description="as S3 names it: AES256 or aws:kms")
    kms_key_id: str | None = Field(None, description="id or ARN of the KMS key, if not the default one")
    cache_dir: Path = Field(default_factory=_default_cache_dir, description="local copies of artifacts of a bucket")
    cache_gb: float = Field(100.0, gt=0.0, description="most gigabytes of these copies (STILLHOUSE_CACHE_GB)")

    @field_validator("url")
    @classmethod
    def _folder_or_bucket(cls, url: str) -> str:
        scheme, _, rest = url.rpartition("://")
        if scheme not in ("", "file", *_BUCKETS):
            raise ValueError(f"STILLHOUSE_STORE is {_FORMS}; {scheme}:// is not supported")
        if scheme in _BUCKETS and (not rest.split("/")[0] or "@" in rest.split("/")[0]):
            raise ValueError(
                f"STILLHOUSE_STORE is {_BUCKETS[scheme]}, without keys; keys are {_KEYS[scheme]} variables"
            )
        if not rest:
            raise ValueError(f"STILLHOUSE_STORE is empty; set it to {_FORMS}")
        return url.rstrip("/") or "/"

    @model_validator(mode="after")
    def _key_for_kms(self) -> Self:
        if self.kms_key_id and not (self.server_side_encryption or "").startswith("aws:kms"):
            raise ValueError("STILLHOUSE_STORE_KMS_KEY needs STILLHOUSE_STORE_ENCRYPTION=aws:kms")
        if self.server_side_encryption and self.scheme in ("gs", "az"):
            raise ValueError(
                "STILLHOUSE_STORE_ENCRYPTION is S3's; at Google and Azure set the bucket's or account's default key"
            )
        return self

    @field_validator("endpoint_url")
    @classmethod
    def _http_without_keys(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise ValueError("AWS_ENDPOINT_URL is http://host:port or https://host, without keys")
        return url

    @property
    def scheme(self) -> str:
        """What a store in a bucket speaks: s3, gs or az; "" for a folder."""
        scheme = self.url.partition("://")[0]
        return scheme if scheme in _BUCKETS else ""

    @property
    def is_remote(self) -> bool:
        """Whether the store is a prefix in a bucket."""
        return bool(self.scheme)

    @property
    def hashes(self) -> Path:
        """The folder that remembers the hashes of large files of this machine."""
        return self.cache_dir.expanduser().absolute() / "hashes"

    @property
    def server(self) -> str:
        """The S3 server, for messages."""
        return self.endpoint_url or os.environ.get("AWS_ENDPOINT_URL") or "of AWS (AWS_ENDPOINT_URL is not set)"

    @property
    def bucket(self) -> str:
        """The bucket's name of a remote store."""
        return self.url.partition("://")[2].split("/")[0]
