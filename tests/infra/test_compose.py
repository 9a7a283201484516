"""What can be said of infra/compose.yaml without a Docker engine; test_services.py runs what it says."""

import json
import re
import shlex
import subprocess
from typing import Any

import jsonschema
import pytest
import yaml

from stillhouse.recipe.providers import PROVIDERS
from tests.support.infra.compose import COMPOSE, VARIABLE, example, load_compose
from tests.support.paths import ROOT

SCHEMA = json.loads((ROOT / "tests/infra/schemas/compose-spec.json").read_text())
SECRET = re.compile(r"PASSWORD|SECRET|AUTH|LOGIN|KEY")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return load_compose(example())


def test_compose_file_is_what_the_compose_specification_allows(compose):
    jsonschema.validate(compose, SCHEMA)
    service = next(iter(compose["services"]))
    misspelt = compose | {"services": {service: compose["services"][service] | {"imagee": "x"}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(misspelt, SCHEMA)


def test_compose_variables_are_those_of_the_example():
    found = VARIABLE.findall(COMPOSE.read_text())
    # COMPOSE_PROFILES is read by Compose itself
    demanded = {name for name, kind, _ in found if kind == "?"}
    assert demanded == {"PREFECT_LOGIN", "POSTGRES_PASSWORD", "STILLHOUSE_STORE", "FILES", "PREFECT_PORT"}
    handed = {name for service in load_compose({**example()})["services"].values() for name in service["environment"]}
    known = demanded | handed | {name for name, kind, _ in found if kind == "-"}
    assert set(example()) - known == {"COMPOSE_PROFILES"}
    # nothing but what VARIABLE finds looks like a variable
    assert "$" not in VARIABLE.sub("", COMPOSE.read_text())


def test_compose_worker_with_a_role_or_a_folder_needs_no_key_endpoint_or_region():
    variables = {name: value for name, value in example().items() if not name.startswith(("AWS_", "S3_"))}
    worker = load_compose({**variables, "STILLHOUSE_STORE": "/var/lib/stillhouse/store"})["services"]["worker-cpu"]
    assert not [name for name, value in worker["environment"].items() if name.startswith("AWS_") and value is not None]
    assert worker["environment"]["STILLHOUSE_STORE"] == "/var/lib/stillhouse/store"
    given = load_compose(example())["services"]["worker-cpu"]["environment"]
    assert (given["AWS_ACCESS_KEY_ID"], given["AWS_ENDPOINT_URL"]) == ("stillhouse", "http://s3:9000")


@pytest.mark.parametrize("missing", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_compose_s3_server_without_a_key_does_not_start_and_names_it(tmp_path, missing):
    service = load_compose(example())["services"]["s3"]
    environment = {name: value for name, value in service["environment"].items() if name != missing}
    done = subprocess.run(
        shlex.split(service["command"]), env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode
    assert f"{missing}: in infra/compose.env" in done.stderr
    assert not list(tmp_path.iterdir())


def test_compose_profiles_of_the_example_are_profiles_of_services(compose):
    profiles = {profile for service in compose["services"].values() for profile in service.get("profiles", [])}
    assert profiles == {"s3", "cpu", "gpu"}
    assert set(example()["COMPOSE_PROFILES"].split(",")) <= profiles


def test_compose_publishes_ports_on_the_loopback_only(compose):
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert len(ports) == 2
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in ports)
    assert not [name for name, service in compose["services"].items() if "network_mode" in service]


def test_compose_database_is_reached_by_the_prefect_server_alone(compose):
    assert compose["networks"]["database"]["internal"]
    users = {name for name, service in compose["services"].items() if "database" in service.get("networks", [])}
    assert users == {"postgres", "prefect"}
    assert compose["services"]["postgres"]["networks"] == ["database"]


def test_compose_secrets_come_from_the_env_file_and_its_example_has_none():
    raw = yaml.safe_load(COMPOSE.read_text())["services"]
    variables = [pair for service in raw.values() for pair in service.get("environment", {}).items()]
    secrets = [value for name, value in variables if SECRET.search(name)]
    assert len(secrets) >= 8
    # without a value: handed on where the env file sets it
    assert all(value is None or VARIABLE.search(value) for value in secrets)


def test_compose_hands_on_the_key_of_every_provider(compose):
    # and of the hub, for models and data that are not public
    variables = {provider.key_variable for provider in PROVIDERS.values()} | {"HF_TOKEN"}
    workers = [
        service for service in compose["services"].values() if "stillhouse register" in service.get("command", "")
    ]
    assert len(workers) == 2
    assert all(variables <= set(worker["environment"]) for worker in workers)
    assert all(
        "CHANGE_ME" in value for name, value in example().items() if SECRET.search(name) and "KEY_ID" not in name
    )
    assert "infra/compose.env" in (ROOT / ".gitignore").read_text().splitlines()


def test_compose_environment_of_prefect_holds_real_settings(compose):
    from prefect.settings import Settings
    from prefect.settings.legacy import _get_settings_fields

    names = {name for service in compose["services"].values() for name in service["environment"]}
    ours = {name for name in names if name.startswith("PREFECT_")}
    assert len(ours) > 10
    assert ours <= set(_get_settings_fields(Settings))


def test_compose_services_have_a_healthcheck_and_drop_what_they_need_not(compose):
    for name, service in compose["services"].items():
        assert service["healthcheck"]["test"][0] == "CMD", name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        # Postgres' own image starts as root, to give its folder to its user
        assert service.get("cap_drop") == (None if name == "postgres" else ["ALL"]), name


def test_compose_volumes_are_declared_and_used(compose):
    mounts = [mount.split(":")[0] for service in compose["services"].values() for mount in service.get("volumes", [])]
    named = [mount for mount in mounts if not mount.startswith(("/", "."))]
    # each has one user: workers on one device may not share a folder of work unknowingly
    assert sorted(named) == sorted(compose["volumes"])
