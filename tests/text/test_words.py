import unicodedata

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from stillhouse.text.words import num_words, opening, phrases, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The cat's 2nd_nap!", ["the", "cat", "s", "2nd", "nap"]),
        ("Straße, CAFÉ", ["strasse", "café"]),
        ("Он сказал: «да»", ["он", "сказал", "да"]),
        ("दो साल में", ["दो", "साल", "में"]),  # vowel signs belong to their word
        ("市议会同意。", ["市", "议", "会", "同", "意"]),
        ("データを2件", ["デ", "ー", "タ", "を", "2", "件"]),
        ("ที่ดี", ["ที่", "ดี"]),  # a letter with its marks
        ("GPT模型 v2", ["gpt", "模", "型", "v2"]),
        ("서울은 수도다", ["서울은", "수도다"]),
        ("می\u200cخواهم", ["میخواهم"]),
        ("ＡＢＣ　１２", ["abc", "12"]),
        ("🙂 !? —", []),
        ("", []),
    ],
)
def test_words_of_each_script(text, expected):
    assert words(text) == expected
    assert words(unicodedata.normalize("NFD", text)) == expected


@given(st.text(alphabet=st.characters(max_codepoint=0x24FF)))
def test_words_by_the_fast_rules_are_what_the_rule_of_all_scripts_finds(text):
    assert words(text) == [word for word in words(text + " 好") if word != "好"]
    assert num_words(text) >= num_words(text + " 好") - 1  # signs alone count where spaces part them


@given(st.text())
def test_words_are_folded_and_hold_a_letter_mark_or_digit(text):
    assert all(regex.fullmatch(r"[\p{L}\p{M}\p{N}]+", word) for word in words(text))
    assert words(" ".join(words(text))) == words(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one two — three", 4),  # as many as spaces part, dash included
        ("परिषद ने पुल", 3),
        ("市议会已同意将旧桥关闭两年，", 9),  # 13 characters of two thirds of a word
        ("ありがとう", 3),  # 5 of half a word
        ("ขอบคุณ", 2),  # 5 with their marks, of a third
        ("用 Python 3 写", 4),
        ("", 0),
        ("。。。", 1),
    ],
)
def test_num_words_weighs_characters_of_scripts_without_spaces(text, expected):
    assert num_words(text) == expected


def test_phrases_span_as_much_text_in_every_script():
    assert phrases("a b c d", 3) == [("a", "b", "c"), ("b", "c", "d")]
    assert phrases("a b", 3) == []
    assert [len(one) for one in phrases("市议会已同意将旧桥", 3)] == [5] * 5
    assert [len(one) for one in phrases("ありがとうございます", 3)] == [6] * 5
    assert phrases("用 Python 写代码", 3)[0] == ("用", "python", "写", "代")


@pytest.mark.parametrize(
    ("text", "length", "expected"),
    [
        ("The pool (25 m) opens.", 3, "The pool (25"),
        ("«Привет», мир! Как дела?", 2, "«Привет», мир"),
        ("泳池三月关闭。", 4, "泳池三月"),
        ("สระว่ายน้ำ", 3, "สระ"),
        ("two words", 2, "two words"),
        ("  two words.", 3, "  two words."),
        ("any", 0, "any"),
    ],
)
def test_opening_ends_after_as_many_words_as_it_shall_have(text, length, expected):
    assert opening(text, length) == expected
    assert words(opening(text, length))[:length] == words(text)[:length]
