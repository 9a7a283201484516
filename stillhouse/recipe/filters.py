"""Which completions are kept; every rule has a switch and says what it drops."""

from pydantic import Field

from stillhouse.config import FrozenModel, optional_identity


class Filters(FrozenModel):
    """One field a rule; the rules run in this order and the first that objects names the reason."""

    truncated: bool = Field(True, description="drop completions cut off by max_tokens")
    empty: bool = Field(True, description="drop completions without text")
    refused: bool = Field(True, description="drop refusals (“I can't help with …”)")
    repetitive: bool = Field(True, description="drop completions that repeat themselves")
    max_repetition: float = Field(
        0.5, gt=0.0, le=1.0, description="share of repeated 3-word sequences that is too much"
    )
    languages: tuple[str, ...] = Field((), description="ISO 639-1 codes to keep; empty keeps all")
    unparsable: bool = Field(True, description="drop completions the skill's parser can't read")
    too_long: bool = optional_identity(True, "drop answers of more words than the skill allows (`skill.max_words`)")
    verification: bool = Field(True, description="drop completions that contradict the row's own reference")
    min_judge_score: int | None = optional_identity(
        None, "least score that the judge must give, of 1 to 5; none asks it for no scores", ge=1, le=5
    )
    min_agreement: float = Field(0.0, ge=0.0, le=1.0, description="share of a prompt's samples that must agree")
    min_mean_logprob: float | None = Field(
        None, le=0.0, description="least mean log-probability a token; none keeps all"
    )
    near_duplicate_threshold: float = Field(
        1.0, gt=0.0, le=1.0, description="drop near-equal long answers; 1 keeps all"
    )
    check_labels: bool = optional_identity(
        False,
        "have the teacher answer labelled rows too, to find likely mislabelled ones (suspects.jsonl); they train on "
        "their label all the same",
    )
    hard_share: float | None = optional_identity(
        None,
        "share of the teacher's training rows that are to be hard: of the third whose answers it was least sure of. "
        "Rows of the other kind are left out until it holds; none leaves the rows as they are",
        ge=0.0,
        le=1.0,
    )
    min_success_ratio: float = Field(0.5, ge=0.0, le=1.0, description="fewer kept than this fails the stage")
