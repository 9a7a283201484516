"""The parts of a drafted recipe that name models: teachers and students that are known by a short name, or none yet.

Terms and licences are as of November 2026, in one sentence each. They are no legal advice.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from stillhouse.errors import RecipeError, did_you_mean


@dataclass(frozen=True, kw_only=True)
class TeacherDraft:
    """A teacher as a draft names it."""

    model: str
    access: tuple[str, ...]  # the lines of YAML that say where it runs and who may learn from it
    licence: str
    terms: str = ""  # what its owner allows


@dataclass(frozen=True, kw_only=True)
class StudentDraft:
    """A student as a draft names it, with the part of the training that fits its size."""

    model: str
    licence: str
    terms: str = ""  # what its owner asks for
    training: tuple[str, ...]  # lines of YAML


Draft = TypeVar("Draft", TeacherDraft, StudentDraft)

_OWN_SERVER = (
    "# `stillhouse plan --offline` says how many GPUs it needs, with the commands of its server. Once that runs:",
    '# endpoint: {provider: vllm, base_url: "http://SET-THIS:8000/v1"}',
)


def _hosted(provider: str, accepted: str, key: str) -> tuple[str, ...]:
    return (
        f"endpoint: {{provider: {provider}}} # its key is in {key}, never here",
        f"# accept_terms: {accepted} # SET: your statement that the terms above do not bind you; refused without it",
    )


UNNAMED_TEACHER = TeacherDraft(
    model="./SET-THIS/teacher # SET: a folder with safetensors, a .gguf file, or a hub name as owner/name",
    access=(
        "# endpoint: {provider: deepseek} # asks `model` over an API instead; its key is in DEEPSEEK_API_KEY, never "
        "here",
    ),
    licence="unknown # of the model; for the cards",
)
TEACHERS: dict[str, TeacherDraft] = {
    "deepseek-v3": TeacherDraft(
        model="deepseek-ai/DeepSeek-V3",
        access=_OWN_SERVER,
        licence="deepseek-model-license",
        terms="DeepSeek's model licence allows to train on its answers, and counts the student as a derivative that "
        "must keep the licence's restrictions of use.",
    ),
    "llama-3.1-405b": TeacherDraft(
        model="meta-llama/Llama-3.1-405B-Instruct",
        access=_OWN_SERVER,
        licence="llama3.1",
        terms="Llama 3.1's licence allows to train on its answers, but whoever hands the student on must let its name "
        'begin with "Llama" and show "Built with Llama".',
    ),
    "gpt": TeacherDraft(
        model="gpt-4.1 # or another of OpenAI's; reasoning models need `offers: [json_schema]` in the endpoint",
        access=_hosted("openai", "openai", "OPENAI_API_KEY"),
        licence="proprietary",
        terms="OpenAI's terms forbid to use answers of its models to develop models that compete with OpenAI.",
    ),
    "claude": TeacherDraft(
        model="claude-sonnet-4-5 # or another of Anthropic's",
        access=_hosted("anthropic", "anthropic", "ANTHROPIC_API_KEY"),
        licence="proprietary",
        terms="Anthropic's commercial terms forbid to use its services to train competing AI models, unless Anthropic "
        "has agreed.",
    ),
}

_RATE = "# learning_rate: 5.0e-5 # unset, it follows the student's size and the method"
_PRECISION = "# precision: bfloat16 # unset: bfloat16 on GPUs, float32 on CPUs"
_SMALL_TRAINING = (
    "method: full # lora or qlora train a small adapter, which takes less memory",
    "epochs: 3",
    _RATE,
    _PRECISION,
)
# of some billion parameters, on one GPU of 80 GB
_LARGE_TRAINING = (
    "method: lora # or full, with 8 bytes a parameter in place of 2; or qlora, with less than 1",
    "epochs: 2",
    _RATE,
    _PRECISION,
    "gradient_accumulation: 8 # batches in one optimizer step",
    "max_length: 2048 # tokens of prompt and answer; longer examples are dropped and counted",
)

UNNAMED_STUDENT = StudentDraft(
    model="./SET-THIS/student # SET: a small causal model, as above; the teacher itself with `layers` below works too",
    licence="unknown",
    training=_SMALL_TRAINING,
)
_MIT = "The licence (MIT) asks for its text to go with the student."
STUDENTS: dict[str, StudentDraft] = {
    "phi-4-mini": StudentDraft(
        model="microsoft/Phi-4-mini-instruct", licence="mit", terms=_MIT, training=_LARGE_TRAINING
    ),
    "phi-3-mini-4k": StudentDraft(
        model="microsoft/Phi-3-mini-4k-instruct", licence="mit", terms=_MIT, training=_LARGE_TRAINING
    ),
    "phi-3-mini-128k": StudentDraft(
        model="microsoft/Phi-3-mini-128k-instruct", licence="mit", terms=_MIT, training=_LARGE_TRAINING
    ),
    "phi-3.5-mini": StudentDraft(
        model="microsoft/Phi-3.5-mini-instruct", licence="mit", terms=_MIT, training=_LARGE_TRAINING
    ),
    "llama-3.1-8b": StudentDraft(
        model="meta-llama/Llama-3.1-8B-Instruct",
        licence="llama3.1",
        terms='Llama 3.1\'s licence wants the student\'s name to begin with "Llama", and "Built with Llama" shown, '
        "wherever it is handed on.",
        training=_LARGE_TRAINING,
    ),
}


def teacher_draft(name: str) -> TeacherDraft:
    """Return the teacher of that short name; without one a draft that the user completes.

    Raises:
        RecipeError: no teacher is known by that name.
    """
    return _known("teacher", name, TEACHERS) if name else UNNAMED_TEACHER


def student_draft(name: str) -> StudentDraft:
    """Return the student of that short name; without one a draft that the user completes.

    Raises:
        RecipeError: no student is known by that name.
    """
    return _known("student", name, STUDENTS) if name else UNNAMED_STUDENT


def _known(what: str, name: str, drafts: dict[str, Draft]) -> Draft:
    if name not in drafts:
        raise RecipeError(
            f"--{what} {name!r} is not known; known: {', '.join(drafts)}.{did_you_mean(name, drafts)} Leave the option "
            "out, and set any other model in the recipe."
        )
    return drafts[name]


def model_fields(teacher: TeacherDraft, student: StudentDraft) -> dict[str, Any]:
    """Return what a draft's template says of both models, as indented lines of YAML by the template's names."""
    return {
        "teacher_model": teacher.model,
        "teacher_access": _lines([*_comment(teacher.terms), *teacher.access], indent=4),
        "teacher_licence": teacher.licence,
        "student_model": student.model,
        "student_terms": _lines(_comment(student.terms), indent=2),
        "student_licence": student.licence,
        "training": _lines(student.training, indent=2),
    }


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, 110, initial_indent="# ", subsequent_indent="# ")


def _lines(lines: Sequence[str], *, indent: int) -> str:
    return "".join(f"{' ' * indent}{line}\n" for line in lines)
