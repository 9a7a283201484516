"""Settings from the environment: where things run. None enters a fingerprint: results do not depend on them."""

import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stillhouse.artifacts.config import StoreConfig
from stillhouse.artifacts.hash_memory import HashMemory
from stillhouse.config import StrictModel
from stillhouse.errors import RecipeError, StoreError
from stillhouse.repository import ROOT
from stillhouse.runtime.variables import VARIABLES


class Settings(StrictModel):
    """All settings. Libraries read keys and passwords from the environment themselves."""

    store: StoreConfig
    engine_python: Path
    ray_address: str  # host:port of the Ray cluster for replicas; empty: they run on this machine
    work: Path  # scratch, caches and checkpoints of this machine
    stall_timeout_s: float  # without any output of a worker
    stage_timeout_s: float  # for a whole stage, waiting for the device not counted
    report_url: str  # where a browser finds the files under runs/; empty: nowhere

    @property
    def storage_options(self) -> dict[str, Any] | None:
        """fsspec options for data sources: the S3 endpoint, if set; keys stay in the environment."""
        return {"endpoint_url": self.store.endpoint_url} if self.store.endpoint_url else None

    def report_link(self, run_id: str) -> str:
        """Return the address of the run's report.html: `report_url`'s if that is set, else the store's."""
        if self.report_url:
            return f"{self.report_url}/{run_id}/report.html"
        return self.store_link(f"runs/{run_id}/report.html")

    def store_link(self, key: str) -> str:
        """Return the address of a file of the store."""
        address = f"{self.store.url}/{key}"
        return address if "://" in address else f"file://{address}"

    @property
    def hashes(self) -> HashMemory:
        """What remembers the hashes of large files of this machine."""
        return HashMemory(self.store.hashes)

    @property
    def passed_checks(self) -> Path:
        """The folder of notes on checks of models that passed on this machine."""
        return self.work / "passed-checks"

    @property
    def device_lock(self) -> Path:
        """The file whose lock one heavy job at a time holds on this host."""
        return self.work / "device.lock"

    def building_lock(self, fingerprint: str) -> Path:
        """The file whose lock the one builder of an artifact holds on this host."""
        return self.work / "building" / f"{fingerprint}.lock"


def load_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of the environment, with defaults below the repository.

    Raises:
        RecipeError: a time is not a number above 0, or a Ray address is not host:port.
        StoreError: the address of a store or server is not valid.
    """
    work = Path(environment.get("STILLHOUSE_WORK", ROOT / VARIABLES["STILLHOUSE_WORK"].default)).absolute()
    return Settings(
        store=_store(environment, work),
        # absolute, not resolved: the venv's python is a link, and following it would leave the environment
        engine_python=Path(
            environment.get("STILLHOUSE_ENGINE_PYTHON", ROOT / VARIABLES["STILLHOUSE_ENGINE_PYTHON"].default)
        ).absolute(),
        ray_address=_ray_address(environment),
        work=work,
        stall_timeout_s=_number(environment, "STILLHOUSE_STALL_TIMEOUT"),
        stage_timeout_s=_number(environment, "STILLHOUSE_STAGE_TIMEOUT"),
        report_url=environment.get("STILLHOUSE_REPORT_URL", "").rstrip("/"),
    )


def _store(environment: Mapping[str, str], work: Path) -> StoreConfig:
    url = environment.get("STILLHOUSE_STORE", str(ROOT / VARIABLES["STILLHOUSE_STORE"].default))
    try:
        return StoreConfig(
            url=url if "://" in url else str(Path(url).absolute()),
            endpoint_url=environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL") or None,
            timeout_s=_number(environment, "STILLHOUSE_STORE_TIMEOUT"),
            patience_s=_number(environment, "STILLHOUSE_STORE_PATIENCE"),
            server_side_encryption=environment.get("STILLHOUSE_STORE_ENCRYPTION") or None,
            kms_key_id=environment.get("STILLHOUSE_STORE_KMS_KEY") or None,
            cache_dir=str(work / "cache"),
            cache_gb=_number(environment, "STILLHOUSE_CACHE_GB", "gigabytes"),
        )
    except ValidationError as error:
        # the rules alone: the value may have a password in it
        rules = [item["msg"].removeprefix("Value error, ") for item in error.errors(include_input=False)]
        raise StoreError("; ".join(rules)) from None


def _ray_address(environment: Mapping[str, str]) -> str:
    address = environment.get("STILLHOUSE_RAY_ADDRESS", "")
    if address and not re.fullmatch(r"[A-Za-z0-9._-]+:[0-9]+|\[[0-9A-Fa-f:.]+\]:[0-9]+", address):
        raise RecipeError(
            f"STILLHOUSE_RAY_ADDRESS is {address!r}; it must be host:port of a Ray cluster's head, such as "
            "10.0.0.5:6379. ray:// is not supported: make this machine a node with `ray start --address=host:port "
            "--num-cpus=0`."
        )
    return address


def _number(environment: Mapping[str, str], name: str, unit: str = "seconds") -> float:
    text = environment.get(name, "")
    try:
        number = float(text or VARIABLES[name].default)
    except ValueError:
        number = math.nan
    if not (0.0 < number < math.inf):
        raise RecipeError(f"{name} is {text!r}; it must be a number of {unit} above 0.")
    return number
