"""Where rows come from and what is done to them before a teacher sees any."""

from typing import Literal

from pydantic import Field, model_validator

from stillhouse.config import FrozenModel, optional_identity, provenance


class Columns(FrozenModel):
    """Which input columns hold what; a name that the source lacks is refused with the nearest one."""

    text: str | None = Field(None, description="column with the user's message; becomes one user turn")
    messages: str | None = Field(None, description="column with a list of {role, content} chat turns")
    id: str | None = Field(None, description="column with a row's own id; without it the content's hash is the id")
    reference: str | None = Field(None, description="column with the gold answer, or a list of accepted ones")
    label: str | None = Field(None, description="column with the gold label; for a classification it is the reference")
    premise: str | None = optional_identity(None, "column with the premise, for an nli; goes with `hypothesis`")
    hypothesis: str | None = optional_identity(None, "column with the hypothesis, for an nli")
    context: str | None = optional_identity(
        None, "column with the passage a question is about, for a qa; goes with `text`"
    )

    @model_validator(mode="after")
    def _one_prompt_column(self) -> "Columns":
        if (self.premise is None) != (self.hypothesis is None):
            raise ValueError("`premise` and `hypothesis` go together: name both columns")
        if self.context is not None and self.text is None:
            raise ValueError("`context` goes with `text`, the column with the question")
        prompts = [name for name in (self.text, self.messages, self.premise) if name is not None]
        if len(prompts) != 1:
            raise ValueError(
                "name exactly one of `text` and `messages`: the column that holds the prompt "
                "(or, for an nli, `premise` and `hypothesis`)"
            )
        return self


Role = Literal["train", "examples", "test"]


class Source(FrozenModel):
    """One input: a file, a folder, a glob or several, local or behind any fsspec URL."""

    path: str | tuple[str, ...] = Field(description="file, folder, glob or list; local, s3://, hf:// or any fsspec URL")
    format: Literal["auto", "jsonl", "csv", "parquet"] = Field("auto", description="`auto` goes by the file's name")
    columns: Columns
    licence: str = provenance("unknown", "licence of the data, carried to the cards")


class Balance(FrozenModel):
    """How training rows are evened out; validation and test rows are never touched."""

    by: Literal["none", "label", "source", "length", "cluster"] = Field("none", description="what the groups are")
    method: Literal["cap", "downsample", "upsample", "temperature"] = Field(
        "cap",
        description="cap: at most `cap` rows a group; downsample: to the smallest group; upsample: to the largest; "
        "temperature: sizes proportional to size ** (1 / temperature), total kept",
    )
    cap: int = Field(1000, ge=1, description="rows a group may keep, for method `cap`")
    temperature: float = Field(2.0, ge=1.0, description="1 keeps the sizes, larger evens them, for `temperature`")
    clusters: int = Field(8, ge=2, le=256, description="TF-IDF clusters, for by: cluster")
    seed: int = Field(0, ge=0, description="seed of the choice of rows and of the clusters")


class Data(FrozenModel):
    """The sources and the rules of validate, split and balance."""

    train: Source = Field(description="the prompts the teacher answers; references are optional")
    examples: Source | None = Field(
        None, description="labelled rows: retrieved into the teacher's prompt, and training rows with their reference"
    )
    test: Source | None = Field(None, description="gold rows; without it a share of `train` is held out")
    validation_fraction: float = Field(0.1, ge=0.0, lt=0.5, description="share of train rows held for validation")
    test_fraction: float = Field(0.2, gt=0.0, lt=0.9, description="share of train rows held for test, without `test`")
    max_train_rows: int = Field(0, ge=0, description="training and validation rows kept, by content hash; 0 keeps all")
    max_test_rows: int = Field(0, ge=0, description="test rows kept, by content hash; 0 keeps all")
    max_prompt_chars: int = Field(8000, ge=1, description="longer prompts are dropped (prompt_too_long)")
    near_duplicate_threshold: float = Field(
        0.8, gt=0.0, le=1.0, description="word-set Jaccard from which two prompts count as the same; 1 = exact only"
    )
    contamination_ngram: int = Field(
        8, ge=2, le=50, description="words in a row shared with a test row that drop a row"
    )
    conflicting_labels: Literal["drop", "majority"] = Field(
        "drop", description="rows with one text and several labels: drop all, or keep the majority's"
    )
    personal_data: Literal["allow", "redact", "drop"] = Field("allow", description="e-mails, phones, cards, IBANs …")
    languages: tuple[str, ...] = Field((), description="ISO 639-1 codes to keep; empty keeps all")
    balance: Balance = Balance()

    @property
    def sources(self) -> dict[Role, Source]:
        """The sources that are set, by role."""
        named: dict[Role, Source | None] = {"train": self.train, "examples": self.examples, "test": self.test}
        return {role: source for role, source in named.items() if source is not None}
