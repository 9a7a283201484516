"""The parts of a drafted recipe that differ from skill to skill."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SkillDraft:
    """What a draft says of one skill, as lines of YAML."""

    about: str  # what the student learns
    fields: str  # of the section `skill`, without kind and labels
    max_tokens: int
    answer: str  # what max_tokens must hold
    confidence: str  # a filter by how sure the teacher is
    fields_unanswered: str = ""  # the same if some rows have an empty list of answers
    batch_size: int = 4
    quality: float = 0.86


_LABEL_FILTER = "min_probability: 0.5 # drop labels the teacher is less sure of"
_FREE_FILTER = "min_mean_logprob: -0.7 # drop answers whose tokens the teacher is less sure of, on average"

DRAFTS = {
    "classification": SkillDraft(
        about="one label out of a fixed set for each message",
        fields="""\
  # {labels} is replaced by the list; teacher and zero-shot baseline see this, the student sees the bare message
  instruction: "Classify the message. Answer with exactly one of these labels: {labels}."
""",
        max_tokens=16,
        answer="the longest label",
        confidence=_LABEL_FILTER,
        batch_size=8,
        quality=0.88,
    ),
    "nli": SkillDraft(
        about="whether a hypothesis follows from a premise, as one label out of a fixed set",
        fields="""\
  # {labels} is replaced by the list; for another relation of two texts say here what the labels mean
  instruction: "Does the hypothesis follow from the premise? Answer with exactly one of these labels: {labels}."
""",
        max_tokens=16,
        answer="the longest label",
        confidence=_LABEL_FILTER,
        batch_size=8,
    ),
    "qa": SkillDraft(
        about="a short answer to a question, from the passage in the row if there is one",
        fields="""\
  # no_answer: no answer # set it if some questions have none; the student then learns to say so
""",
        max_tokens=64,
        fields_unanswered="""\
  no_answer: no answer # some rows have an empty list of answers; the student learns to say so
""",
        answer="the longest answer",
        confidence=_FREE_FILTER,
    ),
    "math": SkillDraft(
        about="to solve a problem; the final answer is compared, after #### or in \\boxed{}",
        fields="""\
  keep_reasoning: short # what the student learns before the answer: full, short or none
""",
        max_tokens=512,
        answer="the longest solution",
        confidence=_FREE_FILTER,
    ),
    "summarization": SkillDraft(
        about="a summary of a text",
        fields="""\
  max_words: 0 # longer summaries are no lesson; 0 sets no limit
""",
        max_tokens=256,
        answer="the longest summary",
        confidence=_FREE_FILTER,
    ),
    "conversation": SkillDraft(
        about="the assistant's next reply",
        fields="""\
  targets: last # or all: every reply of the assistant is learnt and measured, each after the turns before it
""",
        max_tokens=512,
        answer="the longest reply",
        confidence=_FREE_FILTER,
    ),
}
