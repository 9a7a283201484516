"""The student: which weights it starts from."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator

from stillhouse.config import FrozenModel, optional_identity, provenance
from stillhouse.recipe.chat_template import (
    DATE_DESCRIPTION,
    DEFAULT_DATE,
    KWARGS_DESCRIPTION,
    TemplateDate,
    TemplateKwargs,
)
from stillhouse.recipe.cut import Cut
from stillhouse.recipe.encoder_student import EncoderTuning
from stillhouse.recipe.model_name import short_name
from stillhouse.recipe.training import Training

# ChatML without the default system prompt that some models insert, so that a short message stays a short prompt.
# The newline precedes a turn and does not follow it, so that an answer ends exactly on its stop token.
MINIMAL_CHATML = (
    "{% for message in messages %}"
    "{{ ('' if loop.first else '\n') + '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '\n<|im_start|>assistant\n' }}{% endif %}"
)


class Student(FrozenModel):
    """Where the student's weights come from."""

    kind: Literal["causal_lm", "encoder"] = optional_identity(
        "causal_lm",
        "causal_lm: a language model that writes the answer; encoder: a classifier on an encoder such as BERT, for "
        "skills with labels",
    )
    name: str = provenance(
        "", "name of one of several students in the report; empty takes its model's", pattern=r"^[^\n|]*$"
    )
    model: str = Field(
        description="local folder, GGUF file or hub name of any causal model; for kind encoder a folder or hub name of "
        "an encoder with safetensors"
    )
    revision: str = Field(
        "",
        description="the hub's branch, tag or commit; a branch or tag stays at the commit of its first run in a store. "
        "Ignored for local files",
    )
    layers: int = Field(0, ge=0, description="number of layers to keep, evenly spaced unless `cut` says others; 0: all")
    cut: Cut = optional_identity(Cut(), "which layers, feed-forward neurons, heads and embeddings the student keeps")
    chat_template: Literal["model", "minimal"] = Field(
        "model",
        description="model: the base model's own; minimal: ChatML without the default system prompt that some models "
        "insert into every request",
    )
    chat_template_kwargs: TemplateKwargs = optional_identity(
        {}, KWARGS_DESCRIPTION + ". They become defaults in the exported student's template"
    )
    template_date: TemplateDate = optional_identity(
        DEFAULT_DATE, DATE_DESCRIPTION + "; the exported student's template names it too"
    )
    training: dict[str, Any] = optional_identity(
        {}, "fields of the section `training` that differ for this student, as {learning_rate: 1.0e-4}"
    )
    encoder: EncoderTuning = optional_identity(EncoderTuning(), "how a student of kind encoder learns")
    licence: str = provenance("unknown", "licence of the base model, shown on the cards")

    @field_validator("training")
    @classmethod
    def _has_fields_of_training(cls, training: dict[str, Any]) -> dict[str, Any]:
        try:
            Training.model_validate(training)
        except ValidationError as error:
            items = error.errors(include_url=False, include_context=False)
            raise ValueError("; ".join(_refusal(item) for item in items)) from None
        return training

    @property
    def is_encoder(self) -> bool:
        """Whether the student is a classifier on an encoder."""
        return self.kind == "encoder"

    @property
    def num_layers(self) -> int:
        """How many layers it keeps; 0: all."""
        return self.layers or (0 if isinstance(self.cut.layers, str) else len(self.cut.layers))

    @property
    def is_cut(self) -> bool:
        """Whether it is less than its base model, or begins as another."""
        return bool(self.layers) or not self.cut.is_plain

    @property
    def cut_in_words(self) -> str:
        """What it keeps of its base, for people: "24 layers, 50 % of the neurons"; empty for all."""
        shares = {"neurons": self.cut.feed_forward, "heads": self.cut.heads}
        parts = [f"{self.num_layers} layers"] if self.num_layers else []
        return ", ".join(parts + [f"{share:.0%} of the {what}" for what, share in shares.items() if share < 1])

    @property
    def display_name(self) -> str:
        """Its name for people, and in the labels of a run's stages."""
        return self.name or Path(short_name(self.model)).stem

    @property
    def initial_identity(self) -> dict[str, object]:
        """What decides the untrained student, besides the files of its base model and what becomes of reasoning."""
        return {"layers": self.layers, "chat_template": self.template, **self.template_arguments}

    @property
    def template_arguments(self) -> dict[str, object]:
        """What the chat template is told, as far as the recipe sets it."""
        told = {"chat_template_kwargs": self.chat_template_kwargs, "template_date": self.template_date}
        return {name: value for name, value in told.items() if value != type(self).model_fields[name].default}

    @property
    def template(self) -> str | None:
        """The Jinja chat template that replaces the base model's; None keeps that."""
        return MINIMAL_CHATML if self.chat_template == "minimal" else None


def _refusal(item: Any) -> str:
    path = ".".join(str(name) for name in item["loc"])
    return f"{path}: " + ("unknown field" if item["type"] == "extra_forbidden" else f"{item['input']!r}: {item['msg']}")
