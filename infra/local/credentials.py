"""The keys of the local services: made at the first start, kept in files that only their owner can read.

No other module writes a key: processes get them by environment, and users by these files.
"""

import json
import os
import secrets
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path

from infra.local.paths import HOST, LocalPaths


@dataclass(frozen=True, repr=False)
class Keys:
    """The login of the Prefect server and the key pair of the S3 server."""

    login: str  # user:password
    s3_key: str
    s3_secret: str


def load_keys(paths: LocalPaths) -> Keys:
    """Return the keys of the state folder; makes them if there are none."""
    if not paths.keys_file.exists():
        new_keys = Keys(f"admin:{secrets.token_hex(16)}", secrets.token_hex(10).upper(), secrets.token_hex(24))
        _write_private(paths.keys_file, json.dumps(asdict(new_keys)))
    return Keys(**json.loads(paths.keys_file.read_text()))


def client_environment(paths: LocalPaths, keys: Keys) -> dict[str, str]:
    """Return the variables with which a process uses both servers."""
    return {
        "PREFECT_API_URL": f"{paths.ui_url}/api",
        "PREFECT_API_AUTH_STRING": keys.login,
        "STILLHOUSE_STORE": paths.store,
        "STILLHOUSE_REPORT_URL": paths.reports_url,
        # it wins over every other way to name an endpoint
        "AWS_ENDPOINT_URL_S3": paths.s3_url,
        "AWS_ACCESS_KEY_ID": keys.s3_key,
        "AWS_SECRET_ACCESS_KEY": keys.s3_secret,
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def write_for_users(paths: LocalPaths, keys: Keys) -> None:
    """Write the env file for shells and the login for the UI."""
    lines = [f"{name}={shlex.quote(value)}\n" for name, value in client_environment(paths, keys).items()]
    # both servers are reached directly, whatever proxy the shell names
    lines.append(f"no_proxy=${{no_proxy:+$no_proxy,}}{HOST}\n")
    _write_private(paths.env_file, "# set -a; . this file; set +a\n" + "".join(lines))
    _write_private(paths.login_file, keys.login + "\n")


def _write_private(path: Path, text: str) -> None:
    """Write the whole file or nothing; only its owner can read it, from the first byte on."""
    temporary = path.with_name(f"{path.name}.new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(text)
    temporary.replace(path)
