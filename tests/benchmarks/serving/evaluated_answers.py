"""Prints a student's answers to the demo's test rows as its evaluation has them, a line of JSON each.

.venv/engine/bin/python -m tests.benchmarks.serving.evaluated_answers FOLDER ROWS
"""

import json
import sys
from pathlib import Path

from stillhouse.evaluation.candidate_prompts import CandidatePrompter
from stillhouse.evaluation.certainty import certainties
from stillhouse.evaluation.engine_process import EngineProcess
from stillhouse.evaluation.roles import ModelRole
from stillhouse.evaluation.scored import Scored
from stillhouse.evaluation.spec import Candidate, EvaluateSpec
from stillhouse.inference.loading import load_tokenizer
from stillhouse.inference.vllm.chat_template import TemplateSettings, fix_settings
from stillhouse.inference.vllm.sizing import Job
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.repository import ROOT
from stillhouse.serving.record import read_record


def texts(number: int) -> list[str]:
    """Return the first messages of the demo's test rows."""
    lines = (ROOT / "deployments/recipes/demo/test.jsonl").read_text().split("\n")
    return [json.loads(line)["message"] for line in lines[:number] if line]


def main() -> None:
    """Ask the engine as stillhouse/evaluation/worker.py does."""
    folder, rows = sys.argv[1], [{"messages": [{"role": "user", "content": text}]} for text in texts(int(sys.argv[2]))]
    record = read_record(Path(folder))
    candidate = Candidate(role=ModelRole.STUDENT, path=folder, dtype=record.dtype, prompting="student")
    settings = Evaluation(max_tokens=record.max_tokens)
    spec = EvaluateSpec(
        candidates=(candidate,), teacher=record.teacher, prior=None, skill=record.skill, labels=record.labels,
        evaluation=settings, test="", examples=None, answers="", out="",
    )  # fmt: skip
    tokenizer = load_tokenizer(folder)
    fix_settings(tokenizer, TemplateSettings())
    prompter = CandidatePrompter(spec, candidate, tokenizer, [])
    requests = prompter.requests(rows)
    longest = max(len(request.token_ids) for request in requests)
    room = prompter.decoding.sampling.max_tokens
    job = Job(num_requests=64, longest_prompt=longest, max_tokens=room, is_measured=True)
    engine = EngineProcess(candidate, candidate.engine, job)
    replies = {int(reply.id): reply for reply in engine.complete(requests, prompter.decoding, 64, cache_salt="all")}
    engine.close()
    for place in range(len(rows)):
        reply, answer = replies[place], prompter.answer(replies[place])
        sure = certainties([Scored(answer, reply.logprob, reply.scores)], record.labels, record.temperature or 1.0)
        print(json.dumps({"answer": answer, "confidence": float(sure[0])}))


if __name__ == "__main__":
    main()
