import pytest

from tests.support.replicas.asking import Asking, EnginePython, Single


@pytest.fixture(scope="session")
def single(prefect_server: None, tmp_path_factory: pytest.TempPathFactory) -> Single:
    engine = EnginePython(tmp_path_factory.mktemp("engine"), "single")
    asking = Asking(tmp_path_factory.mktemp("single")).prepare(replicas=1)
    summary = asking.ask(engine.path)
    assert len(set(engine.asked)) == len(engine.asked) == summary["requests"] > 60
    return Single(summary, asking.answers(), engine.asked)
