"""What the Prefect server does by itself: it ends zombies, exports champions, and tells people of runs and gates.

Each automation is found by its name and updated.
"""

from datetime import timedelta

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ActionTypes, ChangeFlowRunState, RunDeployment, SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture

from deployments.notifications import Target
from tasks.champion_event import ANY_MODEL, CHAMPION_REPLACED
from tasks.gate_event import GATE_REFUSED

# runs of the deployments have this tag and the short heartbeat that ZOMBIES relies on
_OURS = {"prefect.resource.role": "tag", "prefect.resource.id": "prefect.tag.stillhouse"}
_ANY_RUN = {"prefect.resource.id": "prefect.flow-run.*"}
_HEARTBEAT = "prefect.flow-run.heartbeat"

ZOMBIES = "stillhouse: zombies"
FAILED = "stillhouse: failed runs"
REFUSED = "stillhouse: refused gates"
REPLACED = "stillhouse: replaced champions"
EXPORTS = "stillhouse: exports of champions"


def register_automations(client: SyncPrefectClient, targets: list[Target]) -> list[str]:
    """Create or update the automations and return a line for each; without a target, notifying ones are removed."""
    lines = [_register(client, _zombies()), _register(client, _exports(client))]
    for automation in (_failed(targets), _refused(targets), _replaced(targets)):
        lines.append(_register(client, automation) if targets else _remove(client, automation.name))
    return lines


def _zombies() -> AutomationCore:
    """A killed run reports nothing; three missed heartbeats show that it has ended."""
    mark_crashed = ChangeFlowRunState(
        state=StateType.CRASHED, message="No heartbeat for 90 s: the run's process or its machine is gone."
    )
    return AutomationCore(
        name=ZOMBIES,
        description="Marks a run Crashed whose process was killed, so that it can be retried.",
        trigger=EventTrigger(
            after={_HEARTBEAT},
            # any change of state shows that the run lives, or has ended
            expect={"prefect.flow-run.*"},
            match=_ANY_RUN,
            match_related=_OURS,
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=90),
        ),
        actions=[mark_crashed],
    )


def _exports(client: SyncPrefectClient) -> AutomationCore:
    """A new champion is to be had in the formats of its recipe too; a run without any ends at once."""
    export = client.read_deployment_by_name("export/export")
    model = {"__prefect_kind": "jinja", "template": "{{ event.payload.model }}"}
    return AutomationCore(
        name=EXPORTS,
        description="Exports a model that has become champion to the formats of its recipe, and measures each.",
        trigger=_on({CHAMPION_REPLACED}, resource=ANY_MODEL),
        actions=[RunDeployment(deployment_id=export.id, parameters={"model": model})],
    )


def _failed(targets: list[Target]) -> AutomationCore:
    return AutomationCore(
        name=FAILED,
        description="Notifies of runs that failed, crashed or timed out.",
        trigger=_on({f"prefect.flow-run.{state}" for state in ("Failed", "Crashed", "TimedOut")}, match_related=_OURS),
        actions=_notify(
            targets,
            "Stillhouse: {{ flow_run.name }} {{ flow_run.state.name }}",
            "{{ flow_run.state.message }}\n{{ flow_run|ui_url or '' }}",
        ),
    )


def _refused(targets: list[Target]) -> AutomationCore:
    return AutomationCore(
        name=REFUSED,
        description="Notifies of students that did not pass their recipe's gate.",
        trigger=_on({GATE_REFUSED}),
        actions=_notify(
            targets,
            "Stillhouse: {{ event.payload.recipe }} did not pass its gate: {{ event.payload.verdict }}",
            "{{ event.payload.reasons }}\n{{ event.payload.report }}\n{{ flow_run|ui_url or '' }}",
        ),
    )


def _replaced(targets: list[Target]) -> AutomationCore:
    return AutomationCore(
        name=REPLACED,
        description="Notifies of models that have another champion.",
        trigger=_on({CHAMPION_REPLACED}, resource=ANY_MODEL),
        actions=_notify(
            targets,
            "Stillhouse: {{ event.payload.model }} is champion",
            "before: {{ event.payload.before or 'none' }}\nby {{ event.payload.who }}: {{ event.payload.why }}",
        ),
    )


def _on(events: set[str], resource: str = "prefect.flow-run.*", **more: dict[str, str]) -> EventTrigger:
    return EventTrigger(
        expect=events,
        match={"prefect.resource.id": resource},
        for_each={"prefect.resource.id"},
        posture=Posture.Reactive,
        threshold=1,
        within=timedelta(0),
        **more,
    )


def _notify(targets: list[Target], subject: str, body: str) -> list[ActionTypes]:
    return [SendNotification(block_document_id=one.block, subject=subject, body=body) for one in targets]


def _register(client: SyncPrefectClient, automation: AutomationCore) -> str:
    found = client.read_automations_by_name(automation.name)
    if found:
        # someone may have switched it off
        client.update_automation(found[0].id, automation.model_copy(update={"enabled": found[0].enabled}))
    else:
        client.create_automation(automation)
    return f"automation {automation.name}"


def _remove(client: SyncPrefectClient, name: str) -> str:
    for found in client.read_automations_by_name(name):
        client.delete_automation(found.id)
    return f"automation {name}: none, since neither STILLHOUSE_NOTIFY_WEBHOOK nor STILLHOUSE_NOTIFY_SLACK names anybody"
