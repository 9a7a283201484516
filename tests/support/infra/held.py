"""A flow that holds its worker as a real one does: by a child process in a session of its own."""

import logging
import subprocess
import sys

from prefect import flow
from prefect.runtime import flow_run

from stillhouse.reports.schema.gate import Gate, GateRule
from tasks.gate_event import announce_gate
from tasks.orchestration.run import join_prefect

REFUSED = Gate(
    passed=False,
    verdict="refused",
    rules=(
        GateRule(rule="comparison.quality_retained >= 0.92", value=0.8712, bound=0.92, passed=False, verdict="refused"),
        GateRule(rule="comparison.latency_reduction >= 0.6", value=0.7, bound=0.6, passed=True, verdict="passed"),
        GateRule(rule="comparison.memory_reduction > 0", value=None, bound=0.0, passed=False, verdict="undecidable"),
    ),
)


@flow(name="held", persist_result=False)
def hold(seconds: float = 600.0, refuse: bool = False) -> None:
    join_prefect()
    if refuse:
        announce_gate(REFUSED, "tickets", "s3://stillhouse/store/runs/1/report.html")
    logging.getLogger("stillhouse").info("run %s holds on", flow_run.get_id())
    child = subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({seconds})"], start_new_session=True)
    try:
        child.wait()
    finally:
        child.kill()
