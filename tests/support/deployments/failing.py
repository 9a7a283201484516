"""A small recipe whose runs fail where a test says, once each."""

from collections import Counter
from pathlib import Path

from stillhouse.repository import ROOT
from stillhouse.runtime.settings import load_settings
from tasks.orchestration.workers import Worker
from tests.support.pipeline import Pipeline

FAULTS = Path(__file__).with_name("faults")
# stage -> worker; the others run in the flow's process
WORKERS = {
    "convert": Worker.CONVERT,
    "generate": Worker.GENERATE,
    "train": Worker.TRAIN,
    "initialise": Worker.INITIALISE,
    "evaluate": Worker.EVALUATE,
}


class FailingPipeline(Pipeline):
    """A pipeline with planted faults."""

    @property
    def faults(self) -> Path:
        """Where faults are planted."""
        return self.folder / "faults"

    @property
    def flow_environment(self) -> dict[str, str]:
        """What a run of this pipeline needs in its environment."""
        self.faults.mkdir(exist_ok=True)
        return {
            "STILLHOUSE_STORE": str(self.folder / "store"),
            "STILLHOUSE_WORK": str(self.folder / "work"),
            "STILLHOUSE_ENGINE_PYTHON": str(FAULTS / "python"),
            "REAL_ENGINE_PYTHON": str(load_settings().engine_python),
            "FAULTS": str(self.faults),
            "PYTHONPATH": f"{FAULTS}:{ROOT}",
        }

    def plant(self, *stages: str, hangs: bool = False) -> None:
        """Have the next call of each stage fail."""
        self.faults.mkdir(exist_ok=True)
        for stage in stages:
            (self.faults / (WORKERS.get(stage, stage) + (".hangs" if hangs else ""))).touch()

    def starts(self) -> Counter[str]:
        """How often each worker was started."""
        noted = self.folder / "faults.starts"
        return Counter(noted.read_text().split()) if noted.exists() else Counter()

    def attempts(self) -> dict[str, int]:
        """How many artifacts of each stage lie in the store, repeated ones counted."""
        folders = (self.folder / "store" / "artifacts").glob("*/*/*/")
        return dict(Counter(folder.parents[1].name for folder in folders))
