"""Keeps what people set in Prefect's UI when the deployments are registered again.

Prefect's own `deploy` restores its file: `make up` would switch a schedule off, or the nightly run back to the demo.
What differs from the file is kept, and said in a line.
"""

from collections.abc import Iterator
from typing import Any

import httpx
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate, DeploymentUpdate
from prefect.client.schemas.objects import DeploymentSchedule
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import PrefectHTTPStatusError

from stillhouse.url_credentials import hide_passwords


def keep_choices(client: SyncPrefectClient, old: DeploymentResponse, new: DeploymentResponse) -> list[str]:
    """Restore parameters, pause and schedules of `old`; returns a line for each that the file has otherwise."""
    lines = [line for schedule in old.schedules for line in _keep_schedule(client, schedule, new)]
    client.update_deployment(new.id, DeploymentUpdate(paused=old.paused))
    if old.paused:
        lines.append(f"deployment {new.name} stays paused")
    return [*lines, *_keep_parameters(client, old, new)]


def _keep_parameters(client: SyncPrefectClient, old: DeploymentResponse, new: DeploymentResponse) -> Iterator[str]:
    # a parameter that the flow no longer has is left out
    known = (new.parameter_openapi_schema or {}).get("properties", {})
    parameters = new.parameters | {name: value for name, value in old.parameters.items() if name in known}
    if parameters == new.parameters:
        return
    shown = hide_passwords(str(old.parameters))
    try:
        client.update_deployment(new.id, DeploymentUpdate(parameters=parameters))
    except PrefectHTTPStatusError as error:
        if error.response.status_code != httpx.codes.CONFLICT:
            raise
        yield f"deployment {new.name}: its parameters are the file's again, since the flow refuses {shown}"
        return
    yield f"deployment {new.name} keeps its parameters {shown}"


def _keep_schedule(client: SyncPrefectClient, old: DeploymentSchedule, new: DeploymentResponse) -> Iterator[str]:
    now = [one for one in new.schedules if one.id == old.id or (old.slug and one.slug == old.slug)]
    if not now:
        again = DeploymentScheduleCreate(**_choices(old), slug=old.slug)
        client.create_deployment_schedules(new.id, [again])
    elif _choices(now[0]) != _choices(old):
        client.update_deployment_schedule(new.id, now[0].id, **_choices(old))
    else:
        return
    yield f"deployment {new.name} keeps its schedule {_shown(old)}"


def _choices(schedule: DeploymentSchedule) -> dict[str, Any]:
    """Return all that a person can set of a schedule: cron, interval or rule with its time zone, and the rest."""
    return {
        "schedule": schedule.schedule,
        "active": schedule.active,
        "parameters": schedule.parameters,
        "max_scheduled_runs": schedule.max_scheduled_runs,
    }


def _shown(schedule: DeploymentSchedule) -> str:
    fields = schedule.schedule.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    timing = ", ".join(f"{name} {value}" for name, value in fields.items())
    return f"{schedule.slug or 'without a name'} ({timing}, {'active' if schedule.active else 'not active'})"
