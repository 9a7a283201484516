"""The sentence encoder that a student is compared with: frozen, with logistic regression on its vectors."""

from pydantic import Field

from stillhouse.config import FrozenModel

# the folder of .models/ that `make model` fills
DEMO_ENCODER = "all-MiniLM-L6-v2-int8"


class Encoder(FrozenModel):
    """A sentence encoder as an ONNX file with its tokenizer."""

    model: str = Field(
        DEMO_ENCODER,
        min_length=1,
        description="a folder, an .onnx file with tokenizer.json beside it, or a hub's owner/name. The default is what "
        "`make model` fetches; where it is not there, nothing is measured with an encoder. It knows English: name "
        "another for other languages",
    )
    revision: str = Field("", description="the hub's branch, tag or commit, as for a student")
    licence: str = Field("Apache-2.0", description="as the encoder's card states it; set it with `model`")

    @property
    def is_default(self) -> bool:
        """Whether the recipe names none of its own."""
        return self.model == DEMO_ENCODER
