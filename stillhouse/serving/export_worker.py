"""Answers with an exported student, over a socket: the engines of exports load in the engine environment alone.

Command: `python -m stillhouse.serving.export_worker spec.json SOCKET` (engine environment)
"""

import asyncio
import hmac
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from stillhouse.errors import DataError, ModelError, UserError
from stillhouse.exports.answerer import Answerer, open_answerer
from stillhouse.runtime.unexpected import one_line_errors
from stillhouse.serving.export_spec import KEY_VARIABLE, ExportSpec


def make_app(answerer: Answerer, key: str) -> Starlette:
    """Return the application; one thread asks the engine, which takes one request at a time."""
    thread = ThreadPoolExecutor(1)

    async def health(request: Request) -> Response:
        return Response()

    async def answer(request: Request) -> Response:
        if not hmac.compare_digest(request.headers.get("authorization", ""), f"Bearer {key}"):
            return JSONResponse({"code": "invalid_api_key", "message": "no key"}, 401)
        messages = (await request.json())["messages"]
        try:
            found = await asyncio.get_running_loop().run_in_executor(thread, answerer.answer, messages)
        except DataError as error:
            return JSONResponse({"code": "context_length_exceeded", "message": str(error)}, 400)
        except ModelError as error:
            return JSONResponse({"code": "wrong_roles", "message": str(error)}, 400)
        return JSONResponse(found._asdict())

    return Starlette(routes=[Route("/health", health), Route("/answer", answer, methods=["POST"])])


def main() -> None:
    """Load the export and answer until the parent ends."""
    try:
        with one_line_errors("export_worker"):
            spec = ExportSpec.model_validate_json(Path(sys.argv[1]).read_bytes())
            answerer = open_answerer(
                Path(spec.folder), spec.skill, spec.labels, threads=spec.threads, max_tokens=spec.max_tokens
            )
            app = make_app(answerer, os.environ.pop(KEY_VARIABLE))
            uvicorn.run(app, uds=sys.argv[2], log_level="warning", access_log=False, lifespan="off")
    except UserError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
