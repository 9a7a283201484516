"""A plan as a test reads it."""

from flows.plan import plan
from stillhouse.costs.forecast import Range
from stillhouse.planning.plan import Plan


def planned(recipe: str) -> Plan:
    return Plan.model_validate(plan(recipe=recipe))


def within(found: Range | None, actual: float) -> bool:
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    return found.low <= actual <= found.high
