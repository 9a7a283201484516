"""Where rows come from, and how they are validated, split and balanced before a teacher sees any."""

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from stillhouse.config import FrozenModel, execution, optional_identity, provenance


class Columns(FrozenModel):
    """Which input column holds what. A name that the source lacks is refused with the nearest column."""

    text: str | tuple[str, ...] | None = Field(
        None,
        description="column with the user's message; becomes one user turn. Several, as [instruction, input], are "
        "joined with blank lines between; gaps are left out",
        min_length=1,
    )
    messages: str | None = Field(None, description="column with a list of {role, content} chat turns")
    tools: str | None = optional_identity(
        None,
        "column with what the assistant may call: OpenAI's function definitions, a list or JSON text; needs `messages`",
    )
    system: str | None = optional_identity(
        None, "column with the system prompt, put before the prompt's own turns; a blank or missing one adds none"
    )
    id: str | None = Field(None, description="column with the row's own id; null takes the hash of the content")
    reference: str | None = Field(None, description="column with the reference answer, or a list of accepted answers")
    label: str | None = Field(None, description="column with the true label; without `reference` it is the reference")
    premise: str | None = optional_identity(None, "column with the premise, for skill nli; needs `hypothesis`")
    hypothesis: str | None = optional_identity(None, "column with the hypothesis, for skill nli; needs `premise`")
    context: str | None = optional_identity(
        None, "column with the passage that a question is about, for skill qa; needs `text`"
    )
    group: str | None = optional_identity(
        None,
        "column with what rows have in common, such as the customer, the dialogue or the passage: the rows of a group "
        "go into the same split, and intervals and p-values are over groups",
    )

    @model_validator(mode="after")
    def _one_prompt_column(self) -> "Columns":
        if (self.premise is None) != (self.hypothesis is None):
            raise ValueError("`premise` and `hypothesis` need each other: name both columns, or neither")
        if self.context is not None and self.text is None:
            raise ValueError("`context` needs `text`: name the column with the question")
        if self.tools is not None and self.messages is None:
            raise ValueError("`tools` needs `messages`: name the column with the conversations that may call them")
        prompts = [name for name in ("text", "messages", "premise") if getattr(self, name) is not None]
        if len(prompts) != 1:
            raise ValueError(
                "name exactly one of `text` and `messages`, the column that holds the prompt "
                f"(for skill nli `premise` and `hypothesis`); found: {', '.join(prompts) or 'none'}"
            )
        return self


Role = Literal["train", "examples", "test", "validation"]


class Source(FrozenModel):
    """One input: a file, a folder, a glob or a list of these, local or at any fsspec URL."""

    path: str | tuple[str, ...] = Field(description="file, folder, glob or list; local, s3://, hf:// or any fsspec URL")
    format: Literal["auto", "jsonl", "csv", "parquet"] = Field(
        "auto", description="`auto` decides by the file's name; jsonl takes JSON Lines and JSON arrays alike"
    )
    encoding: str | None = optional_identity(
        None, "encoding of text files, such as utf-8, cp1252, utf-16 or shift_jis; null finds it by the content"
    )
    delimiter: str | None = optional_identity(
        None, 'what parts the cells of CSV files, such as ";" or "tab"; null finds it by the content'
    )
    columns: Columns
    licence: str = provenance("unknown", "licence of the data, shown on the cards")

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, name: str | None) -> str | None:
        try:
            "".encode(name or "utf-8")
        except LookupError:
            raise ValueError("no encoding of text: write one such as utf-8, cp1252, utf-16, shift_jis") from None
        return name

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, delimiter: str | None) -> str | None:
        known = {"tab": "\t", "\\t": "\t"}.get(delimiter or "", delimiter)
        if known is not None and (len(known) != 1 or known in '"\r\n'):
            raise ValueError('one character that is no quote and no line end: write one such as ";", "|" or "tab"')
        return known


class Balance(FrozenModel):
    """How groups of training rows are balanced. Validation and test rows are never changed."""

    by: Literal["none", "label", "source", "length", "cluster"] = Field(
        "none",
        description="what the groups are. label: given labels before the teacher answers, rows without one aside; then "
        "all training examples by what they teach",
    )
    method: Literal["cap", "downsample", "upsample", "temperature"] = Field(
        "cap",
        description="cap: at most `cap` rows a group; downsample: to the smallest group; upsample: to the largest; "
        "temperature: sizes proportional to size ** (1 / temperature), with the same total",
    )
    cap: int = Field(1000, ge=1, description="most rows of a group, for method: cap")
    temperature: float = Field(2.0, ge=1.0, description="1 keeps the sizes, larger evens them; for method: temperature")
    clusters: int = Field(8, ge=2, le=256, description="TF-IDF clusters, for by: cluster")
    seed: int = Field(0, ge=0, lt=2**32, description="seed of the sampled rows and of the clusters")


class Data(FrozenModel):
    """The sources, and the settings of validate, split and balance."""

    train: Source = Field(description="the prompts the teacher answers; references are optional")
    examples: Source | None = Field(
        None, description="labelled rows: examples in the teacher's prompt; the student trains on their reference"
    )
    test: Source | None = Field(None, description="rows with references to evaluate on; null takes a share of `train`")
    validation: Source | None = optional_identity(
        None,
        "labelled rows on which choices are made: weights, best student, temperature, threshold; no model trains on "
        "them and no prompt shows them; null takes a share of `train`, with the teacher's answers for labels",
    )
    validation_fraction: float = Field(
        0.1, ge=0.0, lt=0.5, description="share of train rows for validation; with `validation` it is 0"
    )
    test_fraction: float = Field(0.2, gt=0.0, lt=0.9, description="share of train rows for testing, without `test`")
    max_train_rows: int = Field(
        0, ge=0, description="most rows of `train` for training and validation, by content hash; 0 keeps all"
    )
    max_test_rows: int = Field(0, ge=0, description="most test rows, by content hash; 0 keeps all")
    max_prompt_chars: int = Field(8000, ge=1, description="longer prompts are dropped (prompt_too_long)")
    exact_duplicates: Literal["drop", "drop_in_test_too", "keep"] = optional_identity(
        "drop",
        "training rows and examples that repeat a whole conversation with the same reference: drop them, drop such "
        "test rows and rows of `validation` too, or keep all",
    )
    near_duplicate_similarity: float | None = optional_identity(
        0.8,
        "similarity (Jaccard, of words or characters) from which a training row is dropped as nearly another one with "
        "the same reference or none; 1: only case and punctuation differ; null: off",
        gt=0.0,
        le=1.0,
    )
    test_similarity: float | None = optional_identity(
        0.8,
        "similarity from which a training row is dropped as nearly a test row, unless their labels differ, and "
        "likewise as nearly a row of `validation`; null: off",
        gt=0.0,
        le=1.0,
    )
    test_run_words: int | None = optional_identity(
        8,
        "a training row is dropped if it holds a test question of at least so many words, or if runs of so many words "
        "make up three quarters of it or of a test row; likewise with a row of `validation`; runs that many rows share "
        "do not count; null: off",
        ge=2,
        le=50,
    )
    conflicting_labels: Literal["drop", "majority", "keep"] = Field(
        "drop",
        description="training rows and examples with the same text and different labels: drop all, keep those with the "
        "majority's label, or keep all",
    )
    personal_data: Literal["allow", "redact", "drop"] = Field(
        "allow",
        description="rows with e-mails, phones, cards, IBANs …: keep them, replace the data by marks, or drop the rows",
    )
    languages: tuple[str, ...] = Field((), description="ISO 639-1 codes to keep; empty keeps all")
    balance: Balance = Balance()
    max_quarantined: float = execution(
        0.05, "largest share of a source's lines that may be unreadable; more stop the run", ge=0.0, le=1.0
    )

    @model_validator(mode="before")
    @classmethod
    def _no_share_beside_own_rows(cls, fields: Any) -> Any:
        if not isinstance(fields, dict) or fields.get("validation") is None:
            return fields
        if share := fields.get("validation_fraction"):
            raise ValueError(
                f"validation and validation_fraction ({share}) are both set: the rows of `validation` take the place "
                "of a share of `train`. Leave validation_fraction out, or set validation to null"
            )
        return fields | {"validation_fraction": 0.0}

    @property
    def sources(self) -> dict[Role, Source]:
        """The sources that are set, by role."""
        named: dict[Role, Source | None] = {
            "train": self.train,
            "examples": self.examples,
            "test": self.test,
            "validation": self.validation,
        }
        return {role: source for role, source in named.items() if source is not None}

    @property
    def has_groups(self) -> bool:
        """Whether a source names a column of groups."""
        return any(source.columns.group is not None for source in self.sources.values())
