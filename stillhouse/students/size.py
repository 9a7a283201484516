"""How many parameters a student has, before its weights are loaded."""

from stillhouse.inference.loading import known_config
from stillhouse.inference.stored_weights import stored_numbers


def num_parameters(path: str, revision: str, layers: int) -> int | None:
    """Return the parameters of the model in a folder or hub, cut to `layers` (0: whole); None if they are not known.

    A layer counts as one of equal ones: what is not embeddings is shared out among them.
    """
    stored = stored_numbers(path, revision)
    if not stored:
        return None
    total = sum(stored.values())
    if not layers:
        return total
    config = known_config(path, revision)
    if config is None:
        return total
    text = config.get_text_config()
    embeddings = text.vocab_size * text.hidden_size * (1 if text.tie_word_embeddings else 2)
    return int(embeddings + (total - embeddings) * layers // text.num_hidden_layers)
