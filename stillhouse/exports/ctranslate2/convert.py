"""A trained student in CTranslate2's form, by its own converter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctranslate2.converters import TransformersConverter

from stillhouse.exports.convert import Converted
from stillhouse.exports.ctranslate2.families import check_family
from stillhouse.exports.ctranslate2.files import MODEL, WEIGHTS
from stillhouse.exports.tokenizer_files import copy_tokenizer
from stillhouse.inference.loading import Loading, load_config

if TYPE_CHECKING:
    from stillhouse.exports.convert import Conversion


def convert(job: Conversion) -> Converted:
    """Write the model into a folder of its own, beside the student's tokenizer files.

    Raises:
        ModelError: the converter does not know the student's family, or something of this student.
    """
    check_family(load_config(str(job.student)))
    with Loading("CTranslate2 can't convert this student", "Export it to another format"):
        converter = TransformersConverter(str(job.student), low_cpu_mem_usage=True)
        converter.convert(str(job.out / MODEL), quantization=job.precision)
    copy_tokenizer(job.student, job.out)
    return Converted(weights=[f"{MODEL}/{WEIGHTS}"], tools=["ctranslate2"])
