"""Says in Prefect that a student did not pass its gate.

A refused gate is a result and not an error: the run completes, and only an event can tell people.
"""

from prefect.events import emit_event
from prefect.runtime import flow_run

from stillhouse.reports.numbers import NOT_MEASURED
from stillhouse.reports.schema.gate import Gate, GateRule

GATE_REFUSED = "stillhouse.gate.refused"


def announce_gate(gate: Gate | None, recipe: str, address: str) -> None:
    """Emit an event about the flow run if the gate refused; `address` is where its report lies."""
    if gate is None or gate.passed:
        return
    failed = [rule for rule in gate.rules if not rule.passed]
    emit_event(
        GATE_REFUSED,
        resource={
            "prefect.resource.id": f"prefect.flow-run.{flow_run.get_id()}",
            "prefect.resource.name": flow_run.get_name() or "",
        },
        payload={
            "recipe": recipe,
            "report": address,
            "verdict": gate.verdict,
            "reasons": "; ".join(map(_line, failed)),
        },
    )


def _line(rule: GateRule) -> str:
    value = NOT_MEASURED if rule.value is None else f"{rule.value:.4g}"
    return f"{rule.rule}: {value}, {rule.verdict}"
