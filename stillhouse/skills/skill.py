"""What the student must learn, as far as a recipe says it: one model a skill, told apart by `kind`."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, field_validator

from stillhouse.config import FrozenModel

MetricName = Literal[
    "accuracy", "macro_f1", "exact_match", "token_f1", "rouge_1", "rouge_2", "rouge_l", "bleu", "chrf", "within_limit"
]


class SkillPart(FrozenModel):
    """What a recipe may ask of any skill."""

    has_labels: ClassVar[bool] = False
    asking: ClassVar[tuple[str, ...]] = ()  # fields of its own that change what a teacher is shown
    metrics: ClassVar[tuple[MetricName, ...]]  # measured unless told; the first is compared
    is_dialogue: ClassVar[bool] = False  # rows are whole conversations, recorded replies and all
    votes: ClassVar[bool] = True  # samples of a prompt can agree, so the majority's answer is the prompt's
    verifies: ClassVar[bool] = True  # an answer agrees with a reference or contradicts it

    @property
    def word_limit(self) -> int:
        """Words an answer may have; 0 for any number."""
        return 0

    def filled(self, text: str) -> str:
        """Return `text` with the skill's own placeholders replaced."""
        return text


class Labelled(SkillPart):
    """What skills share whose answer is one label out of a fixed set."""

    has_labels: ClassVar[bool] = True
    metrics: ClassVar[tuple[MetricName, ...]] = ("accuracy", "macro_f1")

    labels: tuple[str, ...] = Field((), description="the label set; empty takes it from the labelled rows")
    instruction: str = Field(
        "Classify the message. Answer with exactly one of these labels: {labels}.",
        description="system prompt of teacher and zero-shot baseline; {labels} is replaced by the list",
    )
    student_instruction: str = Field("", description="system prompt of the student; empty shows it the bare message")

    @field_validator("labels")
    @classmethod
    def _distinct(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        if len(labels) == 1:
            raise ValueError("one class only: a classification needs at least two labels")
        if len(set(labels)) != len(labels) or any(not label.strip() for label in labels):
            raise ValueError("labels must be distinct and not blank")
        return labels


class Classification(Labelled):
    """One label out of a fixed set for each message."""

    kind: Literal["classification"] = Field("classification", description="the skill's name")


CLASSIFICATION = Classification()


class Nli(Labelled):
    """What a premise says of a hypothesis: entailment, neutral or contradiction, or the recipe's own labels."""

    kind: Literal["nli"] = Field(description="the skill's name")
    labels: tuple[str, ...] = Field(
        ("entailment", "neutral", "contradiction"),
        description="the label set; empty takes it from the labelled rows",
    )
    instruction: str = Field(
        "Does the hypothesis follow from the premise? Answer with exactly one of these labels: {labels}.",
        description="system prompt of teacher and zero-shot baseline; {labels} is replaced by the list",
    )


class Open(SkillPart):
    """What skills share whose answer is free text."""

    labels: ClassVar[tuple[str, ...]] = ()

    student_instruction: str = Field("", description="system prompt of the student; empty shows it the bare prompt")


class Qa(Open):
    """A short answer to a question, from memory or from a context that the row brings along."""

    asking: ClassVar[tuple[str, ...]] = ("no_answer",)
    metrics: ClassVar[tuple[MetricName, ...]] = ("exact_match", "token_f1")

    kind: Literal["qa"] = Field(description="the skill's name")
    no_answer: str = Field(
        "",
        description="the reference and the answer that say there is none, such as `no answer`; empty: there always is",
    )
    instruction: str = Field(
        "Answer the question in as few words as possible.{no_answer}",
        description="system prompt of teacher and zero-shot baseline; {no_answer} becomes a sentence that allows it",
    )

    def filled(self, text: str) -> str:
        """Return `text` with {no_answer} as the sentence that allows to give none."""
        allowed = f' If there is no answer, say "{self.no_answer}".' if self.no_answer else ""
        return text.replace("{no_answer}", allowed)


class Math(Open):
    """A problem whose final answer is compared by value."""

    metrics: ClassVar[tuple[MetricName, ...]] = ("accuracy",)

    kind: Literal["math"] = Field(description="the skill's name")
    keep_reasoning: Literal["full", "short", "none"] = Field(
        "full",
        description="what a student learns to write before the answer. full: all the teacher wrote; short: the "
        "sentences that hold an equation; none: the answer alone",
    )
    instruction: str = Field(
        "Solve the problem step by step. End with a line that holds #### and the final answer alone.",
        description="system prompt of teacher and zero-shot baseline",
    )


class Summarization(Open):
    """A short text that says what a long one does."""

    asking: ClassVar[tuple[str, ...]] = ("max_words", "chain_of_density")
    metrics: ClassVar[tuple[MetricName, ...]] = ("rouge_l", "rouge_1", "rouge_2", "bleu", "chrf", "within_limit")
    votes: ClassVar[bool] = False
    verifies: ClassVar[bool] = False

    kind: Literal["summarization"] = Field(description="the skill's name")
    max_words: int = Field(60, ge=0, description="words a summary may have; longer ones are no lesson; 0 sets no limit")
    chain_of_density: int = Field(
        0,
        ge=0,
        le=10,
        description="summaries the teacher writes one after the other, each denser than the one before, of which the "
        "last is kept; 0 asks for one summary (Chain of Density, arXiv:2309.04269)",
    )
    instruction: str = Field(
        "Summarise the text{max_words}.",
        description="system prompt of teacher and zero-shot baseline; {max_words} becomes ` in at most 60 words`",
    )

    @property
    def word_limit(self) -> int:
        """Words a summary may have; 0 for any number."""
        return self.max_words

    def filled(self, text: str) -> str:
        """Return `text` with {max_words} as the words that set the limit."""
        limit = f" in at most {self.max_words} words" if self.max_words else ""
        return text.replace("{max_words}", limit)


class Conversation(Open):
    """The assistant's next reply in a conversation of several turns."""

    asking: ClassVar[tuple[str, ...]] = ("targets",)
    is_dialogue: ClassVar[bool] = True
    metrics: ClassVar[tuple[MetricName, ...]] = ("rouge_l", "chrf", "bleu")
    votes: ClassVar[bool] = False
    verifies: ClassVar[bool] = False

    kind: Literal["conversation"] = Field(description="the skill's name")
    targets: Literal["last", "all"] = Field(
        "last",
        description="last: a conversation's last reply is learnt and measured; all: every reply, each after the turns "
        "before it",
    )
    instruction: str = Field(
        "You are the assistant in this conversation. Write the next reply.",
        description="system prompt of teacher and zero-shot baseline; stands before the conversation's own",
    )


def _kind(skill: Any) -> Any:
    """A recipe without a kind is a classification, as the first recipes were."""
    return skill.get("kind", "classification") if isinstance(skill, dict) else getattr(skill, "kind", None)


KINDS: dict[str, type[FrozenModel]] = {
    "classification": Classification,
    "nli": Nli,
    "qa": Qa,
    "math": Math,
    "summarization": Summarization,
    "conversation": Conversation,
}
Skill = Annotated[
    Annotated[Classification, Tag("classification")]
    | Annotated[Nli, Tag("nli")]
    | Annotated[Qa, Tag("qa")]
    | Annotated[Math, Tag("math")]
    | Annotated[Summarization, Tag("summarization")]
    | Annotated[Conversation, Tag("conversation")],
    Discriminator(_kind),
]
