from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stillhouse.data.language import foreign
from stillhouse.data.validate import validate
from stillhouse.errors import DataError
from stillhouse.recipe.data import Data
from stillhouse.skills.classification import Classification

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # the language models take a minute to load

GERMAN = "Kann ich meine Bestellung noch ändern, bevor sie verschickt wird?"
ENGLISH = "wtf where is my refund for order AB123"


def test_foreign_long_texts_are_named_and_short_ones_kept() -> None:
    texts = [ENGLISH, GERMAN, "ok thx", "refund pls", "我的卡在哪里", "где карта", "", "1234", "hola"]
    assert foreign(texts, ("en",)) == [None, "de", None, None, "zh", "ru", None, None, None]
    assert foreign([ENGLISH, GERMAN], ("de", "en")) == [None, None]


def test_validate_languages_drop_foreign_rows(
    tmp_path: Path, read_rows: Callable[..., Path], read_back: Callable[..., Any], data: Data
) -> None:
    records = [{"text": ENGLISH, "label": "a"}, {"text": GERMAN, "label": "a"}, {"text": "cancel it", "label": "b"}]
    rule = data.model_copy(update={"languages": ("en",)})
    summary = validate({"train": read_rows(records)}, rule, Classification(), tmp_path / "out")
    assert summary.dropped == {"language": 1}


def test_foreign_unknown_code_is_refused() -> None:
    with pytest.raises(DataError, match=r"'english'.*ISO 639-1"):
        foreign(["a"], ("english",))
