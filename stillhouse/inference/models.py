"""Models and their checkpoints, identified by their content and not by their path.

Every fingerprint and completion key that involves a model depends on this.
"""

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field

from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.artifacts.hash_memory import HashMemory
from stillhouse.completions.key import teacher_fingerprint
from stillhouse.config import StrictModel, execution, identity
from stillhouse.errors import ModelError
from stillhouse.recipe.endpoint import Endpoint
from stillhouse.recipe.teacher import ServedModel

# the files by which a model's prompts are rendered and cut into tokens
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
)
# the files that decide a model's completions; others in its folder (cards, logs) do not
_IDENTITY_FILES = (
    "config.json",
    "generation_config.json",
    *TOKENIZER_FILES,
    "quantize_config.json",
    "hf_quant_config.json",
    "adapter_config.json",  # transformers then adds the adapter to the weights
)
# further templates of a tokenizer, as for prompts with tools
TEMPLATES = "additional_chat_templates/*.jinja"
# vocabularies that are read only where tokenizer.json is missing
OTHER_VOCABULARIES = ("tekken.json", "spiece.model", "vocab.txt")
# where there are weights in Mistral's own format, vLLM takes these for config.json and tokenizer.json
_MISTRAL_WEIGHTS = "consolidated*.safetensors"
_MISTRAL = ("params.json", "tekken.json", "tokenizer.model.v*")


class Model(StrictModel):
    """A model and what identifies it."""

    kind: Literal["folder", "gguf", "hub", "endpoint"]
    path: str = execution(..., "folder or file on this machine, or the hub's or an endpoint's name for it")
    revision: str = ""
    files: dict[str, str] = Field({})  # file name -> SHA-256, for local models
    hub_name: str = ""
    called: str = execution("", "a name for people, of a model whose folder has none")

    @property
    def name(self) -> str:
        """The model's name for people."""
        if self.called:
            return self.called
        return Path(self.path).stem if self.kind == "gguf" else Path(self.path).name


class Checkpoint(StrictModel):
    """A model ready to load, or to be requested from an endpoint."""

    model: Model
    path: str  # what an engine loads, or the endpoint's name for the model
    ref: ArtifactRef | None = None  # the artifact at `path`, for a converted file
    refusal: str = ""  # why this machine can't serve it; an engine is refused, what it has answered is not
    served: dict[str, Any] = Field({})  # what identifies a model behind an endpoint, whose files nobody here has

    @classmethod
    def behind(cls, endpoint: Endpoint, name: str, revision: str) -> Self:
        """Return the model that an endpoint serves by `name`."""
        model = Model(kind="endpoint", path=name, revision=revision)
        return cls(model=model, path=name, served=endpoint.model_identity(name, revision))

    @property
    def identity(self) -> Any:
        """What enters fingerprints: the content of the named files, or what an endpoint calls the model."""
        return {"endpoint": self.served} if self.served else identity(self.model)

    @property
    def inputs(self) -> dict[str, ArtifactRef]:
        """The artifact as a stage's input; empty if the files are the user's own."""
        return {"checkpoint": self.ref} if self.ref else {}

    def fingerprint_as(self, config: ServedModel) -> str:
        """Return what the completions of a teacher or a judge are stored under, loaded as `config` says."""
        return teacher_fingerprint(self.identity, config.dtype, config.quantization, config.engine.answers_identity)

    def is_same_model(self, other: "Checkpoint") -> bool:
        """Return whether both are one model: by their files if both have files, else by name."""
        if self.model.files and other.model.files:
            return self.model.files == other.model.files
        return self.model.name.casefold() == other.model.name.casefold()


def identify(name: str, revision: str, hashes: HashMemory) -> Model:
    """Return the model that `name` means: an existing folder, an existing .gguf file, or a hub's owner/name.

    Raises:
        ModelError: the path does not exist, is no model folder, or holds weights in a format that can run code.
    """
    path = Path(name).expanduser()
    if path.is_file():
        if path.suffix != ".gguf":
            raise ModelError(
                f"Model {name} is a file, but no .gguf file. Name a .gguf file, a model's folder or a hub's name."
            )
        return Model(kind="gguf", path=str(path.absolute()), files={"gguf": hashes.sha256(path)})
    if path.is_dir():
        return _folder(path, hashes)
    if _looks_like_path(name):
        raise ModelError(
            f"Model {name} does not exist (looked for {path.absolute()}). Name an existing folder or .gguf file, or a "
            "hub's owner/name."
        )
    return Model(kind="hub", path=name, hub_name=name, revision=revision or "main")


def is_hub_name(name: str) -> bool:
    """Return whether `name` means a hub's model: nothing on this machine, and no run's student."""
    return not (Path(name).expanduser().exists() or _looks_like_path(name) or ":" in name or name.endswith(".onnx"))


def _looks_like_path(name: str) -> bool:
    return name.startswith((".", "/", "~")) or name.endswith(".gguf") or name.count("/") != 1


def _folder(path: Path, hashes: HashMemory) -> Model:
    weights = sorted(path.glob("*.safetensors"))
    if not (path / "config.json").is_file() or not weights:
        names = ", ".join(sorted(entry.name for entry in path.iterdir())[:8]) or "nothing"
        raise ModelError(
            f"Model folder {path} holds {names}; it needs config.json and *.safetensors (pickled weights are refused)."
        )
    files = {file.relative_to(path).as_posix(): hashes.sha256(file) for file in [*_described_by(path), *weights]}
    return Model(kind="folder", path=str(path.absolute()), files=files)


def _described_by(path: Path) -> list[Path]:
    """Return the files of a folder that decide its model's answers beside the weights."""
    vocabularies = () if (path / "tokenizer.json").is_file() else OTHER_VOCABULARIES
    mistral = _MISTRAL if any(path.glob(_MISTRAL_WEIGHTS)) else ()
    names = [*_IDENTITY_FILES, *vocabularies, *mistral, TEMPLATES]
    return [file for name in names for file in sorted(path.glob(name)) if file.is_file()]
