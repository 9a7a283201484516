"""Serves one model until it is told to stop.

It runs in the control environment. What needs the engine's is a process of its own, which may fall without taking the
API's with it.
"""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

from stillhouse.serving.answers import Answerer
from stillhouse.serving.app import Service, make_app
from stillhouse.serving.encoder_engine import EncoderEngine
from stillhouse.serving.engine import Engine
from stillhouse.serving.entrance import Entrance, State
from stillhouse.serving.export_engine import ExportEngine, open_export
from stillhouse.serving.hand_back import TeacherBehind
from stillhouse.serving.metrics import Metrics
from stillhouse.serving.request_log import RequestLog
from stillhouse.serving.server import bound_socket, make_server, say
from stillhouse.serving.spec import ServeSpec
from stillhouse.serving.vllm_engine import VllmEngine, open_vllm


async def serve(spec: ServeSpec, key: str) -> int:
    """Serve until a signal, and return the exit code: 0 for an orderly end, 1 if the engine ended by itself.

    Clients send `key`; empty asks for none.

    Raises:
        UserError: the model, the port, the log or the teacher can't be used.
        CancelledError: SIGTERM came while the engine was loading.
    """
    listening = bound_socket(spec.host, spec.port)
    log = RequestLog(spec.log) if spec.log else None
    metrics = Metrics(spec.name, spec.version, spec.engine, spec.record.labels)
    teacher = _teacher(spec, metrics)
    with _told_to_end():
        engine = await _start(spec)
    try:
        answerer = Answerer(
            engine,
            spec.record,
            ask_teacher=teacher.ask if teacher else None,
            threshold=spec.hand_back.threshold if spec.hand_back else None,
        )
        state = State()
        app = make_app(Service(spec, answerer, metrics, state, log))
        entrance = Entrance(app, state, metrics, key=key, most_waiting=spec.most_waiting)
        host, port = listening.getsockname()[:2]
        greeting = f"{spec.served} ({engine.name}) answers on http://{f'[{host}]' if ':' in host else host}:{port}"
        await make_server(entrance, state, engine, grace_s=spec.grace_s, greeting=greeting).serve(sockets=[listening])
    finally:
        await engine.close()
        if teacher:
            await teacher.close()
        if log:
            log.close()
    if not state.is_alive:
        say(f"{engine.name} has ended by itself. Start the server again; if it comes back, give it more memory.")
    return 0 if state.is_alive else 1


@contextmanager
def _told_to_end() -> Iterator[None]:
    """Have SIGTERM cancel what runs here, as Ctrl-C does: an engine that loads is ended, and its folder goes."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None, "it runs in a task"
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


def _teacher(spec: ServeSpec, metrics: Metrics) -> TeacherBehind | None:
    if spec.hand_back is None:
        return None
    return TeacherBehind(spec.hand_back, spec.record, say, on_failure=metrics.hand_back_failures.inc)


async def _start(spec: ServeSpec) -> Engine:
    folder = Path(spec.folder)
    if spec.engine == "encoder":
        return EncoderEngine(folder, spec.record, spec.threads)
    python = Path(spec.engine_python)
    engine: VllmEngine | ExportEngine
    if spec.engine == "export":
        engine = open_export(folder, spec.record, python, name=spec.engine_name, threads=spec.threads)
    else:
        engine = open_vllm(folder, spec.record, python, concurrency=spec.concurrency)
    async with AsyncExitStack() as on_failure:
        on_failure.push_async_callback(engine.close)
        await engine.start()
        on_failure.pop_all()
    return engine
