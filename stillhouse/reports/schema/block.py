"""The frozen model that every block of report.json is.

Files of it are kept for good, so a field that was ever filled keeps its name. Stillhouse itself reads none of an
earlier run. A number that was not measured is null, never 0.
"""

from pydantic import ConfigDict, Field

from stillhouse.config import StrictModel

Count = int | None
Number = float | None


class Block(StrictModel):
    """A frozen part of the report that refuses unknown fields, NaN and infinity."""

    model_config = ConfigDict(allow_inf_nan=False, serialize_by_alias=True)


class GenerationCounts(Block):
    """What one run requested of a model; `from_store` of the requests were answered before."""

    requests: Count = Field(description="completions needed")
    from_store: Count = Field(description="of these, found in the store")
    generated: Count = Field(description="of these, generated in this run")
    prompt_tokens: Count = Field(description="of the generated ones")
    completion_tokens: Count = Field(description="of the generated ones")
    seconds: Number = Field(description="of the generation, without the engine's start")
