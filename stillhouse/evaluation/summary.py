"""What the evaluation notes in its record."""

from stillhouse.artifacts.handle import StageSummary


class EvaluateSummary(StageSummary):
    """The models that answered, and the number of test rows."""

    models: tuple[str, ...]
    rows: int
