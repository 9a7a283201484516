"""The teacher: its model, its prompt, its sampling, and how its engine runs."""

from typing import Any, Literal

from pydantic import Field, model_validator

from stillhouse.config import FrozenModel, execution, optional_identity, provenance
from stillhouse.recipe.chat_template import (
    DATE_DESCRIPTION,
    DEFAULT_DATE,
    KWARGS_DESCRIPTION,
    TemplateDate,
    TemplateKwargs,
)
from stillhouse.recipe.costs import Price
from stillhouse.recipe.endpoint import Endpoint
from stillhouse.recipe.engine import Engine
from stillhouse.recipe.model_name import short_name
from stillhouse.recipe.terms import TERMS
from stillhouse.skills.prompts import TeacherPrompt

Dtype = Literal["auto", "bfloat16", "float16", "float32"]


class Sampling(FrozenModel):
    """How completions are sampled. Every field is identity."""

    n: int = Field(1, ge=1, le=64, description="completions of each prompt")
    temperature: float = Field(0.0, ge=0.0, le=5.0, description="sampling temperature; 0 is greedy")
    top_p: float = Field(1.0, gt=0.0, le=1.0, description="nucleus mass")
    top_k: int = Field(0, ge=0, description="0 keeps all tokens")
    max_tokens: int = Field(64, ge=1, description="most tokens of a completion")
    stop: tuple[str, ...] = Field((), description="texts that end a completion")
    seed: int = Field(0, ge=0, lt=2**32, description="base seed; completion i of a prompt uses seed + i")
    logprobs: int = Field(
        0, ge=0, le=20, description="top-k log-probabilities stored a token; 0 stores only the chosen token's"
    )

    @model_validator(mode="after")
    def _several_need_temperature(self) -> "Sampling":
        if self.n > 1 and self.temperature == 0.0:
            raise ValueError(
                f"n: {self.n} with temperature 0 gives equal answers: raise the temperature, or set n to 1"
            )
        return self


class Output(FrozenModel):
    """The form that decoding enforces on a completion."""

    kind: Literal["skill", "free", "choice", "regex", "json_schema"] = Field(
        "skill",
        description="skill: the skill decides (a classification: one of its labels); free: no form; choice, regex, "
        "json_schema: the field of that name",
    )
    choice: tuple[str, ...] = Field((), description="allowed answers, for kind choice")
    regex: str = Field("", description="pattern, for kind regex")
    json_schema: dict[str, Any] = Field({}, description="JSON schema, for kind json_schema")

    @model_validator(mode="after")
    def _kind_has_its_value(self) -> "Output":
        for name in ("choice", "regex", "json_schema"):
            if bool(getattr(self, name)) != (self.kind == name):
                raise ValueError(f"kind: {name} and `{name}` need each other: set both or neither; kind is {self.kind}")
        return self


class ServedModel(FrozenModel):
    """A model that answers prompts: a teacher or a judge. vLLM serves it here, or it is behind an endpoint."""

    model: str = Field(description="local folder, GGUF file or hub name; with an endpoint, the model's name there")
    revision: str = Field(
        "",
        description="the hub's branch, tag or commit; a branch or tag stays at the commit of its first run in a store. "
        "Ignored for local files, which are identified by their content. With an endpoint, "
        "your own mark of what it serves under this name: with another mark every prompt is asked again",
    )
    endpoint: Endpoint | None = Field(None, description="ask the model over an API; null serves it here with vLLM")
    dtype: Dtype = Field("bfloat16", description="number type of weights and activations")
    quantization: str = Field("", description="vLLM quantisation method; empty takes the model's own")
    chat_template_kwargs: TemplateKwargs = optional_identity(
        {},
        KWARGS_DESCRIPTION + ". Behind an endpoint they are sent as chat_template_kwargs, which vLLM and like servers "
        "take; other providers have fields of their own, for endpoint.extra_body",
    )
    template_date: TemplateDate = optional_identity(DEFAULT_DATE, DATE_DESCRIPTION)
    licence: str = provenance("unknown", "licence of the model, shown on the cards")
    accept_terms: str = provenance(
        "",
        "your statement that these terms of use, which forbid training on the model's answers, do not bind you: "
        + ", ".join(TERMS)
        + ". A judge needs it only if it chooses training examples",
        pattern=f"^({'|'.join(TERMS)})?$",
    )
    price: Price | None = provenance(
        None, "price of its tokens; null takes the API provider's list price, or costs.teacher_usd_per_hour"
    )
    sampling: Sampling = Sampling()
    engine: Engine = execution(Engine(), "how the engine runs")


class Teacher(ServedModel):
    """A model whose answers the student learns from."""

    name: str = provenance(
        "",
        "what routing, log and report call it if there are several; empty takes the last part of `model`",
        pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,59})?$",
    )
    prompt: TeacherPrompt = TeacherPrompt()
    output: Output = Output()
    calibration: Literal["none", "batch"] = Field(
        "none",
        description="batch: answer with the label whose log-probability exceeds its mean over the training prompts the "
        "most. It removes a small model's bias towards some labels (Batch Calibration, arXiv:2309.17249)",
    )
    replicas: int = execution(
        1,
        "engines that share the prompts, on the Ray cluster that STILLHOUSE_RAY_ADDRESS names; without a cluster on "
        "the GPUs of this machine, as many at once as fit beside each other, or one after the other",
        ge=1,
        le=64,
    )

    @property
    def display_name(self) -> str:
        """The teacher's name, or the last part of its model's name."""
        return self.name or short_name(self.model).removesuffix(".gguf")

    @property
    def as_evaluated(self) -> "Teacher":
        """The teacher as it is evaluated on test rows: the same settings, with one answer a row."""
        return self.model_copy(update={"sampling": self.sampling.model_copy(update={"n": 1, "logprobs": 0})})

    @model_validator(mode="after")
    def _calibration_has_label_scores(self) -> "Teacher":
        if self.calibration == "batch" and (self.output.kind != "skill" or self.sampling.n > 1):
            raise ValueError(
                "calibration: batch needs one scored label a prompt: set output.kind to skill and sampling.n to 1, or "
                "calibration to none"
            )
        return self
