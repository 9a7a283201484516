"""What a server is told: the model, where it listens, and what it does besides answering."""

from typing import Literal

from pydantic import Field

from stillhouse.config import StrictModel
from stillhouse.recipe.teacher import Teacher
from stillhouse.serving.record import ServingRecord
from stillhouse.serving.request_log import LogSettings

# the variable that holds the key which clients must send
KEY_VARIABLE = "STILLHOUSE_SERVE_API_KEY"

EngineKind = Literal["encoder", "vllm", "export"]


class HandBack(StrictModel):
    """The teacher behind a student."""

    teacher: Teacher  # with an endpoint
    threshold: float = Field(ge=0.0, le=1.0)  # of the certainty
    examples: str | None  # Parquet file of the labelled rows that its prompt may show


class ServeSpec(StrictModel):
    """One server."""

    name: str
    version: str  # of the registry; a run's id, or empty for a folder
    served: str  # as it was asked for
    folder: str
    engine: EngineKind
    engine_name: str = ""  # of an export, for people
    engine_python: str  # of the environment that holds vLLM
    record: ServingRecord
    host: str
    port: int = Field(ge=0, le=65535)  # 0: any that is free
    threads: int = 0  # of an encoder or an export; 0: as many as cores
    concurrency: int = 64  # sequences that vLLM decodes together
    most_waiting: int = 1024  # requests under way; others are refused until some are answered
    grace_s: float = 30.0  # that requests under way have once it is told to stop
    hand_back: HandBack | None = None
    log: LogSettings | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """What a request may call the model; the first is its id."""
        named = [self.served, self.name, f"{self.name}/{self.version}" if self.version else ""]
        return tuple(dict.fromkeys(filter(None, named)))
