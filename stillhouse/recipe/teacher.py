"""The teacher: which model, what it is shown, how it is sampled, and how its engine runs."""

from pathlib import PurePosixPath
from typing import Any, Literal

from pydantic import Field, model_validator

from stillhouse.config import FrozenModel, execution, provenance
from stillhouse.recipe.costs import Price
from stillhouse.recipe.endpoint import Endpoint
from stillhouse.recipe.terms import TERMS
from stillhouse.skills.prompts import TeacherPrompt

Dtype = Literal["auto", "bfloat16", "float16", "float32"]


class Sampling(FrozenModel):
    """How completions are drawn; all of it is identity."""

    n: int = Field(1, ge=1, le=64, description="completions a prompt")
    temperature: float = Field(0.0, ge=0.0, le=5.0, description="0 is greedy")
    top_p: float = Field(1.0, gt=0.0, le=1.0, description="nucleus mass")
    top_k: int = Field(0, ge=0, description="0 keeps all tokens")
    max_tokens: int = Field(64, ge=1, description="completion tokens at most")
    stop: tuple[str, ...] = Field((), description="texts that end a completion")
    seed: int = Field(0, ge=0, description="base seed; completion i of a prompt uses seed + i")
    logprobs: int = Field(0, ge=0, le=20, description="top-k logprobs kept a token; 0 keeps the chosen token's only")

    @model_validator(mode="after")
    def _several_need_temperature(self) -> "Sampling":
        if self.n > 1 and self.temperature == 0.0:
            raise ValueError("n > 1 with temperature 0 gives n equal answers; raise the temperature or set n to 1")
        return self


class Output(FrozenModel):
    """The form a completion is held to while it is decoded."""

    kind: Literal["skill", "free", "choice", "regex", "json_schema"] = Field(
        "skill", description="skill: as the skill says (a classification: one of its labels)"
    )
    choice: tuple[str, ...] = Field((), description="allowed answers, for kind choice")
    regex: str = Field("", description="pattern, for kind regex")
    json_schema: dict[str, Any] = Field({}, description="JSON schema, for kind json_schema")

    @model_validator(mode="after")
    def _kind_has_its_value(self) -> "Output":
        for name in ("choice", "regex", "json_schema"):
            if bool(getattr(self, name)) != (self.kind == name):
                raise ValueError(f"`{name}` goes with kind: {name}; kind is {self.kind}")
        return self


class Engine(FrozenModel):
    """How a vLLM engine runs; nothing here changes an answer's key."""

    max_num_seqs: int = execution(0, "sequences decoded together; 0 chooses by the job's size", ge=0)
    mode: Literal["auto", "eager", "compiled"] = execution("auto", "auto compiles only jobs large enough to repay it")
    kv_cache_gib: float = execution(0.0, "KV cache in GiB; 0 sizes it by the job", ge=0.0)
    max_model_len: int = execution(0, "tokens a sequence may have; 0 sizes it by the job", ge=0)
    gpu_memory_utilization: float = execution(0.9, "share of a GPU's memory the engine takes", gt=0.0, le=1.0)
    tensor_parallel: int = execution(1, "GPUs one replica spans", ge=1)
    prefix_caching: bool = execution(True, "share the KV cache of equal prompt beginnings")
    threads: int = execution(0, "OpenMP threads on a CPU; 0 takes all cores", ge=0)
    segment_seconds: float = execution(5.0, "answers are stored at least this often", gt=0.0, le=10.0)


class ServedModel(FrozenModel):
    """A model that generates: vLLM serves it here, or it is behind an OpenAI-compatible endpoint."""

    model: str = Field(description="local folder, GGUF file or hub name; with an endpoint, the model's name there")
    revision: str = Field(
        "",
        description="hub revision; ignored for local files, which are known by their content. With an endpoint, your "
        "own mark of what it serves by this name: another mark asks anew",
    )
    endpoint: Endpoint | None = Field(None, description="ask the model over an API; none serves it here with vLLM")
    dtype: Dtype = Field("bfloat16", description="number type of weights and activations")
    quantization: str = Field("", description="vLLM quantisation method; empty as the model says")
    licence: str = provenance("unknown", "licence of the model, carried to the cards")
    accept_terms: str = provenance(
        "",
        "the name of the terms of use that you have agreed with their owner to train on its answers, where they forbid "
        "it: " + ", ".join(TERMS),
        pattern=f"^({'|'.join(TERMS)})?$",
    )
    price: Price | None = provenance(
        None, "what it charges for tokens; none takes an API provider's list price, or costs.teacher_usd_per_hour"
    )
    sampling: Sampling = Sampling()
    engine: Engine = execution(Engine(), "how the engine runs")


class Teacher(ServedModel):
    """One teacher: a model that vLLM serves here, or one behind an OpenAI-compatible endpoint."""

    name: str = provenance(
        "",
        "what routing, log and report call it, where there are several; empty takes the last part of `model`",
        pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,59})?$",
    )
    prompt: TeacherPrompt = TeacherPrompt()
    output: Output = Output()
    calibration: Literal["none", "batch"] = Field(
        "none",
        description="batch: answer with the label whose log-probability lies highest above its mean over the training "
        "prompts, which takes out a small model's liking for some labels (Batch Calibration, arXiv:2309.17249)",
    )
    replicas: int = execution(
        1,
        "engines that share the prompts: on the Ray cluster that STILLHOUSE_RAY_ADDRESS names, and without it one "
        "after the other on this machine",
        ge=1,
        le=64,
    )

    @property
    def display_name(self) -> str:
        """Its name, or the last part of its model's."""
        return self.name or PurePosixPath(self.model).name.removesuffix(".gguf")

    @property
    def as_measured(self) -> "Teacher":
        """The teacher as it is measured on test rows: asked as for its lessons, for one answer a row."""
        return self.model_copy(update={"sampling": self.sampling.model_copy(update={"n": 1, "logprobs": 0})})

    @model_validator(mode="after")
    def _calibration_has_label_scores(self) -> "Teacher":
        if self.calibration == "batch" and (self.output.kind != "skill" or self.sampling.n > 1):
            raise ValueError("calibration: batch needs output.kind: skill and sampling.n: 1, one scored label a prompt")
        return self
