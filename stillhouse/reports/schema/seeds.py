"""What another training seed would have given: students of a report that differ in nothing else."""

from pydantic import Field

from stillhouse.reports.schema.block import Block


class SeedSpread(Block):
    """Students of one configuration with several training seeds, on the same test rows."""

    students: tuple[str, ...] = Field(description="their entries of `models`")
    seeds: tuple[int, ...] = Field(description="the training seed of each")
    metric: str = Field(description="the recipe's first metric")
    values: tuple[float, ...] = Field(description="what each reaches")
    lowest: float = Field(description="the least of them")
    highest: float = Field(description="the greatest of them")
    mean: float = Field(description="their mean")
    standard_deviation: float = Field(description="between seeds, with n - 1; the intervals of each hold none of it")
