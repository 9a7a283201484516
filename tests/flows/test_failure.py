"""What a failed run leaves behind in Prefect."""

import pytest

from flows.distill import distill

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server"), pytest.mark.timeout(180)]


def test_failed_run_keeps_its_message_and_leaves_no_pickle() -> None:
    state = distill(recipe="absent", return_state=True)

    assert state.is_failed()
    assert "No recipe 'absent'" in (state.message or "")
    # how the error would be written, and was: by cloudpickle
    assert state.data.metadata.serializer.type == "json"
