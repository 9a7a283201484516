"""Small generations over an API, and what their endpoint does."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stillhouse.teachers.api_worker import generate
from tests.support.api.requests import RecordingReporter, connect_over, spec, teacher
from tests.support.api.server import Act, Received, answer


def run(folder: Path, num_rows: int = 6, **fields: Any) -> tuple[dict[str, Any], RecordingReporter]:
    told = RecordingReporter()
    return generate(spec(folder, teacher(**fields), num_rows), told, connect_over(Path("socket"))), told


def billing(_: Received) -> Act:
    return answer('{"answer":"billing"}')


def first(act: Act, times: int = 1) -> Callable[[Received], Act]:
    """Do `act` to each message the first `times` it is asked, and answer it then."""
    seen: Counter[str] = Counter()

    def plan(received: Received) -> Act:
        seen[received.prompt] += 1
        return act if seen[received.prompt] <= times else billing(received)

    return plan
