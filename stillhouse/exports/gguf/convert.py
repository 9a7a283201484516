"""A trained student as one GGUF file, by gguf's own writer."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from gguf import GGML_QUANT_VERSION, MODEL_ARCH, MODEL_ARCH_NAMES, GGUFWriter, LlamaFileType

from stillhouse.exports.convert import Converted
from stillhouse.exports.gguf.families import family_of
from stillhouse.exports.gguf.files import MODEL, MODELFILE
from stillhouse.exports.gguf.modelfile import modelfile
from stillhouse.exports.gguf.prompts import adds_bos, check_stops, choose_words, name_of, write_prompts
from stillhouse.exports.gguf.settings import rope_tensors, write_settings
from stillhouse.exports.gguf.vocabulary import read_vocabulary
from stillhouse.exports.gguf.weights import Weights
from stillhouse.exports.tokenizer_files import copy_tokenizer
from stillhouse.inference.loading import load_config, load_tokenizer

if TYPE_CHECKING:
    from pathlib import Path

    from stillhouse.exports.convert import Conversion

_FILE_TYPES = {
    "f16": LlamaFileType.MOSTLY_F16,
    "q8_0": LlamaFileType.MOSTLY_Q8_0,
    "q4_0": LlamaFileType.MOSTLY_Q4_0,
}


def convert(job: Conversion) -> Converted:
    """Write model.gguf, the student's own tokenizer files and a Modelfile for Ollama into `job.out`.

    Raises:
        ModelError: the student is of a family or has a tokenizer that llama.cpp does not compute as it was trained.
    """
    config, tokenizer = load_config(str(job.student)), load_tokenizer(str(job.student))
    stops = training_stops(job.student, tokenizer)
    write_gguf(job, config, tokenizer, stops)
    check_stops(job.out / MODEL, tokenizer, stops)
    copy_tokenizer(job.student, job.out)
    ends = tokenizer.convert_ids_to_tokens(stops)
    (job.out / MODELFILE).write_text(modelfile(tokenizer, ends, adds_bos=adds_bos(tokenizer)), encoding="utf-8")
    return Converted(weights=[MODEL], tools=["gguf", "xllamacpp"])


def write_gguf(job: Conversion, config: Any, tokenizer: Any, stops: list[int]) -> None:
    """Write the file itself."""
    family = family_of(config)
    vocabulary = read_vocabulary(tokenizer, config.vocab_size)
    words = choose_words(tokenizer, vocabulary, config.model_type, job.work)
    writer = GGUFWriter(None, MODEL_ARCH_NAMES[MODEL_ARCH[family.arch]])
    writer.add_type("model")
    writer.add_name(name_of(tokenizer, family))
    writer.add_file_type(_FILE_TYPES[job.precision])
    writer.add_quantization_version(GGML_QUANT_VERSION)
    write_settings(writer, config, family)
    vocabulary.write(writer, words)
    write_prompts(writer, tokenizer, stops)
    with ExitStack() as stack:
        weights = Weights(job.student, config, family, stack)
        weights.write(writer, rope_tensors(config), job.precision, job.out / MODEL)


def training_stops(student: Path, tokenizer: Any) -> list[int]:
    """Return the tokens at which a trained student's answers end."""
    from transformers import GenerationConfig

    from stillhouse.students.tokens import stop_ids

    return sorted(stop_ids(GenerationConfig.from_pretrained(student), tokenizer))
