"""Which version of a run becomes champion, by the gate alone and by people's word, on a real Prefect server.

A deployment's run is executed in this process, as a worker's child would; the answer is what the form sends.
"""

import contextlib
import json
from typing import Any

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow_sync
from prefect.states import Crashed, Scheduled

from stillhouse.artifacts.store import open_store
from stillhouse.registry.registry import ModelRegistry
from stillhouse.runtime.settings import Settings
from tests.support.infra.promoting import promoting

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server"), pytest.mark.timeout(180)]

YES = {"decision": "approve", "who": "Ada", "why": "better on angry tickets"}


@pytest.fixture
def registry(settings: Settings) -> ModelRegistry:
    return ModelRegistry(open_store(settings.store))


def said(registry: ModelRegistry) -> list[tuple[Any, ...]]:
    return [(one.origin, one.target, one.action, one.who, one.why) for one in registry.history("demo")]


class Waiting:
    """A deployment's run that has asked and ended."""

    def __init__(self, client: SyncPrefectClient, **parameters: Any) -> None:
        self.client, self.parameters = client, {"approval": "manual", **parameters}
        flow_id = client.create_flow(promoting)
        deployment = client.create_deployment(flow_id, name="promoting")
        made = client.create_flow_run_from_deployment(deployment, parameters=self.parameters, state=Scheduled())
        self.id = made.id
        self.execute()

    def read(self) -> FlowRun:
        return self.client.read_flow_run(self.id)

    def execute(self) -> None:
        with contextlib.suppress(Pause):
            run_flow_sync(promoting, flow_run=self.read(), parameters=self.parameters)

    def question(self) -> str:
        state = self.read().state
        assert state is not None
        assert state.name == "Suspended", state
        assert state.state_details.run_input_keyset is not None
        kept = self.client.read_flow_run_input(self.id, state.state_details.run_input_keyset["description"])
        return str(json.loads(kept))

    def answer(self, **said: str) -> str:
        """Send the form, go on as a worker would, and return the run's last state."""
        self.client.resume_flow_run(self.id, run_input=said)
        self.execute()
        return str(self.read().state_name)


@pytest.fixture
def client() -> Any:
    with get_client(sync_client=True) as client:
        yield client


def test_gate_passed_without_approval_moves_the_champion(registry: ModelRegistry) -> None:
    promoting()
    promoting(mark="b")
    assert said(registry) == [
        (None, 1, "promote", "gate", "gate passed in demo-1"),
        (1, 2, "promote", "gate", "gate passed in demo-1"),
    ]


def test_gate_refused_leaves_the_champion_and_asks_nobody(registry: ModelRegistry) -> None:
    promoting()
    promoting(mark="b", passed=False, approval="manual")
    assert registry.aliases("demo") == {"champion": 1}


def test_run_of_a_champion_that_people_replaced_does_not_bring_it_back(registry: ModelRegistry) -> None:
    promoting()
    promoting(mark="b")
    registry.rollback("demo", who="Ada", why="complaints")
    promoting(mark="b")
    assert registry.aliases("demo") == {"champion": 1}


def test_approval_in_a_run_without_a_deployment_is_left_to_the_command(
    registry: ModelRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "stillhouse"):
        promoting(approval="manual")
    assert registry.aliases("demo") == {}
    (line,) = [text for text in caplog.messages if "approval" in text]
    assert line.startswith("demo/1 waits for approval")
    assert "`stillhouse models promote demo/1`" in line


def test_approved_version_becomes_champion_by_who_and_why(registry: ModelRegistry, client: SyncPrefectClient) -> None:
    promoting()
    run = Waiting(client, mark="b")
    assert run.question().startswith("**demo/2** passed its gate. Shall it become champion, in place of demo/1?")
    assert registry.aliases("demo") == {"champion": 1}
    assert run.answer(**YES) == "Completed"
    assert said(registry)[1:] == [(1, 2, "promote", "Ada", "better on angry tickets")]


def test_refused_version_leaves_the_champion_and_a_retry_notes_it_once(
    registry: ModelRegistry, client: SyncPrefectClient
) -> None:
    promoting()
    run = Waiting(client, mark="b")
    assert run.answer(decision="refuse", who="Ada", why="too slow") == "Completed"
    client.set_flow_run_state(run.id, Scheduled(name="AwaitingRetry"), force=True)
    run.execute()
    assert registry.aliases("demo") == {"champion": 1}
    assert said(registry)[1:] == [(1, 2, "refuse", "Ada", "too slow")]


def test_answer_for_another_champion_is_asked_again(registry: ModelRegistry, client: SyncPrefectClient) -> None:
    promoting()
    run = Waiting(client, mark="b")
    promoting(mark="c")
    assert run.answer(**YES) == "Suspended"
    assert "in place of demo/3?" in run.question()
    assert run.answer(**YES) == "Completed"
    assert registry.aliases("demo") == {"champion": 2}


def test_run_that_was_ended_while_it_waited_asks_again_when_retried(
    registry: ModelRegistry, client: SyncPrefectClient
) -> None:
    run = Waiting(client)
    client.set_flow_run_state(run.id, Crashed(message="gone"), force=True)
    client.set_flow_run_state(run.id, Scheduled(name="AwaitingRetry"), force=True)
    run.execute()
    assert run.question().startswith("**demo/1** passed its gate")
    assert run.answer(**YES) == "Completed"
    assert registry.aliases("demo") == {"champion": 1}


@pytest.mark.parametrize("missing", ["decision", "who"])
def test_form_without_a_decision_or_a_name_is_not_taken(client: SyncPrefectClient, missing: str) -> None:
    run = Waiting(client)
    incomplete = {name: text for name, text in YES.items() if name != missing}
    assert run.answer(**incomplete) == "Suspended"
