"""What the process that answers with an export is told."""

from stillhouse.config import StrictModel
from stillhouse.skills.registry import AnySkill

# the variable that holds the key between the server and that process
KEY_VARIABLE = "STILLHOUSE_ENGINE_API_KEY"


class ExportSpec(StrictModel):
    """One export and how it is asked."""

    folder: str
    skill: AnySkill
    labels: tuple[str, ...]
    threads: int
    max_tokens: int  # of a free answer
