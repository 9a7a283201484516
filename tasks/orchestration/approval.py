"""Asks people in Prefect's page whether a student may become champion; the run's process ends while they think.

A run that waits is suspended: it holds no worker and no device. The answer starts it again from the top, and all its
stages are found.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Literal

from prefect.context import FlowRunContext
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from prefect.runtime import deployment
from prefect.states import Completed
from pydantic import Field, ValidationError


class Approval(RunInput):
    """The form: its answer, and what the registry's history keeps of it."""

    decision: Literal["approve", "refuse"] = Field(description="approve: this version becomes champion. refuse: not")
    who: str = Field(min_length=1, max_length=200, description="your name, for the registry's history")
    why: str = Field("", max_length=2000, description="your reason, for the registry's history")

    @property
    def is_approved(self) -> bool:
        """Whether the champion moves."""
        return self.decision == "approve"


def can_ask() -> bool:
    """Return whether this run can wait for an answer: the answer starts again a deployment's run alone."""
    return deployment.get_id() is not None


def ask(question: str, *, key: str) -> Approval:
    """Return the answer to a question in Markdown; until there is one, this run ends here and is `Suspended`.

    A `key` is asked once a run: when the run is retried later, its answer is found. It stands in addresses: no slash.

    Raises:
        Pause: there is no answer yet (no `Exception`: the flow's engine alone takes it).
    """
    form = Approval.with_initial_data(description=question)
    for number in count(1):
        try:
            with _no_more_heartbeats():
                return suspend_flow_run(wait_for_input=form, key=f"{key}-{number}")
        except ValidationError:
            # the run was ended while it waited, and retried: its question has no answer and can't be asked again
            continue
    raise AssertionError("count never ends")


@contextmanager
def _no_more_heartbeats() -> Iterator[None]:
    """Send none while the run may become suspended: after one, the server's automation would take it for killed."""
    context = FlowRunContext.get()
    assert context is not None, "only flows ask"
    assert context.flow_run is not None, "only runs ask"
    state = context.flow_run.state
    # the thread that sends them looks at nothing else
    context.flow_run.state = Completed()
    yield
    # here only with an answer or without one that can be read: the run goes on
    context.flow_run.state = state
