"""Evaluates every model of a comparison the same way, in the same engine; a teacher's is on devices of its own.

Command: `python -m stillhouse.evaluation.worker spec.json` (engine environment)
"""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stillhouse.data.row import Row
from stillhouse.errors import ModelError
from stillhouse.evaluation.answering import answer_rows
from stillhouse.evaluation.candidate_prompts import CandidatePrompter
from stillhouse.evaluation.engine_process import EngineProcess
from stillhouse.evaluation.evaluated import Evaluated, Served
from stillhouse.evaluation.evidence import gather_evidence, latency_numbers
from stillhouse.evaluation.spec import Candidate, EvaluateSpec
from stillhouse.evaluation.timing import num_timed, time_requests
from stillhouse.inference.loading import load_tokenizer
from stillhouse.inference.vllm.chat_template import fix_settings
from stillhouse.inference.vllm.sizing import Job
from stillhouse.runtime.worker import Reporter, serve
from stillhouse.skills.cases import read_cases
from stillhouse.students.minimal_template import minimal_template
from stillhouse.students.served_template import serve_without_reasoning

# a student's certainty is calibrated by one number, which more rows would not tell better
_MOST_VALIDATION = 1000


def evaluate_models(spec: EvaluateSpec, report: Reporter) -> dict[str, Any]:
    """Have the candidates answer the test rows, time them, and write `answers.parquet` and `measurements.json`.

    What each candidate answers is written first, as soon as it has, into its folder below `spec.answers`; one whose
    folder is there already is timed alone.
    """
    rows = read_cases(spec.test, spec.skill)
    validation = _drawn(read_cases(spec.validation, spec.skill)) if spec.validation else []
    examples = read_cases(spec.examples, spec.skill) if spec.examples else []
    models = [_prepare(spec, candidate, rows, validation, examples) for candidate in spec.candidates]
    served: list[Served] = []
    try:
        _measure(spec, models, rows, validation, served, report)
    finally:
        for one in served:
            one.engine.close()
    timings = {model.candidate.role: latency_numbers(model.latencies_s, model.latencies_uncached_s) for model in models}
    gather_evidence({model.candidate.role: _folder(spec, model) for model in models}, timings, Path(spec.out))
    return {"models": list(timings), "rows": len(rows)}


def _drawn(rows: list[Row]) -> list[Row]:
    # the rows' order is the source's, which may be sorted
    return random.Random(0).sample(rows, _MOST_VALIDATION) if len(rows) > _MOST_VALIDATION else rows


def _folder(spec: EvaluateSpec, model: Evaluated) -> Path:
    return Path(spec.answers) / model.candidate.role


def _measure(
    spec: EvaluateSpec,
    models: list[Evaluated],
    rows: Sequence[Row],
    validation: Sequence[Row],
    served: list[Served],
    report: Reporter,
) -> None:
    """Write the answers of every model that has none, and time all; add every engine that was started to `served`."""
    asked = [model for model in models if not _folder(spec, model).exists()]
    timed = [model for model in models if model.candidate.is_timed]
    progress = _Progress(report, len(asked) * len(rows) + len(timed) * num_timed(spec.evaluation))
    for group in _same_shape([model for model in models if model in asked or model in timed]):
        one = Served(_start(spec, group, report), group)
        served.append(one)
        progress.expect(
            sum(num_timed(spec.evaluation) for model in group if model in timed and model.repeats(one.engine))
        )
        for model in group:
            if model in asked:
                one.engine.load(model.candidate)
                answer_rows(spec, one.engine, model, rows, validation, _folder(spec, model))
                progress.add(model.candidate.role, len(rows))
        if not one.engine.on_cpu:
            # two engines rarely fit one device, so each is timed alone, right after its throughput
            time_requests(spec.evaluation, [one], rows, progress.add)
            one.engine.close()
    on_cpu = [one for one in served if one.engine.on_cpu]
    time_requests(spec.evaluation, on_cpu, rows, progress.add)


def _prepare(
    spec: EvaluateSpec, candidate: Candidate, rows: Sequence[Row], validation: Sequence[Row], examples: Sequence[Row]
) -> Evaluated:
    tokenizer = load_tokenizer(candidate.path, candidate.revision)
    if candidate.prompting == "zero_shot" and not getattr(tokenizer, "chat_template", True):
        # a base model as it is has no form of prompts; this is the one that its student gets
        tokenizer.chat_template = minimal_template(tokenizer, frozenset({tokenizer.eos_token_id} - {None}))
    if candidate.without_reasoning:
        serve_without_reasoning(tokenizer, candidate.template, is_trained=False)
    else:
        fix_settings(tokenizer, candidate.template)
    prompter = CandidatePrompter(spec, candidate, tokenizer, examples)
    more = prompter.requests(validation) if candidate.answers_validation else []
    return Evaluated(candidate, prompter, prompter.requests(rows), more)


def _same_shape(models: list[Evaluated]) -> list[list[Evaluated]]:
    """Group models whose weights fit one engine: the same configuration, number type and settings of the engine."""
    groups: dict[str, list[Evaluated]] = {}
    for model in models:
        config = Path(model.candidate.path) / "config.json"
        shape = json.loads(config.read_text()) if config.is_file() else {"hub": model.candidate.path}
        for name in ("_name_or_path", "transformers_version", "dtype", "torch_dtype"):
            shape.pop(name, None)
        settings = model.candidate.engine.model_dump()
        key = json.dumps([shape, model.candidate.dtype, model.candidate.quantization, settings], sort_keys=True)
        groups.setdefault(key, []).append(model)
    return list(groups.values())


def _start(spec: EvaluateSpec, group: list[Evaluated], report: Reporter) -> EngineProcess:
    if refusal := group[0].candidate.refusal:
        raise ModelError(refusal)
    names = ", ".join(model.candidate.role for model in group)
    report.log(f"starting the engine for {names}")
    longest = max(len(request.token_ids) for model in group for request in [*model.requests, *model.validation])
    room = max(model.prompter.decoding.sampling.max_tokens for model in group)
    job = Job(num_requests=spec.evaluation.concurrency, longest_prompt=longest, max_tokens=room, is_measured=True)
    engine = group[0].candidate.engine.model_copy(update={"max_num_seqs": spec.evaluation.concurrency})
    return EngineProcess(group[0].candidate, engine, job)


class _Progress:
    """Counts requests over all models and both passes."""

    def __init__(self, report: Reporter, total: int) -> None:
        self._report = report
        self._done = 0
        self._total = total

    def expect(self, number: int) -> None:
        """Have `number` more requests to come: only a started engine says which timings are done twice."""
        self._total += number

    def add(self, what: str, number: int) -> None:
        """Count `number` more requests."""
        self._done += number
        self._report.progress(self._done, self._total, "requests", model=what)


if __name__ == "__main__":
    serve(EvaluateSpec, evaluate_models)
