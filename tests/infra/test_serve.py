"""What can be said of the templates for serving without a Docker engine or a cluster."""

import json
import re
from typing import Any

import jsonschema
import pytest
import typer
import yaml
from dotenv import dotenv_values

from deployments.cli import app
from tests.support.infra.compose import VARIABLE
from tests.support.paths import ROOT

COMPOSE = ROOT / "infra" / "compose.serve.yaml"
EXAMPLE = ROOT / "infra" / "serve.env.example"
DEPLOYMENT, SERVICE = yaml.safe_load_all((ROOT / "infra" / "kubernetes" / "serve.yaml").read_text())
COMPOSE_SCHEMA, JOB_SCHEMA = (
    json.loads((ROOT / "tests/infra/schemas" / name).read_text())
    for name in ("compose-spec.json", "kubernetes-job.json")
)


def compose_service() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    jsonschema.validate(found, COMPOSE_SCHEMA)
    service: dict[str, Any] = found["services"]["serve"]
    return service


def container() -> dict[str, Any]:
    (found,) = DEPLOYMENT["spec"]["template"]["spec"]["containers"]
    return dict(found)


def parsed(command: list[str]) -> dict[str, Any]:
    """What the command line makes of a template's command."""
    words = command[command.index("stillhouse") + 1 :]
    group = typer.main.get_command(app)
    serve = group.commands[words[0]]  # type: ignore[attr-defined]
    return dict(serve.make_context("serve", words[1:]).params)


def test_compose_variables_are_those_of_the_example_which_has_no_secret():
    example = dotenv_values(EXAMPLE, interpolate=False)
    assert {name for name, _, _ in VARIABLE.findall(COMPOSE.read_text())} == set(example)
    secret = [value for name, value in example.items() if re.search("SECRET|KEY", name)]
    assert secret == ["CHANGE_ME"] * 3
    assert "infra/serve.env" in (ROOT / ".gitignore").read_text().splitlines()


def test_compose_publishes_on_the_loopback_and_may_do_little():
    service = compose_service()
    assert service["ports"] == ["127.0.0.1:${SERVE_PORT:?in infra/serve.env}:8100"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("command", [compose_service()["command"], container()["command"] + container()["args"]])
def test_template_starts_a_server_that_its_port_and_probes_reach(command):
    told = parsed(command)
    assert (told["host"], told["port"], told["behind_tls"], told["no_key"]) == ("0.0.0.0", 8100, True, False)


def test_pod_is_what_kubernetes_knows_and_may_do_little():
    template = DEPLOYMENT["spec"]["template"]
    # a job's pod and a deployment's are one type
    schema = {"$defs": JOB_SCHEMA["$defs"], "$ref": "#/$defs/io.k8s.api.core.v1.PodTemplateSpec"}
    jsonschema.validate(template, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**template, "spec": template["spec"] | {"containerz": []}}, schema)
    pod = template["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container()["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def test_pod_has_time_for_the_requests_under_way():
    grace = parsed(container()["command"] + container()["args"])["grace"]
    sleep = int(container()["lifecycle"]["preStop"]["exec"]["command"][1])
    assert DEPLOYMENT["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > grace + sleep


def test_service_selects_the_pods_of_the_deployment():
    labels = DEPLOYMENT["spec"]["template"]["metadata"]["labels"]
    assert DEPLOYMENT["spec"]["selector"]["matchLabels"] == labels
    assert SERVICE["spec"]["selector"] == labels
    assert SERVICE["spec"]["ports"][0]["targetPort"] == container()["ports"][0]["name"]
    assert "type" not in SERVICE["spec"]
