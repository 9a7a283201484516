"""`stillhouse serve`: a student behind an OpenAI-compatible API and a plain one for labels."""

import asyncio
import os
import secrets
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from stillhouse.recipe.teacher import Teacher
    from stillhouse.serving.find import Found
    from stillhouse.serving.spec import HandBack

Model = Annotated[
    str,
    typer.Argument(
        help="NAME@champion, NAME/3, runs:/RUN_ID (runs:/last for the newest), or a folder that was pulled from the "
        "store.",
        show_default=False,
    ),
]
Format = Annotated[
    str,
    typer.Option(
        "--format",
        help="An export of a registered model, as onnx or onnx-int8. Without it the student itself is served.",
    ),
]
Host = Annotated[str, typer.Option(help="Address to listen on; another than this machine's own needs --behind-tls.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes any that is free.")]
NoKey = Annotated[bool, typer.Option("--no-key", help="Answer whoever asks; on this machine's own address alone.")]
BehindTls = Annotated[
    bool,
    typer.Option(
        "--behind-tls",
        help="You have a proxy with TLS before it, or a network that nobody else reads: needed for other addresses.",
    ),
]
HandBackTo = Annotated[
    str,
    typer.Option(
        help="Ask the teacher at this OpenAI-compatible address where the student is less sure than the threshold; "
        "`recipe` takes the address in the recipe. Without it no answer is the teacher's.",
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(min=0.0, max=1.0, help="The certainty, in place of the one that the run's cascade has found."),
]
LogRequests = Annotated[
    str, typer.Option(help="Folder that answered requests are written to, as rows of data. Without it none are.")
]
LogFiles = Annotated[int, typer.Option(min=1, help="Files of 64 MiB that stay; the oldest above these go.")]
Threads = Annotated[
    int, typer.Option(min=0, help="Texts that an encoder reads at once, or threads of an export; 0: as many as cores.")
]
Concurrency = Annotated[int, typer.Option(min=1, max=4096, help="Answers that vLLM writes at once.")]
Grace = Annotated[float, typer.Option(min=0.0, help="Seconds that requests under way have once it is told to stop.")]


def serve(
    model: Model,
    format_: Format = "",
    host: Host = "127.0.0.1",
    port: Port = 8100,
    no_key: NoKey = False,
    behind_tls: BehindTls = False,
    hand_back: HandBackTo = "",
    threshold: Threshold = None,
    log_requests: LogRequests = "",
    log_files: LogFiles = 100,
    threads: Threads = 0,
    concurrency: Concurrency = 64,
    grace: Grace = 30.0,
) -> None:
    """Serve a student as it was measured: the same prompt, parser and certainty.

    Clients send the key in STILLHOUSE_SERVE_API_KEY; if it is not set, one is made and printed once. The process goes
    on as the server, until SIGTERM or Ctrl-C. Example: stillhouse serve runs:/last --log-requests logs
    """
    from stillhouse.artifacts.store import open_store
    from stillhouse.runtime.settings import load_settings
    from stillhouse.serving.find import find_model
    from stillhouse.serving.request_log import LogSettings
    from stillhouse.serving.run import serve as run
    from stillhouse.serving.spec import ServeSpec

    check_address(host, no_key=no_key, behind_tls=behind_tls)
    settings = load_settings()
    found = find_model(model, open_store(settings.store), format_)
    spec = ServeSpec(
        name=found.name,
        version=found.version,
        served=found.served,
        folder=found.folder,
        engine=found.engine,
        engine_name=found.engine_name,
        engine_python=str(settings.engine_python),
        record=found.record,
        host=host,
        port=port,
        threads=threads,
        concurrency=concurrency,
        grace_s=grace,
        hand_back=handed_back(found, hand_back, threshold),
        log=LogSettings(folder=str(Path(log_requests).absolute()), files=log_files) if log_requests else None,
    )
    try:
        code = asyncio.run(run(spec, _key(is_wanted=not no_key)))
    except asyncio.CancelledError:
        code = 128 + signal.SIGTERM
    raise typer.Exit(code)


def check_address(host: str, *, no_key: bool, behind_tls: bool) -> None:
    """Do nothing if a server may listen there.

    Raises:
        ServiceError: others than this machine can reach it, and it has no key of its owner, or keys and texts would go
            over the network as they are.
    """
    from stillhouse.errors import ServiceError
    from stillhouse.recipe.private_hosts import is_loopback
    from stillhouse.serving.spec import KEY_VARIABLE

    if is_loopback(host):
        return
    if not behind_tls:
        raise ServiceError(
            f"--host {host} can be reached by others, and this server speaks plain HTTP: keys and texts could be read "
            "on the way. Put a proxy with TLS before it and say so with --behind-tls, or leave out --host."
        )
    if no_key or not os.environ.get(KEY_VARIABLE):
        raise ServiceError(
            f"--host {host} can be reached by others: set {KEY_VARIABLE} to a key that clients send, and leave out "
            "--no-key."
        )


def handed_back(found: "Found", to: str, threshold: float | None) -> "HandBack | None":
    """Return the teacher behind the student; None if none is wanted.

    Raises:
        RecipeError: the recipe names no address, or no threshold is known.
    """
    from stillhouse.errors import RecipeError
    from stillhouse.serving.spec import HandBack

    if not to:
        return None
    known = found.record.threshold if threshold is None else threshold
    if known is None:
        raise RecipeError(
            f"--hand-back: the run of {found.name} measured no cascade, so no threshold is known. Give one with "
            "--threshold, or leave out --hand-back."
        )
    teacher = found.record.teacher
    if teacher.prompt.examples and found.examples is None:
        raise RecipeError(
            f"--hand-back: the teacher's prompt shows {teacher.prompt.examples} labelled rows, which a folder does not "
            "have. Serve the model from the store."
        )
    return HandBack(teacher=_at(to, teacher), threshold=known, examples=found.examples)


def _at(to: str, teacher: "Teacher") -> "Teacher":
    """Return the teacher behind the address `to`; `recipe`: where the recipe has it."""
    from pydantic import ValidationError

    from stillhouse.errors import RecipeError
    from stillhouse.recipe.teacher import Teacher

    if to == "recipe":
        if teacher.endpoint is None:
            raise RecipeError("--hand-back recipe: the recipe's teacher has no endpoint. Give the address of one.")
        return teacher
    fields = teacher.model_dump()
    endpoint = (fields["endpoint"] or {"provider": "compatible"}) | {"base_url": to}
    try:
        return Teacher.model_validate(fields | {"endpoint": endpoint})
    except ValidationError as error:
        said = error.errors(include_input=False)[0]["msg"].removeprefix("Value error, ")
        raise RecipeError(f"--hand-back: {said}.") from None


def _key(*, is_wanted: bool) -> str:
    """Return the key that clients must send, taken out of the environment, which engines are given; empty for none."""
    from stillhouse.serving.spec import KEY_VARIABLE

    given = os.environ.pop(KEY_VARIABLE, "").strip()
    if not is_wanted or given:
        return given if is_wanted else ""
    made = secrets.token_urlsafe(32)
    typer.echo(f"The key that clients send, made for this start: {made}", err=True)
    return made
