"""The job templates of infra/kubernetes: work pools made of them on a real server, and the jobs they become."""

import asyncio
import json
import os
import subprocess
import sys
from typing import Any
from uuid import uuid4

import jsonschema
import pytest
import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import get_current_settings
from prefect.workers.base import BaseJobConfiguration

from tests.support.paths import ROOT

FOLDER = ROOT / "infra" / "kubernetes"
SCHEMA = json.loads((ROOT / "tests/infra/schemas/kubernetes-job.json").read_text())
CPU, GPU = (json.loads((FOLDER / f"{name}.json").read_text()) for name in ("cpu", "gpu"))


class Job(BaseJobConfiguration):
    """As Prefect's Kubernetes worker declares it, as far as templates go."""

    job_manifest: dict[str, Any]


@pytest.fixture
def client(prefect_server: None) -> SyncPrefectClient:
    return get_client(sync_client=True)


def create_pool(template: str) -> str:
    """Create a work pool as the README says; returns its name."""
    name = f"{template}-{uuid4().hex[:6]}"
    command = [sys.executable, "-m", "prefect", "--no-prompt", "work-pool", "create", name, "--type", "kubernetes"]
    done = subprocess.run(
        [*command, "--base-job-template", FOLDER / f"{template}.json"],
        env={**os.environ, **get_current_settings().to_environment_variables(exclude_unset=True)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return name


def render(client: SyncPrefectClient, pool: str, **values: Any) -> Job:
    """Return the job that a pool makes of a run's variables."""

    async def build() -> Job:
        template = client.read_work_pool(pool).base_job_template
        async with get_client() as own:
            job: Job = await Job.from_template_and_values(template, values, client=own)
            return job

    return asyncio.run(build())


def checked_pod(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return a job's pod, after Kubernetes' own schema accepted it; unknown fields are refused."""
    pod: dict[str, Any] = manifest["spec"]["template"]["spec"]
    container = pod["containers"][0]
    # the worker makes lists of them before it submits
    container |= {"env": [], "args": ["prefect", "flow-run", "execute"]}
    # Prefect's worker demands both here, where Kubernetes does not know them and leaves them out
    assert (pod.pop("parallelism"), pod.pop("completions")) == (1, 1)
    jsonschema.validate(manifest, SCHEMA)
    return pod


@pytest.mark.slow
def test_gpu_pool_makes_a_job_with_the_gpus_asked_for(client):
    job = render(client, create_pool("gpu"), gpus=4, memory="128Gi", node_selector={"pool": "a100"}, env={"A": "b"})
    assert job.job_manifest["spec"]["backoffLimit"] == 0
    # what a deployment adds takes nothing away
    assert job.env == {"A": "b", "PREFECT_HOME": "/var/lib/stillhouse/prefect"}
    pod = checked_pod(job.job_manifest)
    resources = pod["containers"][0]["resources"]
    assert resources["limits"] == {"memory": "128Gi", "nvidia.com/gpu": 4}
    assert type(resources["limits"]["nvidia.com/gpu"]) is int
    assert resources["requests"] == {"cpu": "8", "memory": "128Gi"}
    assert pod["nodeSelector"] == {"pool": "a100"}
    assert pod["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]


@pytest.mark.slow
def test_cpu_pool_makes_a_job_without_gpus(client):
    pod = checked_pod(render(client, create_pool("cpu")).job_manifest)
    assert "gpu" not in json.dumps(pod)
    assert pod["nodeSelector"] == {}
    assert pod["containers"][0]["image"] == "stillhouse:cpu"


@pytest.mark.slow
@pytest.mark.parametrize("variables", [{"gpu": 4}, {"gpus": "four"}, {"gpus": 0}])
def test_gpu_pool_refuses_variables_it_would_not_heed(client, variables):
    pool = create_pool("gpu")
    flow = client.create_flow_from_name("any")
    client.create_deployment(flow, f"fits-{pool}", work_pool_name=pool, job_variables={"gpus": 4})
    with pytest.raises(PrefectHTTPStatusError, match=r"409|422"):
        client.create_deployment(flow, f"misspelt-{pool}", work_pool_name=pool, job_variables=variables)


@pytest.mark.parametrize("template", [CPU, GPU], ids=["cpu", "gpu"])
def test_job_may_do_little_and_is_given_time_to_end(template):
    pod = template["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert pod["terminationGracePeriodSeconds"] == 120
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    assert container["envFrom"] == [{"secretRef": {"name": "{{ secret }}"}}]
    memory = {volume["name"]: volume.get("emptyDir") for volume in pod["volumes"]}["shm"]
    assert memory == {"medium": "Memory", "sizeLimit": "{{ shm_size }}"}
    assert {"name": "shm", "mountPath": "/dev/shm"} in container["volumeMounts"]


@pytest.mark.parametrize("template", [CPU, GPU], ids=["cpu", "gpu"])
def test_template_variables_are_those_that_it_uses(template):
    from prefect.utilities.templating import find_placeholders

    used = {placeholder.name for placeholder in find_placeholders(template["job_configuration"])}
    assert used == set(template["variables"]["properties"])


def test_job_runs_as_the_user_of_the_image_with_its_folder_on_the_work_volume():
    dockerfile = (ROOT / "infra/docker/Dockerfile").read_text()
    claim = yaml.safe_load((FOLDER / "work.yaml").read_text())["metadata"]["name"]
    for template in (CPU, GPU):
        pod = template["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]
        user = pod["securityContext"]["runAsUser"]
        mounts = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
        assert f"useradd --uid {user} --create-home --home-dir {mounts['work']} " in dockerfile
        assert template["variables"]["properties"]["work_claim"]["default"] == claim


def test_gpu_template_differs_from_the_cpu_one_in_the_gpu_alone():
    gpu = json.loads(json.dumps(GPU))
    pod = gpu["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]
    del pod["tolerations"], pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"]
    del gpu["variables"]["properties"]["gpus"]
    assert gpu["job_configuration"] == CPU["job_configuration"]
    assert gpu["variables"]["properties"].keys() == CPU["variables"]["properties"].keys()
