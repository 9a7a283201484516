"""How a student is trained."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from stillhouse.config import FrozenModel, execution, optional_identity
from stillhouse.recipe.learning_rates import rates_in_words
from stillhouse.recipe.teaching.attention import Attention
from stillhouse.recipe.teaching.hidden_states import HiddenStates
from stillhouse.recipe.teaching.logits import LogitsSettings
from stillhouse.recipe.teaching.on_policy import OnPolicy
from stillhouse.recipe.teaching.preferences import Preferences
from stillhouse.recipe.teaching.reasoning_mix import ReasoningMix


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
    """Where and how training runs. No field is identity."""

    threads: int = execution(0, "CPU threads; 0 takes all cores", ge=0)
    device: Literal["auto", "cpu", "cuda"] = execution("auto", "device to train on")
    processes: int = execution(
        1,
        "processes that share each step's rows, one a GPU; they must divide batch_size x gradient_accumulation, and "
        "change nothing of what a step sees",
        ge=1,
        le=64,
    )
    sharding: Literal["none", "fsdp", "deepspeed"] = execution(
        "none",
        "what several processes hold; none: the whole student each; fsdp, deepspeed: a share of its weights, gradients "
        "and optimizer, on GPUs (profiles in infra/training)",
    )
    gradient_checkpointing: bool | None = execution(
        None, "compute activations again in the backward pass, which takes less memory and more time; null: on GPUs"
    )
    kernels: Literal["torch", "liger"] = execution(
        "torch",
        "liger: fused kernels of liger-kernel for norms, positions and feed-forward layers, on GPUs; the loss is "
        "computed without the logits of all tokens with both",
    )


# listed as files, because the modules import torch
TRAINERS = Path(__file__).parents[1] / "students" / "trainers"
if TYPE_CHECKING:
    TrainingKind = str
else:
    TrainingKind = Literal[tuple(sorted(path.stem for path in TRAINERS.glob("[!_]*.py")))]
# methods that compute with the teacher's weights while the student learns
WITH_TEACHER = frozenset({"on_policy", "hidden_states", "attention"})
# methods that compare numbers of the teacher with the student's token by token
BY_TOKENS = WITH_TEACHER | {"logits"}


class Training(FrozenModel):
    """How the student learns."""

    kind: TrainingKind = optional_identity(
        "sft",
        "training method; sft: supervised fine-tuning on the training examples; logits: also on the teacher's stored "
        "log-probabilities of each token; hidden_states, attention: also on what another model's layers compute; "
        "on_policy: after text, the student answers itself and learns from the teacher's probabilities of its own "
        "words",
    )
    method: Literal["full", "lora", "qlora"] = Field(
        "full",
        description="full: all weights; lora: an adapter that is merged on export; qlora: an adapter on weights that "
        "are held in 4 bits (bitsandbytes, on GPUs), merged into the unquantised ones on export",
    )
    lora: Lora = Lora()
    epochs: float = Field(1.0, gt=0.0, description="passes over the training examples")
    max_steps: int = Field(0, ge=0, description="optimizer steps; 0 takes as many as `epochs` gives")
    learning_rate: float | None = Field(
        None, gt=0.0, description=f"peak learning rate; null follows the student's size: {rates_in_words()}"
    )
    warmup_ratio: float = Field(0.1, ge=0.0, lt=1.0, description="share of the steps in which the learning rate rises")
    scheduler: Literal["linear", "cosine", "constant"] = Field("cosine", description="learning rate after the warm-up")
    batch_size: int = Field(8, ge=1, description="training examples in one forward pass")
    gradient_accumulation: int = Field(1, ge=1, description="forward passes in one optimizer step")
    weight_decay: float = Field(0.0, ge=0.0, description="weight decay of AdamW")
    optimizer: Literal["adamw", "adamw_8bit", "paged_adamw_8bit"] = optional_identity(
        "adamw",
        "adamw_8bit holds AdamW's two numbers of each weight in 8 bits (bitsandbytes, on GPUs); the paged one moves "
        "them to the machine's memory when a GPU's runs short",
    )
    max_length: int = Field(512, ge=8, description="most tokens of an example; longer ones are dropped and counted")
    packing: bool = Field(False, description="fill each sequence with several training examples")
    precision: Literal["float32", "bfloat16"] | None = Field(
        None,
        description="number type of the forward pass and of the exported weights; null: bfloat16 on GPUs, else float32",
    )
    weights: Literal["float32", "bfloat16"] | None = optional_identity(
        None,
        "number type in which weights are held while they are trained; bfloat16 takes half the memory, and rounds away "
        "changes below 0.4 % of a weight. null: bfloat16 on GPUs for adapters and for students of 1 billion "
        "parameters and more, else float32",
    )
    seed: int = Field(0, ge=0, lt=2**32, description="seed of the order, of dropout and of new weights")
    evaluate_every: int = Field(0, ge=0, description="steps between validation passes; 0: once an epoch")
    save_every: int = Field(50, ge=1, description="steps between checkpoints, from which a killed training continues")
    early_stopping_patience: int = Field(
        3, ge=0, description="validation passes without gain that end training; 0: never"
    )
    reasoning: Literal["drop", "keep", "mix"] = optional_identity(
        "drop",
        "what becomes of the reasoning before an answer; drop: the student learns the answer alone, and is served with "
        "thinking off; keep: it learns to write the reasoning first, where its chat template has a place for it; mix: "
        "long reasoning, short reasoning and the answer alone, by the shares of `reasoning_mix`",
    )
    reasoning_mix: ReasoningMix = optional_identity(ReasoningMix(), "the shares of `reasoning: mix`")
    soft_labels: SoftLabels | None = optional_identity(
        None,
        "learn the teacher's probability of each label beside its answer, for skills with labels; labelled rows keep "
        "their label; null learns the answers alone",
    )
    logits: LogitsSettings = optional_identity(
        LogitsSettings(), "what kind: logits learns of the teacher's log-probabilities, and how"
    )
    preferences: Preferences | None = optional_identity(
        None,
        "a second step: the trained student learns to prefer the better of two of the teacher's samples (direct "
        "preference optimisation); null trains in one step",
    )
    hidden_states: HiddenStates = optional_identity(HiddenStates(), "what `kind: hidden_states` learns, and how")
    attention: Attention = optional_identity(Attention(), "what `kind: attention` learns, and how")
    on_policy: OnPolicy = optional_identity(OnPolicy(), "what kind: on_policy does, and how")
    use_references: bool = Field(True, description="train labelled rows on their reference, without a teacher")
    execution: TrainingExecution = execution(TrainingExecution(), "where training runs")

    @property
    def needs_teacher(self) -> bool:
        """Whether the method computes with the teacher's weights while the student learns."""
        return self.kind in WITH_TEACHER and not (self.learns_from_base or self.asks_server)

    @property
    def unread_sections(self) -> tuple[str, ...]:
        """The settings of other methods that are set, which nothing reads; a sweep over methods has them on purpose."""
        fields = type(self).model_fields
        return tuple(
            name for name in sorted(BY_TOKENS) if name != self.kind and getattr(self, name) != fields[name].default
        )

    @property
    def asks_server(self) -> bool:
        """Whether the method asks a teacher's server for log-probabilities while the student learns."""
        return self.kind == "on_policy" and self.on_policy.teacher == "server"

    @property
    def needs_same_tokens(self) -> bool:
        """Whether each of the student's tokens must mean the same to the teacher."""
        is_bridged = self.kind == "on_policy" and self.on_policy.bridge != "none"
        return self.kind in BY_TOKENS and not (self.learns_from_base or is_bridged)

    @property
    def layer_matching(self) -> HiddenStates | Attention | None:
        """The settings of a method that compares layers; None for others."""
        if self.kind == "hidden_states":
            return self.hidden_states
        return self.attention if self.kind == "attention" else None

    @property
    def learns_from_base(self) -> bool:
        """Whether the method compares the student's layers with those of its own base model."""
        return self.layer_matching is not None and self.layer_matching.source == "base"

    @property
    def has_open_rate(self) -> bool:
        """Whether a learning rate follows the student's size."""
        return self.learning_rate is None or (self.preferences is not None and self.preferences.learning_rate is None)

    @property
    def has_adapter(self) -> bool:
        """Whether an adapter is trained, and the base model's own weights stay as they are."""
        return self.method != "full"

    @property
    def teaches_reasoning(self) -> bool:
        """Whether the student learns to write reasoning before its answer, in its chat template's place for it."""
        return self.reasoning == "keep" or (self.reasoning == "mix" and self.reasoning_mix.place == "block")

    @property
    def reasoning_identity(self) -> dict[str, object]:
        """What the student's chat template is told of reasoning, if anything but the default."""
        return {"reasoning": "keep"} if self.teaches_reasoning else {}
