import pytest

from tests.support.generation.engine_python import EnginePython
from tests.support.generation.generation_pipeline import GenerationPipeline, SingleEngineRun


@pytest.fixture(scope="session")
def single(prefect_server: None, tmp_path_factory: pytest.TempPathFactory) -> SingleEngineRun:
    engine = EnginePython(tmp_path_factory.mktemp("engine"), "single")
    pipeline = GenerationPipeline(tmp_path_factory.mktemp("single")).prepare(replicas=1)
    summary = pipeline.generate(engine.path)
    assert len(set(engine.prompts)) == len(engine.prompts) == summary["requests"] > 60
    return SingleEngineRun(summary, pipeline.artifact_files(), engine.prompts)
