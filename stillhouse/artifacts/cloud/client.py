"""The client of a bucket at Google or a container at Azure: obstore, with a time limit and retries by time."""

import os
from datetime import timedelta

from obstore.store import ObjectStore, from_url

from stillhouse.artifacts.config import StoreConfig

# of these a test server's address may be set; keys are read by obstore itself, from GOOGLE_* and AZURE_* variables
ENDPOINTS = {"gs": "GOOGLE_BASE_URL", "az": "AZURE_STORAGE_ENDPOINT"}
_NO_LIMIT = 1000  # retries end by time


def connect(config: StoreConfig) -> ObjectStore:
    """Return a client of the store's bucket or container, for keys below its prefix; nothing is sent yet.

    Raises:
        obstore.exceptions.BaseError: the variables that name account and keys can't be used.
    """
    timeout = timedelta(seconds=config.timeout_s)
    is_plain = os.environ.get(ENDPOINTS[config.scheme], "").startswith("http://")
    return from_url(
        config.url,
        client_options={
            "connect_timeout": min(timeout, timedelta(seconds=10)),
            "read_timeout": timeout,
            "timeout": "1day",  # of a whole request: a large part may take long while its bytes come
            "allow_http": is_plain,
        },
        retry_config={
            "max_retries": _NO_LIMIT,
            "retry_timeout": timedelta(seconds=config.patience_s),
            "backoff": {"init_backoff": timedelta(seconds=0.2), "max_backoff": timedelta(seconds=10), "base": 2},
        },
    )
