"""Takes out personal data with a fixed form: e-mail, phone, card, IBAN, IP address, US social security number.

Names and addresses have no fixed form and are not found. Digits alone are no evidence: sums, versions, code, dates and
orders stay.
"""

import functools
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson
import pyarrow as pa

from stillhouse.data.parquet_io import TableWriter, batches
from stillhouse.data.pii_card import card_numbers
from stillhouse.data.pii_ip import ip_addresses
from stillhouse.data.pii_phone import phone_numbers
from stillhouse.data.pii_sum import is_operand
from stillhouse.data.pii_words import PHONE_WORD
from stillhouse.data.row import Messages, content_sha256
from stillhouse.data.turns import messages_array, turns_of

_BY_PATTERN = {"EMAIL_ADDRESS": "<EMAIL>", "IBAN_CODE": "<IBAN>", "US_SSN": "<SSN>"}  # presidio's names
_BY_EVIDENCE = {"<CARD>": card_numbers, "<PHONE>": phone_numbers, "<IP>": ip_addresses}
_LEAST_SCORE = 0.3  # presidio's, of at most 1: below are patterns that need a word beside them
_PATH_AFTER = re.compile(r":[\w~./-]*/")  # git@example.com:team/tool.git is where code lies
_WORTH_A_LOOK = re.compile(r"@|\d(?:[^\w\n]{0,3}\w){5}|::|\d\.\d")  # all that has a fixed form holds one of these


def redact(text: str, counts: Counter[str]) -> str:
    """Return `text` with each finding replaced by its mark, such as <EMAIL>; they are added to `counts` by mark."""
    if not _WORTH_A_LOOK.search(text):
        return text
    clean, marks = _marked(text)
    counts.update(marks)
    return clean


def redact_json(value: Any, counts: Counter[str], field: str = "") -> Any:
    """Return plain JSON with each text in it redacted, the names of fields aside; `field` is the value's own."""
    if isinstance(value, dict):
        return {name: redact_json(item, counts, name) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact_json(item, counts, field) for item in value]
    if isinstance(value, str):
        return _redact_value(value, counts, field)
    if isinstance(value, int) and not isinstance(value, bool):  # a card or a phone number may be stored as a number
        clean = _redact_value(str(value), counts, field)
        return value if clean == str(value) else clean
    return value


def _redact_value(text: str, counts: Counter[str], field: str) -> str:
    """Return `text` redacted; a field such as "phone_number" is evidence for the digits in it."""
    label = f"{field.replace('_', ' ')}: "
    return redact(label + text, counts)[len(label) :] if PHONE_WORD.search(label) else redact(text, counts)


class Finding(NamedTuple):
    """A piece of a text that is personal data, and its mark."""

    start: int
    end: int
    mark: str


@functools.lru_cache(maxsize=1024)  # a teacher's prompts share their instruction and examples
def _marked(text: str) -> tuple[str, tuple[str, ...]]:
    end = 0
    pieces, marks = [], []
    for found in sorted(_without_overlaps(_findings(text))):
        marks.append(found.mark)
        pieces += [text[end : found.start], found.mark]
        end = found.end
    return "".join([*pieces, text[end:]]), tuple(marks)


def _findings(text: str) -> Iterator[Finding]:
    """Yield what is found, the surest kind first."""
    for recogniser, kinds in _recognisers():
        for found in recogniser.analyze(text, kinds, None) or []:
            if found.score >= _LEAST_SCORE and not _is_other(found.entity_type, text, found.start, found.end):
                yield Finding(found.start, found.end, _BY_PATTERN[found.entity_type])
    for mark, find in _BY_EVIDENCE.items():
        yield from (Finding(start, end, mark) for start, end in find(text))


def _is_other(kind: str, text: str, start: int, end: int) -> bool:
    """Return whether text[start:end] only looks like its kind: an operand of a sum, or a host before a path."""
    return (kind == "US_SSN" and is_operand(text, start, end)) or (
        kind == "EMAIL_ADDRESS" and bool(_PATH_AFTER.match(text, end))
    )


def _without_overlaps(findings: Iterable[Finding]) -> list[Finding]:
    kept: list[Finding] = []
    for found in findings:
        if all(found.end <= other.start or found.start >= other.end for other in kept):
            kept.append(found)
    return kept


def redact_rows(rows: Path, out: Path, counts: Counter[str]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Write the rows of `rows` redacted (turns, references, meta) to `out`; return which rows' turns held a finding.

    A changed row gets the hash of its new content, and a new id if its id was the hash.
    """
    hits: list[bool] = []
    with TableWriter(out) as table:
        for batch in batches(rows):
            messages = turns_of(batch.column("messages"))
            clean = [[_redact_turn(turn, counts) for turn in turns] for turns in messages]
            changed = [before != after for before, after in zip(messages, clean, strict=True)]
            hits += changed
            table.write(_replaced(batch, clean, changed, counts))
    return np.array(hits, dtype=bool)


def _replaced(
    batch: pa.RecordBatch, clean: list[Messages], changed: list[bool], counts: Counter[str]
) -> pa.RecordBatch:
    ids, digests = batch.column("id").to_pylist(), batch.column("content_sha256").to_pylist()
    tools = batch.column("tools")
    for index in np.flatnonzero(changed):
        old = digests[index]
        digests[index] = content_sha256(clean[index], tools[int(index)].as_py())
        if ids[index] == old[:16]:
            ids[index] = digests[index][:16]
    references = [[redact(text, counts) for text in texts] for texts in batch.column("references").to_pylist()]
    meta = [text if text == "{}" else _redact_meta(text, counts) for text in batch.column("meta").to_pylist()]
    columns = {
        "id": pa.array(ids, pa.string()),
        "content_sha256": pa.array(digests, pa.string()),
        "messages": messages_array(clean),
        "references": pa.array(references, pa.list_(pa.string())),
        "meta": pa.array(meta, pa.string()),
    }
    arrays = [columns.get(name, batch.column(name)) for name in batch.schema.names]
    return pa.RecordBatch.from_arrays(arrays, schema=batch.schema)


def _redact_turn(turn: dict[str, Any], counts: Counter[str]) -> dict[str, Any]:
    spoken: dict[str, Any] = {name: redact(turn[name], counts) for name in ("content", "reasoning") if name in turn}
    if "tool_calls" in turn:
        functions = redact_json([call["function"] for call in turn["tool_calls"]], counts)
        calls = zip(turn["tool_calls"], functions, strict=True)
        spoken["tool_calls"] = [{**call, "function": function} for call, function in calls]
    return {**turn, **spoken}


def _redact_meta(text: str, counts: Counter[str]) -> str:
    return orjson.dumps(redact_json(orjson.loads(text), counts)).decode() if _WORTH_A_LOOK.search(text) else text


@functools.cache
def _recognisers() -> list[tuple[Any, list[str]]]:
    """Return the recognisers that work by pattern and checksum alone: no language model, no network."""
    import tldextract
    from presidio_analyzer import Pattern
    from presidio_analyzer import predefined_recognizers as known

    suffixes = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)  # the list in the package, never fetched

    class OfflineEmail(known.EmailRecognizer):
        def validate_result(self, pattern_text: str) -> bool:
            return bool(suffixes(pattern_text.rsplit("@", 1)[-1]).top_domain_under_public_suffix)

    # presidio's own pattern takes the letters of a script without spaces for a part of the address
    ascii_form = Pattern(
        "ASCII", r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}(?![A-Za-z0-9-])", 0.5
    )
    email = OfflineEmail([ascii_form, *known.EmailRecognizer.PATTERNS])
    recognisers = [email, known.IbanRecognizer(), known.UsSsnRecognizer()]
    return [(recogniser, list(recogniser.supported_entities)) for recogniser in recognisers]
