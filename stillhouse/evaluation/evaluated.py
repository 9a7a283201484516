"""One model of a comparison while it is measured: what it is asked, and what it has answered so far."""

import itertools
from dataclasses import dataclass, field
from typing import Any

from stillhouse.evaluation.candidate_prompts import CandidatePrompter
from stillhouse.evaluation.engine_process import EngineProcess
from stillhouse.evaluation.spec import Candidate
from stillhouse.inference.vllm.request import Request


@dataclass
class Evaluated:
    """One model with its answers and measurements so far."""

    candidate: Candidate
    prompter: CandidatePrompter
    requests: list[Request]  # of the test rows
    validation: list[Request] = field(default_factory=list)  # of the validation rows, if it answers them too
    latencies_s: list[float] = field(default_factory=list)
    # of a model whose prompts begin alike, with nothing of them cached
    latencies_uncached_s: list[float] = field(default_factory=list)

    @property
    def shared_tokens(self) -> int:
        """How many tokens all prompts begin with; 0 for a single prompt, which shares nothing."""
        prompts = {request.token_ids for request in self.requests}
        if len(prompts) < 2:
            return 0
        # what the first and the last in order have in common, all between them have too
        pairs = zip(min(prompts), max(prompts), strict=False)
        return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))

    def repeats(self, engine: EngineProcess) -> bool:
        """Whether the engine can keep the beginning of the prompts from one request to the next."""
        return engine.block_tokens > 0 and self.shared_tokens >= engine.block_tokens


@dataclass
class Served:
    """An engine with the models that share it."""

    engine: EngineProcess
    models: list[Evaluated]


def line_of(model: Evaluated, reply: Any, row_id: str) -> dict[str, Any]:
    """Return a reply as a line of an evaluation's answers."""
    return {
        "model": model.candidate.role,
        "row_id": row_id,
        "answer": model.prompter.answer(reply),
        "text": model.prompter.answer_text(reply),
        "logprob": reply.logprob,
        "label_logprobs": reply.scores,
    }
