"""The keys of the local services: made at the first start, kept in files that only their owner can read.

Separate because nothing else may write a key anywhere: they reach processes by environment and users by these files.
"""

import json
import os
import secrets
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path

from infra.local.paths import HOST, Places


@dataclass(frozen=True, repr=False)
class Keys:
    """The login of the Prefect server and the key pair of the S3 server."""

    login: str  # user:password
    s3_key: str
    s3_secret: str


def keep_keys(places: Places) -> Keys:
    """Return the keys of the state folder; makes them where there are none."""
    if not places.keys_file.exists():
        fresh = Keys(f"admin:{secrets.token_hex(16)}", secrets.token_hex(10).upper(), secrets.token_hex(24))
        _write_private(places.keys_file, json.dumps(asdict(fresh)))
    return Keys(**json.loads(places.keys_file.read_text()))


def client_environment(places: Places, keys: Keys) -> dict[str, str]:
    """Return what a process needs to use both servers."""
    return {
        "PREFECT_API_URL": f"{places.ui_url}/api",
        "PREFECT_API_AUTH_STRING": keys.login,
        "STILLHOUSE_STORE": places.store,
        "STILLHOUSE_REPORT_URL": places.reports_url,
        # the one that wins over every other way to name an endpoint
        "AWS_ENDPOINT_URL_S3": places.s3_url,
        "AWS_ACCESS_KEY_ID": keys.s3_key,
        "AWS_SECRET_ACCESS_KEY": keys.s3_secret,
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def write_for_users(places: Places, keys: Keys) -> None:
    """Write the env file for shells and the login for the UI."""
    lines = [f"{name}={shlex.quote(value)}\n" for name, value in client_environment(places, keys).items()]
    # both servers are reached directly, whatever proxy the shell names
    lines.append(f"no_proxy=${{no_proxy:+$no_proxy,}}{HOST}\n")
    _write_private(places.env_file, "# set -a; . this file; set +a\n" + "".join(lines))
    _write_private(places.login_file, keys.login + "\n")


def _write_private(path: Path, text: str) -> None:
    """Write whole or not at all, readable by the owner alone from the first byte on."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(text)
    fresh.replace(path)
