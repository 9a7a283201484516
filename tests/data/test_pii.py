import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stillhouse.data.pii import redact
from stillhouse.data.row import content_sha256
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
    ],
)
def test_redact_fixed_forms_are_marked(text: str, clean: str) -> None:
    assert redact(text, Counter()) == clean


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
