"""Whether a student can learn from a teacher by a method: vocabulary, chat template, context and size of both.

Each fact that nobody knows, as of a model behind an endpoint, is None and refuses nothing.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from stillhouse.artifacts.fingerprint import sha256_json
from stillhouse.config import StrictModel
from stillhouse.errors import ModelError
from stillhouse.inference.loading import known_config, load_tokenizer
from stillhouse.inference.published_models import PUBLISHED_MODELS
from stillhouse.recipe.cut import Cut
from stillhouse.recipe.training import Training
from stillhouse.students.layer_matching.heads import relation_heads, vector_widths
from stillhouse.students.layer_matching.layer_map import UNRELATED_KINDS, layer_pairs
from stillhouse.students.size import WHOLE, num_parameters

Match = Literal["same", "differ", "not known"]
# models of one vocabulary pad it to different multiples, as Qwen2.5 does: 151,936 and 152,064
_MOST_PADDING = 0.01


class ModelFacts(StrictModel):
    """What of a model decides who can learn from it."""

    name: str
    parameters: int | None = None
    context: int | None = None  # most tokens of a sequence
    logits: int | None = None  # numbers that the model gives for each next token, padding of the vocabulary included
    tokens: int | None = None  # of the vocabulary
    vocabulary: str | None = None  # SHA-256 of which token has which id
    template: str | None = None  # SHA-256 of the chat template; empty for none
    layers: int | None = None  # that it keeps
    layers_before_cut: int | None = None
    kind: str | None = None  # model_type of its decoder
    widths: dict[str, int] = Field({})  # of a layer's queries, keys and values, before any cut


class Compatibility(StrictModel):
    """A student beside a teacher that it learns from."""

    student: ModelFacts
    teacher: ModelFacts
    method: str  # the recipe's training.kind
    vocabularies: Match
    templates: Match
    problem: str = ""  # why the student can't learn so, and what to do
    warning: str = ""

    @property
    def verdict(self) -> str:
        """The problem, the warning, or that it fits as far as is known."""
        if self.problem or self.warning:
            return self.problem or self.warning
        is_known = self.vocabularies != "not known" or self.method == "sft"
        return "fits" if is_known else "not known before the models are loaded"


def compare_models(student: ModelFacts, teacher: ModelFacts, training: Training) -> Compatibility:
    """Return how the two fit for the student's method of training."""
    vocabularies = _match_vocabularies(student, teacher)
    problems = [_context_problem(student, training), *_layer_problems(student, teacher, training)]
    if training.needs_same_tokens:
        problems.append(_vocabulary_problem(student, teacher, training, vocabularies))
    return Compatibility(
        student=student,
        teacher=teacher,
        method=training.kind,
        vocabularies=vocabularies,
        templates=_match(student.template, teacher.template),
        problem="; ".join(filter(None, problems)),
        warning=_size_warning(student, teacher),
    )


def refuse_misfits(found: Sequence[Compatibility]) -> None:
    """Return if every student can learn as its recipe says.

    Raises:
        ModelError: the problems of those that can't, a line each.
    """
    if problems := [f"Student {one.student.name}: {one.problem}." for one in found if one.problem]:
        raise ModelError("\n".join(dict.fromkeys(problems)))


def facts_of(
    name: str,
    path: str,
    revision: str = "",
    *,
    layers: int = 0,
    cut: Cut = WHOLE,
    template: str | None = None,
    with_tokens: bool = True,
) -> ModelFacts:
    """Return the facts of the model in a folder or hub, as far as they can be read without its weights.

    Args:
        name: for people.
        path: of the folder, or the hub's name; those of a file that is not converted yet are not known.
        revision: of a hub's model.
        layers: that a student keeps; 0 for all.
        cut: what else it keeps.
        template: that replaces the model's own.
        with_tokens: read the tokenizer too, which takes about half a second.
    """
    is_folder = Path(path).is_dir()
    if not is_folder and path.endswith(".gguf"):
        return ModelFacts(name=name)
    config = known_config(path, revision)
    text = config.get_text_config() if config else None
    named = 0 if isinstance(cut.layers, str) else len(cut.layers)
    facts = ModelFacts(
        name=name,
        parameters=num_parameters(path, revision, layers, cut),
        context=getattr(text, "max_position_embeddings", None),
        logits=getattr(text, "vocab_size", None),
        layers=layers or named or getattr(text, "num_hidden_layers", None),
        layers_before_cut=getattr(text, "num_hidden_layers", None),
        kind=getattr(text, "model_type", None),
        # how many heads a cut leaves shows once it is made
        widths=vector_widths(text) if text and cut.heads == 1 else {},
    )
    # a hub is not asked for a tokenizer
    return facts.model_copy(update=_token_facts(path, template)) if is_folder and with_tokens else facts


def facts_behind(name: str, served: str) -> ModelFacts:
    """Return what is known of the model that an endpoint serves by the name `served`: the facts of published ones."""
    return facts_of(name, served, with_tokens=False) if served in PUBLISHED_MODELS else ModelFacts(name=name)


def _token_facts(path: str, template: str | None) -> dict[str, object]:
    try:
        tokenizer = load_tokenizer(path)
    except ModelError:
        return {}
    vocabulary = tokenizer.get_vocab()
    return {
        "tokens": len(vocabulary),
        "vocabulary": sha256_json(vocabulary),
        "template": sha256_json(template or tokenizer.chat_template or ""),
    }


def _match_vocabularies(student: ModelFacts, teacher: ModelFacts) -> Match:
    found = _match(student.vocabulary, teacher.vocabulary)
    if found == "not known" and student.logits and teacher.logits:
        difference = abs(student.logits - teacher.logits) / max(student.logits, teacher.logits)
        return "differ" if difference > _MOST_PADDING else found
    return found


def _match(one: str | None, other: str | None) -> Match:
    if one is None or other is None:
        return "not known"
    return "same" if one == other else "differ"


def _context_problem(student: ModelFacts, training: Training) -> str:
    if student.context is None or training.max_length <= student.context:
        return ""
    return (
        f"training.max_length is {training.max_length} tokens, and the model knows positions up to {student.context}: "
        f"set training.max_length to at most {student.context}, or take a model with a longer context"
    )


def _layer_problems(student: ModelFacts, teacher: ModelFacts, training: Training) -> Iterator[str]:
    """Yield why layers can't be compared, for the methods that do so."""
    if training.layer_matching is None:
        return
    source = (student.layers_before_cut, student.kind) if training.learns_from_base else (teacher.layers, teacher.kind)
    if student.layers and source[0]:
        try:
            layer_pairs(training, student.layers, source[0])
        except ModelError as error:
            yield str(error).rstrip(".")
    if training.kind == "attention":
        for kind in sorted(UNRELATED_KINDS & {student.kind, source[1]}):
            yield (
                f"training.kind: attention compares queries, keys and values, and a model of kind {kind} does not "
                "compute them for each token: take training.kind: hidden_states"
            )
        yield from _head_problems(student.widths, (student if training.learns_from_base else teacher).widths, training)


def _head_problems(own: dict[str, int], other: dict[str, int], training: Training) -> Iterator[str]:
    if not own or not other:
        return
    try:
        relation_heads(
            [model[name] for model in (own, other) for name in training.attention.relations],
            training.attention.relation_heads,
        )
    except ModelError as error:
        yield str(error).rstrip(".")


def _vocabulary_problem(student: ModelFacts, teacher: ModelFacts, training: Training, vocabularies: Match) -> str:
    if vocabularies == "differ":
        bridge = ", or set training.on_policy.bridge: gold for two byte-level tokenizers"
        return (
            f"training.kind: {training.kind} compares it with teacher {teacher.name} token by token, and their "
            f"vocabularies differ ({_tokens(student)} and {_tokens(teacher)} tokens): take training.kind: sft, which "
            "learns from the teacher's text, or a student of the teacher's family"
            f"{bridge if training.kind == 'on_policy' else ''}"
        )
    widest = student.tokens or teacher.tokens
    for model in (student, teacher):
        # some models give fewer numbers than their tokenizer has tokens: the last are never predicted
        if vocabularies == "same" and model.logits and widest and model.logits < widest:
            return (
                f"training.kind: {training.kind} needs a number for each of the vocabulary's {widest} tokens, and "
                f"{model.name} gives {model.logits}: take training.kind: sft"
            )
    return ""


def _tokens(model: ModelFacts) -> str:
    number = model.tokens or model.logits
    return f"{number:,}" if number else "?"


def _size_warning(student: ModelFacts, teacher: ModelFacts) -> str:
    if student.parameters is None or teacher.parameters is None or student.parameters <= teacher.parameters:
        return ""
    return (
        f"the student has {student.parameters:,} parameters, more than teacher {teacher.name} with "
        f"{teacher.parameters:,}: it may become better, and will not be cheaper"
    )
