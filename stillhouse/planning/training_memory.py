"""The memory that training a student takes of a device. Calculated: no training on a GPU was measured."""

from typing import Any, Literal

from stillhouse.config import StrictModel
from stillhouse.recipe.cut import Cut
from stillhouse.recipe.processes import share_of_batch
from stillhouse.recipe.training import Training
from stillhouse.reports.numbers import size
from stillhouse.students.cutting.shape import Shape, cut_shape
from stillhouse.students.size import WHOLE

METHODS = ("full", "lora", "qlora")
GIB = 2**30
# CUDA itself and what torch's allocator can't use: assumed
_OF_THE_DEVICE = GIB
_NUMBER_BYTES = {"float32": 4, "bfloat16": 2}
# of a number in 4 bits, with its share of the scales
_FOUR_BITS = 0.52
# an adapter is trained in float32: weight, gradient and AdamW's two numbers
_ADAPTER_BYTES = 16
# tokens whose logits, and their gradients, are in memory at once
_LOGIT_TOKENS = 256


class StudentShape(StrictModel):
    """What the memory of a training depends on, besides its settings."""

    parameters: int
    layers: int
    hidden_size: int
    intermediate_size: int
    projected_size: int  # of a layer's queries, keys and values together
    vocabulary: int
    is_tied: bool  # the output layer is the embeddings

    @classmethod
    def of(cls, config: Any, parameters: int, layers: int = 0, cut: Cut = WHOLE) -> "StudentShape":
        """Return the shape by a model's configuration; `layers` other than 0 says how many are kept, `cut` what else.

        Raises:
            ModelError: the model can't be cut so.
        """
        text = config.get_text_config()
        kept = Shape.of(config) if cut.is_plain else cut_shape(config, layers, cut)
        return cls(
            parameters=parameters,
            layers=layers or kept.layers,
            hidden_size=text.hidden_size,
            intermediate_size=kept.neurons,
            projected_size=(kept.heads + 2 * kept.kv_heads) * kept.head_size,
            vocabulary=text.vocab_size,
            is_tied=bool(getattr(text, "tie_word_embeddings", False)),
        )

    @property
    def num_embeddings(self) -> int:
        """Numbers of the embeddings and the output layer."""
        return self.vocabulary * self.hidden_size * (1 if self.is_tied else 2)

    def num_adapter(self, rank: int) -> int:
        """Return the numbers of an adapter on all linear layers."""
        # of each linear layer its inputs and outputs: queries, keys, values and what joins the heads
        attention = 5 * self.hidden_size + self.projected_size
        feed_forward = 3 * (self.hidden_size + self.intermediate_size)
        return self.layers * rank * (attention + feed_forward)


class TrainingMemory(StrictModel):
    """What a training takes of a device, and what the other methods would take."""

    student: str
    method: str
    needed_bytes: int
    others: dict[str, int]  # method -> bytes
    available_bytes: int
    on_gpu: bool
    verdict: Literal["fits", "may not fit"]  # what is calculated refuses nothing


def training_bytes(shape: StudentShape, training: Training, beside: int = 0) -> int:
    """Return the bytes of a training on one device, with settled settings and the longest examples.

    `beside` are the parameters of another model that the method only reads.
    """
    # what is shared out is put together for one layer at a time, which is little beside the rest
    holders = 1 if training.execution.sharding == "none" else training.execution.processes
    parts = [_weights(shape, training) / holders, _activations(shape, training), _LOGIT_TOKENS * shape.vocabulary * 8]
    return int(sum(parts)) + beside * _NUMBER_BYTES[training.precision or "float32"] + _OF_THE_DEVICE


def reckon_training(
    student: str, shape: StudentShape, training: Training, available: int, *, on_gpu: bool, beside: int = 0
) -> TrainingMemory:
    """Return the memory of a student's training, whose settings are settled, and that of the other methods."""
    ways = {method: training.model_copy(update={"method": method}) for method in METHODS}
    needed = {method: training_bytes(shape, way, beside) for method, way in ways.items()}
    own = needed.pop(training.method)
    if not on_gpu:
        needed.pop("qlora", None)
    return TrainingMemory(
        student=student,
        method=training.method,
        needed_bytes=own,
        others=needed,
        available_bytes=available,
        on_gpu=on_gpu,
        verdict="fits" if own <= available else "may not fit",
    )


def training_line(memory: TrainingMemory) -> str:
    """Return it in one line."""
    where = "the GPU" if memory.on_gpu else "this machine"
    others = ", ".join(f"{method} about {size(amount)}" for method, amount in memory.others.items())
    return (
        f"Training of {memory.student} ({memory.method}): about {size(memory.needed_bytes)} of {where}'s "
        f"{size(memory.available_bytes)} with the longest examples: {memory.verdict}. Other methods: {others}."
    )


def _weights(shape: StudentShape, training: Training) -> float:
    """Return the bytes of weights, gradients and the optimizer's numbers."""
    number = _NUMBER_BYTES[training.weights or "float32"]
    adapter = shape.num_adapter(training.lora.r) * _ADAPTER_BYTES
    if training.method == "lora":
        return shape.parameters * number + adapter
    if training.method == "qlora":
        return shape.num_embeddings * number + (shape.parameters - shape.num_embeddings) * _FOUR_BITS + adapter
    # AdamW's two numbers of each weight; the paged ones can go to the machine's memory, and count all the same
    state = 2 * number if training.optimizer == "adamw" else 2
    return shape.parameters * (2 * number + state)


def _activations(shape: StudentShape, training: Training) -> float:
    """Return the bytes that the forward pass keeps for the backward one; attention keeps no scores of all pairs."""
    number = _NUMBER_BYTES[training.precision or "float32"]
    share = share_of_batch(training)
    rows = training.batch_size if share is None else share[0]  # of each process; None is refused before work
    tokens = rows * training.max_length
    # inputs of norms, attention and linear layers, and what lies between gate, up and down: within 12 % of what torch
    # keeps on a CPU, for five shapes of Llama's and Phi-3's kind in both types
    layer = 8 * shape.hidden_size + 2 * shape.projected_size + 4 * shape.intermediate_size
    if training.execution.gradient_checkpointing:
        # the input of each layer, and one layer at a time with its gradients
        return float(tokens * number * (shape.layers * shape.hidden_size + 2 * layer))
    return float(tokens * number * shape.layers * layer)
