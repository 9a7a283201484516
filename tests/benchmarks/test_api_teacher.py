"""The benchmark of the API path against a scripted server: that both ways send the same, and what it prints."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.api_teacher import NAME
from tests.support.api.server import Act, Received, serving
from tests.support.paths import ROOT
from tests.support.vllm_server import ENGINE_PYTHON

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not ENGINE_PYTHON.exists(), reason="the engine environment is not there; run `make setup`"),
]

NUM_TOKENS = 3
USAGE = {"prompt_tokens": 5, "completion_tokens": NUM_TOKENS, "total_tokens": 5 + NUM_TOKENS}
MAKE_TOKENIZER = """
import sys
from tokenizers import Tokenizer, models, pre_tokenizers
tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
tokenizer.save(sys.argv[1])
"""


def plan(received: Received) -> Act:
    """A chat completion, streamed where it is asked to be; the server has no metrics."""
    if "messages" not in received.body:
        return Act(404)
    if not received.body.get("stream"):
        tokens = [{"token": f"token_id:{n}", "logprob": -0.1, "top_logprobs": []} for n in range(NUM_TOKENS)]
        choice = {"index": 0, "message": {"role": "assistant", "content": "a b c"}, "finish_reason": "length"}
        body = {"choices": [{**choice, "logprobs": {"content": tokens}}], "usage": USAGE}
        return Act(body=json.dumps(body).encode())
    parts = [{"choices": [{"index": 0, "delta": {"content": word}}]} for word in ("a", " b", " c")]
    events = [*(json.dumps(part) for part in [*parts, {"choices": [], "usage": USAGE}]), "[DONE]"]
    text = "".join(f"data: {event}\n\n" for event in events)
    return Act(body=text.encode(), headers={"content-type": "text/event-stream"})


def tokenizer(folder: Path) -> Path:
    folder.mkdir()
    command = [str(ENGINE_PYTHON), "-c", MAKE_TOKENIZER, str(folder / "tokenizer.json")]
    subprocess.run(command, check=True, capture_output=True)
    (folder / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "[UNK]"}'
    )
    (folder / "config.json").write_text('{"model_type": "llama", "architectures": ["LlamaForCausalLM"]}')
    return folder


def test_benchmark_asks_the_same_by_both_ways_and_prints_their_ratio(tmp_path):
    with serving(plan) as server:
        command = [sys.executable, "tests/benchmarks/api_teacher.py", "--address", server.address]
        command += ["--tokenizer", str(tokenizer(tmp_path / "tokenizer")), "--prompts", "6", "--rounds", "1"]
        command += ["--max-tokens", str(NUM_TOKENS), "--concurrency", "2"]
        done = subprocess.run(command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    bodies = [request.body for request in server.requests if "messages" in request.body]
    streamed = [body for body in bodies if body.get("stream")]
    single = [body for body in bodies if not body.get("stream")]
    # the warming round and the measured one
    assert (len(streamed), len(single)) == (12, 6)
    assert same(streamed[6:]) == same(single)
    assert {body["model"] for body in bodies} == {NAME}
    assert server.most_at_once <= 2
    last = done.stdout.strip().splitlines()[-1]
    assert re.search(r"6 prompts of 3 tokens, 2 at once, medians of 1: .* ratio \d+\.\d{3} \(bound 0\.95: ", last)


def same(bodies: list[dict[str, Any]]) -> list[str]:
    """What the requests say, whichever way of saying it they chose."""
    said = []
    for body in bodies:
        (message,) = body["messages"]
        if not isinstance(message["content"], str):
            ((part,), message) = message["content"], {**message}
            message["content"] = part["text"]
        fields = {name: value for name, value in body.items() if not name.startswith("stream")}
        said.append(json.dumps({**fields, "messages": [message]}, sort_keys=True))
    return sorted(said)
