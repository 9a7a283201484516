"""The student: which weights it starts from and how it is trained."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, ValidationError, field_validator

from stillhouse.config import FrozenModel, execution, optional_identity, provenance
from stillhouse.recipe.chat_template import (
    DATE_DESCRIPTION,
    DEFAULT_DATE,
    KWARGS_DESCRIPTION,
    TemplateDate,
    TemplateKwargs,
)
from stillhouse.recipe.encoder_student import EncoderTuning

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
    layers: int = Field(0, ge=0, description="number of evenly spaced layers to keep; 0 keeps all")
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
    def display_name(self) -> str:
        """Its name for people, and in the labels of a run's stages."""
        return self.name or Path(self.model).stem

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


class Lora(FrozenModel):
    """Low-rank adaptation. The adapter is merged into the weights on export."""

    r: int = Field(16, ge=1, description="rank")
    alpha: int = Field(32, ge=1, description="numerator of the scale alpha / r")
    dropout: float = Field(0.0, ge=0.0, lt=1.0, description="dropout on the adapter's input")
    target_modules: str | tuple[str, ...] = Field("all-linear", description="module names, or all-linear")


class SoftLabels(FrozenModel):
    """Training on how probable the teacher finds each label, beside the label itself. Every field is identity."""

    weight: float = Field(
        0.5, ge=0.0, le=1.0, description="share of the loss that the probabilities take; 0 trains on the label alone"
    )
    temperature: float = Field(
        1.0,
        ge=1.0,
        le=20.0,
        description="softens the teacher's and the student's choice among labels alike (arXiv:1503.02531); 1 takes "
        "the probabilities as they are, 2 to 4 show more of what a teacher that is nearly certain takes for likely too",
    )


class TrainingExecution(FrozenModel):
    """Where training runs. No field is identity."""

    threads: int = execution(0, "CPU threads; 0 takes all cores", ge=0)
    device: Literal["auto", "cpu", "cuda"] = execution("auto", "device to train on")


# listed as files, because the modules import torch
TRAINERS = Path(__file__).parents[1] / "students" / "trainers"
if TYPE_CHECKING:
    TrainingKind = str
else:
    TrainingKind = Literal[tuple(sorted(path.stem for path in TRAINERS.glob("[!_]*.py")))]


class Training(FrozenModel):
    """How the student learns."""

    kind: TrainingKind = optional_identity(
        "sft", "training method; sft: supervised fine-tuning on the training examples"
    )
    method: Literal["full", "lora"] = Field(
        "full", description="all weights, or a LoRA adapter that is merged on export"
    )
    lora: Lora = Lora()
    epochs: float = Field(1.0, gt=0.0, description="passes over the training examples")
    max_steps: int = Field(0, ge=0, description="optimizer steps; 0 takes as many as `epochs` gives")
    learning_rate: float = Field(5e-4, gt=0.0, description="peak learning rate")
    warmup_ratio: float = Field(0.1, ge=0.0, lt=1.0, description="share of the steps in which the learning rate rises")
    scheduler: Literal["linear", "cosine", "constant"] = Field("cosine", description="learning rate after the warm-up")
    batch_size: int = Field(8, ge=1, description="training examples in one forward pass")
    gradient_accumulation: int = Field(1, ge=1, description="forward passes in one optimizer step")
    weight_decay: float = Field(0.0, ge=0.0, description="weight decay of AdamW")
    max_length: int = Field(512, ge=8, description="most tokens of an example; longer ones are dropped and counted")
    packing: bool = Field(False, description="fill each sequence with several training examples")
    precision: Literal["float32", "bfloat16"] = Field("float32", description="autocast type of the forward pass")
    seed: int = Field(0, ge=0, lt=2**32, description="seed of the order, of dropout and of new weights")
    evaluate_every: int = Field(0, ge=0, description="steps between validation passes; 0: once an epoch")
    save_every: int = Field(50, ge=1, description="steps between checkpoints, from which a killed training continues")
    early_stopping_patience: int = Field(
        3, ge=0, description="validation passes without gain that end training; 0: never"
    )
    reasoning: Literal["drop", "keep"] = optional_identity(
        "drop",
        "what becomes of the reasoning before an answer; drop: the student learns the answer alone, and is served with "
        "thinking off; keep: it learns to write the reasoning first, where its chat template has a place for it",
    )
    soft_labels: SoftLabels | None = optional_identity(
        None,
        "learn the teacher's probability of each label beside its answer, for skills with labels; labelled rows keep "
        "their label; null learns the answers alone",
    )
    use_references: bool = Field(True, description="train labelled rows on their reference, without a teacher")
    execution: TrainingExecution = execution(TrainingExecution(), "where training runs")

    @property
    def reasoning_identity(self) -> dict[str, object]:
        """What becomes of reasoning, if the recipe sets anything but the default."""
        return {} if self.reasoning == "drop" else {"reasoning": self.reasoning}
