import hashlib
import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhouse.data.row import content_sha256, draw_digest, draw_digests, draw_sha256, normalise

# few characters, so that two drawn texts are often the same: composed and not, spaces of several kinds, signs, marks
LETTERS = "aAé\u0065\u0301 \t\u00a0\u3000\u2028+-👍\u0915\u093f\u0940"
texts = st.text(LETTERS, max_size=4) | st.text(max_size=4)
dialogues = st.lists(st.tuples(st.sampled_from(["user", "assistant"]), texts), min_size=1, max_size=2)


def turns(*contents: str) -> list[dict[str, str]]:
    return [{"role": role, "content": text} for role, text in zip(["user", "assistant"] * 9, contents, strict=False)]


def folded(text: str) -> str:
    """NFC and one space for each run of white space, character by character."""
    found = ""
    for character in unicodedata.normalize("NFC", text):
        if not character.isspace():
            found += character
        elif found and not found.endswith(" "):
            found += " "
    return found.rstrip(" ")


def test_content_sha256_with_tools_is_another_and_goes_by_their_values():
    talk = turns("Where?")
    # as rows without tools always had it
    assert content_sha256(talk, None) == hashlib.sha256(b'[["user","Where?"]]').hexdigest()
    one = content_sha256(talk, '[{"type": "function", "function": {"name": "f", "description": "Of  it."}}]')
    same = content_sha256(talk, '[{"function":{"description":"Of it.","name":"f"},"type":"function"}]')
    other = content_sha256(talk, '[{"type": "function", "function": {"name": "g", "description": "Of it."}}]')
    assert one == same
    assert len({one, other, content_sha256(talk)}) == 3


@given(dialogues, dialogues)
def test_content_sha256_is_equal_just_where_the_folded_turns_are(
    one: list[tuple[str, str]], other: list[tuple[str, str]]
) -> None:
    same = [(role, folded(text)) for role, text in one] == [(role, folded(text)) for role, text in other]
    hashes = [content_sha256([{"role": role, "content": text} for role, text in each]) for each in (one, other)]
    assert (hashes[0] == hashes[1]) is same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("7 + 3", "7 - 3"),
        ("x^2 - 4", "x^2 + 4"),
        ("5 < 7", "5 > 7"),
        ("-10", "10"),
        ("1.5", "1/5"),
        ("C++", "C#"),
        ("👍", "👎"),
        (":)", ":("),
        ("की", "का"),
        ("Polish", "polish"),
        ("x²", "x2"),
        ("do.", "do?"),
    ],
)
def test_content_sha256_small_signs_make_another_text(one: str, other: str) -> None:
    assert content_sha256(turns(one)) != content_sha256(turns(other))


def test_content_sha256_counts_roles_replies_reasoning_and_calls() -> None:
    plain = turns("hi", "hello")
    others = [
        turns("hi"),
        turns("hi hello"),
        [{"role": "system", "content": "hi"}, plain[1]],
        [plain[0], {**plain[1], "reasoning": "be kind"}],
        [plain[0], {**plain[1], "tool_calls": [{"id": "1", "function": {"name": "greet", "arguments": {}}}]}],
        [plain[0], {**plain[1], "tool_calls": [{"id": "1", "function": {"name": "leave", "arguments": {}}}]}],
    ]
    assert len({content_sha256(one) for one in [plain, *others]}) == 7
    assert content_sha256(turns(" hi\n", "hello\u00a0")) == content_sha256(plain)


@given(st.text() | st.text(st.characters(max_codepoint=127)))
def test_normalise_any_text_follows_its_definition(text: str) -> None:
    compatible = unicodedata.normalize("NFKC", text).casefold()
    assert normalise(text) == re.sub(r"[\W_]+", " ", compatible).strip()


@given(st.lists(st.tuples(st.sampled_from(["user", "assistant", 'odd"role']), st.text()), min_size=1, max_size=3))
def test_draw_sha256_any_turns_is_the_hash_of_their_json(dialogue: list[tuple[str, str]]) -> None:
    body = json.dumps([[role, normalise(text)] for role, text in dialogue], ensure_ascii=False, separators=(",", ":"))
    messages = [{"role": role, "content": text} for role, text in dialogue]
    assert draw_sha256(messages) == hashlib.sha256(body.encode()).hexdigest()


def test_draw_sha256_stays_what_rows_were_first_drawn_by() -> None:
    wanted = hashlib.sha256(b'[["user","where is my card"]]').hexdigest()
    assert draw_sha256(turns("Where is my card?")) == draw_sha256(turns("where is  my card")) == wanted


@given(st.lists(texts | st.text(st.sampled_from("aB .,\0\n-"), max_size=6), max_size=5))
def test_draw_digests_of_many_texts_are_those_of_each_alone(several: list[str]) -> None:
    assert draw_digests(several) == [draw_digest([("user", text)]) for text in several]
