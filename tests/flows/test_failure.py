"""What a failed run leaves behind in Prefect."""

from flows.distill import distill
from tasks.orchestration.results import PLAIN_JSON


def test_distill_error_of_a_failed_run_is_never_pickled() -> None:
    # Prefect writes the error with the flow's serializer, whatever `persist_result` says; its default pickles
    assert distill.result_serializer == PLAIN_JSON
