"""Classification: one label out of a fixed set for each message.

Separate because everything a skill decides stands in one file: what each model is shown, the form its answer is held
to, how that answer is read, and what makes it right. Example: "Where is my card?" -> "card_arrival".
"""

import string
from collections.abc import Callable, Sequence
from typing import Any

from tasks.data.row import prompt_text
from tasks.recipe.errors import DataError
from tasks.recipe.skill import Classification
from tasks.recipe.teacher import TeacherPrompt

closed_answers = True

_AROUND = string.punctuation + string.whitespace + "“”‘’«»…。"

# how a text may differ from its label, most faithful first; a coarser form is tried only where the finer finds nothing
_FORMS: tuple[Callable[[str], str], ...] = (
    str.strip,
    lambda text: text.strip().casefold(),
    lambda text: text.strip(_AROUND).casefold(),
)

Turns = list[dict[str, Any]]


def teacher_messages(
    row_messages: Turns,
    skill: Classification,
    prompt: TeacherPrompt,
    labels: Sequence[str],
    examples: Sequence[tuple[str, str]],
) -> Turns:
    """Return the teacher's turns: instruction, labelled `examples` (text, label) in the order given, then the row's."""
    system = _filled(prompt.system or skill.instruction, labels)
    if prompt.layout == "list":
        listed = [f"{prompt.input_name}: {text}\n{prompt.output_name}: {label}" for text, label in examples]
        return _with_system("\n\n".join([system, *listed]), [], row_messages)
    turns: Turns = []
    for text, label in examples:
        turns += [{"role": "user", "content": text}, {"role": "assistant", "content": label}]
    return _with_system(system, turns, row_messages)


def teacher_text(
    row_messages: Turns,
    skill: Classification,
    prompt: TeacherPrompt,
    labels: Sequence[str],
    examples: Sequence[tuple[str, str]],
) -> str:
    """Return the teacher's prompt as plain text that ends where the label follows, for layout `text`."""
    heading = _filled(prompt.system or skill.instruction, labels)
    listed = [f"{prompt.input_name}: {text}\n{prompt.output_name}: {label}" for text, label in examples]
    asked = f"{prompt.input_name}: {prompt_text(row_messages)}\n{prompt.output_name}:"
    return "\n\n".join([heading, *listed, asked])


def zero_shot_messages(row_messages: Turns, skill: Classification, labels: Sequence[str]) -> Turns:
    """Return what an untrained model is asked: the skill's instruction with the labels named, then the row's turns."""
    return _with_system(_filled(skill.instruction, labels), [], row_messages)


def student_messages(row_messages: Turns, skill: Classification, labels: Sequence[str]) -> Turns:
    """Return what the student sees: the row's turns, after `student_instruction` where the recipe has one."""
    return _with_system(_filled(skill.student_instruction, labels), [], row_messages)


def constraint(skill: Classification, labels: Sequence[str], lead: str = "") -> dict[str, Any]:
    """Return the structured-output spec an answer is decoded under: `lead` and exactly one of the labels."""
    return {"choice": [lead + label for label in labels]}


def parse(text: str, labels: Sequence[str]) -> str | None:
    """Return the label `text` consists of, whatever its case, spaces and punctuation around it; else None.

    A label inside a sentence is no answer, and a text that fits several labels equally well is none either.
    """
    for form in _FORMS:
        wanted = form(text)
        found = [label for label in labels if form(label) == wanted and wanted]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def verify(answer: str, references: Sequence[str]) -> bool:
    """Return True where `answer` is one of the accepted `references`; False where there are none."""
    return parse(answer, tuple(dict.fromkeys(references))) is not None


def resolve_labels(skill: Classification, labelled_rows: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """Return the recipe's labels in its order, or the labels of `labelled_rows`, sorted.

    Raises:
        DataError: when the recipe names no labels and the rows hold fewer than two.
    """
    if skill.labels:
        return skill.labels
    found = tuple(sorted({row["label"] for row in labelled_rows if row["label"] is not None}))
    if len(found) < 2:
        raise DataError(
            f"the labelled rows hold {len(found)} different labels ({', '.join(found) or 'none'}); a classification "
            "needs at least two: list them in `skill.labels`, or check `columns.label` of the labelled source"
        )
    return found


def _filled(instruction: str, labels: Sequence[str]) -> str:
    # not str.format: an instruction may hold other braces, such as a JSON example
    return instruction.replace("{labels}", ", ".join(labels))


def _with_system(system: str, examples: Turns, row_messages: Turns) -> Turns:
    """One system turn at most: chat templates refuse or ignore a second, so the row's own is joined to ours."""
    turns = [{"role": turn["role"], "content": turn["content"]} for turn in row_messages]
    if turns and turns[0]["role"] == "system":
        system = "\n\n".join(part for part in (system, turns.pop(0)["content"]) if part)
    first = [{"role": "system", "content": system}] if system else []
    return first + examples + turns
