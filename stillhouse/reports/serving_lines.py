"""The lines of a model card that show how its student is served and asked."""

import shlex

from stillhouse.reports.schema.report import Report

_ADDRESS = "http://127.0.0.1:8100"


def serving_lines(report: Report) -> str:
    """Return Markdown with a shell's lines: the server, and a request; empty if no student was measured."""
    if report.student is None:
        return ""
    name = str(report.recipe.get("name", report.skill))
    lines = [
        # the key that the server would print is set here, so that both lines can be copied
        "export STILLHOUSE_SERVE_API_KEY=$(openssl rand -hex 32)",
        f"stillhouse serve {shlex.quote(f'{name}@champion')} &",
        _label_request() if report.confusion else _chat_request(name),
    ]
    return "```sh\n" + "\n".join(lines) + "\n```"


def _label_request() -> str:
    return _curl("/predict", '{"text": "Where is my parcel?"}')


def _chat_request(name: str) -> str:
    turn = '{"role": "user", "content": "Where is my parcel?"}'
    return _curl("/v1/chat/completions", f'{{"model": "{name}", "messages": [{turn}]}}')


def _curl(path: str, body: str) -> str:
    headers = '-H "Authorization: Bearer $STILLHOUSE_SERVE_API_KEY" -H "Content-Type: application/json"'
    return f"curl {_ADDRESS}{path} {headers} -d {shlex.quote(body)}"
