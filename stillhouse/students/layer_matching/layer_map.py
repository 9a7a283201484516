"""Which of another model's layers each of the student's layers learns; no torch here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stillhouse.errors import ModelError

if TYPE_CHECKING:
    from stillhouse.recipe.training import Training

Pairs = tuple[tuple[int, int], ...]  # layer of the student, and layer of the model that it learns from, both from 0

# model_type of families with latent or without attention, whose layers have no queries, keys and values of each token
UNRELATED_KINDS = frozenset(
    {
        "deepseek_v2",
        "deepseek_v3",
        "deepseek_v32",
        "falcon_mamba",
        "glm4_moe_lite",
        "glm_moe_dsa",
        "kimi_linear",
        "longcat_flash",
        "mamba",
        "mamba2",
        "minicpm3",
        "mistral4",
        "rwkv",
    }
)


def layer_pairs(training: Training, num_student: int, num_source: int) -> Pairs:
    """Return which layers are compared if the student has `num_student` layers and the other model `num_source`.

    even: the student's layer m (from 1) learns layer m * num_source / num_student, rounded half up: TinyBERT's uniform
    map. In a student cut to evenly spaced layers that is, give or take two, the one before the next kept layer, whose
    input it makes.
    last: the i-th last learns the i-th last (PKD-Last); for attention, the last alone (MiniLM).

    Source: Jiao et al., arXiv:1909.10351, section 3; Sun et al., arXiv:1908.09355, section 3; Wang et al.,
    arXiv:2002.10957, section 3.

    Raises:
        ModelError: a list has another length than the student has layers, or a layer that does not exist; or the
            student has more layers than the other model.
    """
    settings = training.layer_matching
    assert settings is not None, "asked of methods that compare layers"
    field, source = f"training.{training.kind}.layers", settings.source
    chosen = settings.layers
    if isinstance(chosen, tuple):
        return _given(chosen, num_student, num_source, field, source)
    if chosen == "last" and training.kind == "attention":
        return ((num_student - 1, num_source - 1),)
    if num_student > num_source:
        raise ModelError(
            f"{field}: {chosen} needs a student of at most the {num_source} layers of its {source}, and it has "
            f"{num_student}: set student.layers to {num_source} or less, or take training.kind: sft."
        )
    if chosen == "last":
        return tuple((layer, layer + num_source - num_student) for layer in range(num_student))
    return tuple(
        (layer, (2 * (layer + 1) * num_source + num_student) // (2 * num_student) - 1) for layer in range(num_student)
    )


def _given(chosen: tuple[int, ...], num_student: int, num_source: int, field: str, source: str) -> Pairs:
    if len(chosen) != num_student:
        raise ModelError(
            f"{field} names {len(chosen)} layers, and the student has {num_student}: name one layer of its {source} "
            "for each, or take the word even."
        )
    if chosen[-1] >= num_source:
        raise ModelError(
            f"{field} names layer {chosen[-1]}, and the {source} has layers 0 to {num_source - 1}: name those."
        )
    return tuple(enumerate(chosen))
