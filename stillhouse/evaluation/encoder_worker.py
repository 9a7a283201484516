"""Has encoder students answer the test rows and times them, each loaded alone in onnxruntime as it would be served.

Command: `python -m stillhouse.evaluation.encoder_worker spec.json` (engine environment)
"""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stillhouse.data.row import Row, prompt_text
from stillhouse.evaluation.encoder_spec import EncoderEvaluateSpec
from stillhouse.evaluation.evidence import VALIDATION, latency_numbers, write_answers, write_evidence
from stillhouse.evaluation.memory import count_parameters, sampled_peak
from stillhouse.evaluation.request_order import request_order
from stillhouse.inference.encoder.label_encoder import GRAPH, LabelEncoder, as_logprobs
from stillhouse.inference.encoder.runtime import Vectors
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.runtime.worker import Reporter, serve
from stillhouse.skills.cases import read_cases

# rows are asked again until so much time has passed: a few hundred take less than a clock and a cache need
_LEAST_SECONDS = 1.0


def evaluate_encoder(spec: EncoderEvaluateSpec, report: Reporter) -> dict[str, Any]:
    """Write answers.parquet and measurements.json of one student; return its role and the number of rows."""
    rows = read_cases(spec.test, spec.skill)
    texts = _texts(spec, rows)
    folder, settings = Path(spec.folder), spec.evaluation
    with sampled_peak([os.getpid()], on_cpu=True) as memory:
        student = LabelEncoder(folder)
        logits, rate = answer_all(student, texts, settings.warm_requests)
    latencies = time_requests(student, texts, settings)
    report.log(f"{len(rows)} rows answered, {rate:.0f} a second")
    numbers = {
        "engine": "onnxruntime",
        "parameters": count_parameters(folder),
        "weight_bytes": (folder / GRAPH).stat().st_size,
        "peak_memory_bytes": memory.peak_bytes,
        "requests_per_second": rate,
        "prompt_tokens_mean": student.mean_tokens(texts),
        **latency_numbers(latencies),
        "notes": ["served as it is kept, with 8-bit weights, on the CPU"],
    }
    write_evidence(Path(spec.out), answer_lines(spec, student.labels, rows, logits), {spec.role: numbers})
    if spec.validation:
        others = read_cases(spec.validation, spec.skill)
        lines = answer_lines(spec, student.labels, others, student.logits(_texts(spec, others))) if others else []
        write_answers(Path(spec.out) / VALIDATION, lines)
    return {"models": [spec.role], "rows": len(rows)}


def answer_all(student: LabelEncoder, texts: Sequence[str], num_warm: int) -> tuple[Vectors, float]:
    """Return the logits of the labels of each text, and how many are answered a second if all are there at once."""
    student.logits(texts[:num_warm])
    started, times = time.perf_counter(), 0
    while not times or time.perf_counter() - started < _LEAST_SECONDS:
        logits, times = student.logits(texts), times + 1
    return logits, times * len(texts) / (time.perf_counter() - started)


def time_requests(student: LabelEncoder, texts: Sequence[str], settings: Evaluation) -> list[float]:
    """Return the seconds of each timed request, one at a time: the rows and the order of all other models."""
    seconds = []
    for row in request_order(settings.seed, settings.warm_requests + settings.latency_requests, len(texts)):
        started = time.perf_counter()
        student.answers([texts[row]])
        seconds.append(time.perf_counter() - started)
    return seconds[settings.warm_requests :]


def _texts(spec: EncoderEvaluateSpec, rows: Sequence[Row]) -> list[str]:
    return [prompt_text(spec.skill.student_messages(row["messages"], spec.labels)) for row in rows]


def answer_lines(
    spec: EncoderEvaluateSpec, labels: Sequence[str], rows: Sequence[Row], logits: Vectors
) -> list[dict[str, Any]]:
    """Return the lines of an evaluation's answers, with the log-probability of each label of the skill (nats).

    `labels` are the model's own, in the order of its logits: a champion may have learnt others than the recipe names
    now. It then has no probability of a label that it does not know.
    """
    answers = [labels[place] for place in logits.argmax(axis=1)]
    places = [labels.index(label) for label in spec.labels] if set(labels) == set(spec.labels) else None
    return [
        {
            "model": spec.role,
            "row_id": row["id"],
            "answer": answer,
            "text": answer,
            "logprob": float(found.max()),
            "label_logprobs": found[places].tolist() if places else None,
        }
        for row, answer, found in zip(rows, answers, as_logprobs(logits), strict=True)
    ]


if __name__ == "__main__":
    serve(EncoderEvaluateSpec, evaluate_encoder)
