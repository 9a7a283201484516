"""How many parameters a student has, before its weights are loaded."""

from typing import Any

from stillhouse.inference.loading import known_config
from stillhouse.inference.stored_weights import stored_numbers
from stillhouse.recipe.cut import Cut
from stillhouse.students.cutting.families import FAMILIES
from stillhouse.students.cutting.shape import Shape, cut_shape

WHOLE = Cut()


def num_parameters(path: str, revision: str, layers: int, cut: Cut = WHOLE) -> int | None:
    """Return the parameters of the model in a folder or hub, cut to `layers` (0: whole); None if they are not known.

    A layer counts as one of equal ones: what is not embeddings is shared out among them.

    Raises:
        ModelError: the model can't be cut so.
    """
    stored = stored_numbers(path, revision)
    if not stored:
        return None
    total = sum(stored.values())
    if not layers and cut.is_plain:
        return total
    config = known_config(path, revision)
    if config is None:
        return total
    text = config.get_text_config()
    table, is_tied = text.vocab_size * text.hidden_size, bool(text.tie_word_embeddings)
    embeddings = table * (1 if is_tied else 2)
    if cut.is_plain:
        # more layers than there are is said where the cut is checked
        return int(embeddings + (total - embeddings) * layers // text.num_hidden_layers)
    kept, whole = cut_shape(config, layers, cut), Shape.of(config)
    in_layers = (total - embeddings) * kept.layers // whole.layers - kept.layers * _removed(text, kept, whole)
    tables = {"tied": table, "untied": 2 * table}.get(cut.embeddings, embeddings)
    return int(tables + in_layers)


def _removed(text: Any, kept: Shape, whole: Shape) -> int:
    """Return the weights of linear layers that a layer loses by being narrower."""
    family = FAMILIES.get(text.model_type)
    if family is None:
        return 0
    tables = 1 + len(family.feed_forward.into) * family.feed_forward.times
    heads = 2 * (whole.heads - kept.heads + whole.kv_heads - kept.kv_heads) * whole.head_size
    return int(text.hidden_size * (tables * (whole.neurons - kept.neurons) + heads))
