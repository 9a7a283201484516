import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stillhouse.data.pii import redact, redact_json, redact_rows
from stillhouse.data.row import content_sha256
from stillhouse.data.turns import read_rows, write_rows
from stillhouse.data.validate import validate
from stillhouse.recipe.data import Data
from stillhouse.skills.classification import Classification

pytestmark = pytest.mark.slow  # the recognisers take seconds to import

SECRETS = ("joe.bloggs@example.com", "+44 20 7946 0958", "4111 1111 1111 1111", "DE89370400440532013000", "10.0.0.1")


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("mail joe.bloggs@example.com now", "mail <EMAIL> now"),
        ("call +44 20 7946 0958.", "call <PHONE>."),
        ("card 4111 1111 1111 1111", "card <CARD>"),
        ("card 4111 1111 1111 1112", "card 4111 1111 1111 1112"),  # its check digit is wrong
        ("iban DE89370400440532013000", "iban <IBAN>"),
        ("from 10.0.0.1", "from <IP>"),
        ("order 12345678 cost 3.50 on 2024-03-12", "order 12345678 cost 3.50 on 2024-03-12"),
        ("meet me @ noon", "meet me @ noon"),
        ("git clone git@example.com:team/tool.git", "git clone git@example.com:team/tool.git"),
        ("joe@example.com: a/b", "<EMAIL>: a/b"),
        ("邮箱是joe@example.com谢谢", "邮箱是<EMAIL>谢谢"),
        ("メールはjoe@example.co.jpまで", "メールは<EMAIL>まで"),
        ("почта иван@пример.рф", "почта <EMAIL>"),
        ("GB29 NWBK 6016 1331 9268 19 is an example", "<IBAN> is an example"),
        ("my ssn is 219-09-9999", "my ssn is <SSN>"),
        ("Compute 219-09-9999 = ?", "Compute 219-09-9999 = ?"),
        ("A factory makes 1250 600 300 parts", "A factory makes 1250 600 300 parts"),
        ("call +44 20 7946 0958 from 10.0.0.1, version 1.2.3.4", "call <PHONE> from <IP>, version 1.2.3.4"),
    ],
)
def test_redact_fixed_forms_are_marked(text: str, clean: str) -> None:
    assert redact(text, Counter()) == clean


def test_redact_json_a_field_that_names_a_phone_is_evidence_for_its_digits() -> None:
    counts: Counter[str] = Counter()
    value = {"phone_number": 4155552671, "handy": ["01711234567"], "parts": 4155552671, "ok": True}
    clean = redact_json(value, counts)
    assert clean == {"phone_number": "<PHONE>", "handy": ["<PHONE>"], "parts": 4155552671, "ok": True}
    assert counts == {"<PHONE>": 2}


@pytest.mark.parametrize("mode", ["redact", "drop"])
def test_validate_personal_data_is_in_no_stored_file(
    tmp_path: Path, read_rows: Callable[..., Path], read_back: Callable[..., Any], data: Data, mode: str
) -> None:
    records = [
        {"text": f"reach me at {' or '.join(SECRETS)}", "label": "a", "note": {"from": [SECRETS[0], 4111111111111111]}},
        {"text": "where is my parcel", "label": "a"},
        {"text": "cancel it", "label": "b"},
    ]
    rule = data.model_copy(update={"personal_data": mode})
    summary = validate({"train": read_rows(records)}, rule, Classification(), tmp_path / "out")
    rows, dropped = (read_back(tmp_path / "out" / f"{name}.parquet") for name in ("rows", "dropped"))
    stored = json.dumps(rows + dropped)
    assert not [secret for secret in (*SECRETS, "4111111111111111") if secret in stored]
    assert summary.redacted["<EMAIL>"] == 2
    touched = (rows if mode == "redact" else dropped)[0]
    assert touched["content_sha256"] == content_sha256(touched["messages"])
    assert summary.dropped == ({} if mode == "redact" else {"personal_data": 1})
    assert [path.name for path in sorted((tmp_path / "out").iterdir())] == ["dropped.parquet", "rows.parquet"]


def test_redact_rows_hash_of_a_changed_row_holds_its_tools(tmp_path: Path) -> None:
    tools = '[{"type":"function","function":{"name":"mail"}}]'
    rows = [
        {"id": name, "messages": [{"role": "user", "content": f"write to {SECRETS[0]}"}], "tools": defined}
        for name, defined in (("with", tools), ("without", None))
    ]
    write_rows(
        tmp_path / "rows.parquet", [row | {"content_sha256": "0" * 64, "meta": "{}", "references": []} for row in rows]
    )
    redact_rows(tmp_path / "rows.parquet", tmp_path / "clean.parquet", Counter())
    clean = read_rows(tmp_path / "clean.parquet")
    assert [row["content_sha256"] for row in clean] == [content_sha256(row["messages"], row["tools"]) for row in clean]
    assert len({row["content_sha256"] for row in clean}) == 2
