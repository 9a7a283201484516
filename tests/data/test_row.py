import hashlib
import json
import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from stillhouse.data.row import content_sha256, normalise


@given(st.text() | st.text(st.characters(max_codepoint=127)))
def test_normalise_any_text_follows_its_definition(text: str) -> None:
    folded = unicodedata.normalize("NFKC", text).casefold()
    assert normalise(text) == re.sub(r"[\W_]+", " ", folded).strip()


@given(st.lists(st.tuples(st.sampled_from(["user", "assistant", 'odd"role']), st.text()), min_size=1, max_size=3))
def test_content_sha256_any_turns_is_the_hash_of_their_json(turns: list[tuple[str, str]]) -> None:
    body = json.dumps([[role, normalise(text)] for role, text in turns], ensure_ascii=False, separators=(",", ":"))
    messages = [{"role": role, "content": text} for role, text in turns]
    assert content_sha256(messages) == hashlib.sha256(body.encode()).hexdigest()
