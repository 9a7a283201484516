"""What of a version leaves for other registries and hubs: its weights as safetensors, what loads them, and its cards.

Nothing else does: no rows, no answers, no report, no recipe, no file that could run code.
"""

from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from stillhouse.artifacts.store import Store
from stillhouse.errors import ModelError
from stillhouse.registry.version import ModelVersion

WEIGHTS = ("*.safetensors", "*.safetensors.index.json")
# what an engine reads beside them; anything else in the folder stays at home
BESIDE = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "chat_template.jinja",
    "preprocessor_config.json",
    "processor_config.json",
    "video_preprocessor_config.json",
    "labels.json",
)
# how a hub calls them
CARDS = {"model_card.md": "README.md", "data_card.md": "data_card.md"}


@dataclass(frozen=True)
class Publication:
    """The files that are published of a version, by the names that they get."""

    version: ModelVersion
    files: dict[str, Path]
    cards: dict[str, str]  # their texts

    @property
    def sizes(self) -> dict[str, int]:
        """Bytes of every file, by name."""
        cards = {name: len(text.encode()) for name, text in self.cards.items()}
        return {name: path.stat().st_size for name, path in self.files.items()} | cards

    def card(self, name: str) -> bytes:
        """Return a card as it is published."""
        return self.cards[name].encode()


def publication_of(store: Store, version: ModelVersion, *, licence: str = "") -> Publication:
    """Return what is published of `version`; `licence` is stated in its card if given.

    Raises:
        ModelError: it holds no weights as safetensors, or its card states no licence where one is to stand.
        StoreError: it is not in the store whole.
    """
    folder = store.fetch(version.student)
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    taken = [name for name in names if any(fnmatch(name, pattern) for pattern in (*WEIGHTS, *BESIDE))]
    if not any(fnmatch(name, WEIGHTS[0]) for name in taken):
        raise ModelError(
            f"{version.reference} has no weights as *.safetensors, and nothing else is published; it has "
            f"{', '.join(names)}."
        )
    cards = {CARDS[name]: text for name, text in version.cards.items() if name in CARDS}
    if licence:
        cards["README.md"] = _with_licence(cards.get("README.md", ""), licence, version)
    return Publication(version, {name: folder / name for name in taken}, cards)


def licence_of(publication: Publication) -> str:
    """Return the licence that the model's card states; empty if none."""
    lines = publication.cards.get("README.md", "").splitlines()
    stated = [line.partition(":")[2].strip() for line in lines if line.startswith("license:")]
    return "" if not stated or stated[0] == "unknown" else stated[0]


def _with_licence(card: str, licence: str, version: ModelVersion) -> str:
    lines = card.splitlines(keepends=True)
    for number, line in enumerate(lines):
        if line.startswith("license:"):
            return "".join([*lines[:number], f"license: {licence}\n", *lines[number + 1 :]])
    raise ModelError(f"The card of {version.reference} has no line `license:` that could state {licence!r}.")
