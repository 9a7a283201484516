import json
import random
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from stillhouse.data.row_texts import RowTexts, TextTables
from stillhouse.data.text_similarity import near_pairs
from stillhouse.data.tokens import token_lists

TEMPLATE = "Classify the following message of a customer into one of the two categories billing or goods. Message: "


def tables(*dialogues: list[tuple[str, str]]) -> TextTables:
    texts = RowTexts()
    for start in range(0, len(dialogues), 7):
        texts.add(list(dialogues[start : start + 7]))
    return texts.seal()


def asked(*texts: str) -> TextTables:
    return tables(*([("user", text)] for text in texts))


def pairs(texts: TextTables, threshold: float = 0.8) -> set[tuple[int, int]]:
    found, _ = near_pairs(texts, np.arange(len(texts.asked.lengths)), threshold)
    return {(min(pair), max(pair)) for pair in found.tolist()}


def jaccard(left: str, right: str) -> float:
    one, two = set(left.split()), set(right.split())
    return len(one & two) / len(one | two) if one | two else 1.0


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Hello, World! (it's me)", "hello world it s me"),
        ("7 + 3 != -10", "7 + 3 != - 10"),
        ("C++ or C#, e-mail", "c++ or c# e mail"),
        ("good :) bad :(", "good :) bad :("),
        ("👍🏽 🇩🇪🇫🇷 👩\u200d👧", "👍🏽 🇩🇪 🇫🇷 👩\u200d👧"),
        ("की का", "की का"),
        ("Ｎａïve", "naïve"),
        ("如何重置Key？", "如 何 重 置 key"),
        ("パスワード", "パ ス ワ ー ド"),
        ("ตั้ง", "ตั้ ง"),
    ],
)
def test_tokens_are_words_signs_and_characters_by_script(text: str, wanted: str) -> None:
    assert token_lists([text])[0].to_list() == wanted.split(" ")


def test_jaccard_many_pairs_follows_the_definition() -> None:
    texts = ["a b c", "a b", "", "c c c d", "a b c", "d"]
    all_pairs = np.array(list(combinations(range(len(texts)), 2)))
    wanted = [jaccard(texts[i], texts[j]) for i, j in all_pairs]
    np.testing.assert_allclose(asked(*texts).asked.jaccard(all_pairs[:, 0], all_pairs[:, 1]), wanted)


def test_jaccard_texts_without_spaces_compares_pairs_of_characters() -> None:
    one, two = "我想购买汽车保险", "我想购买轮船保险"
    bigrams = [{text[at : at + 2] for at in range(len(text))} for text in (one, two)]  # the last stands alone
    wanted = len(bigrams[0] & bigrams[1]) / len(bigrams[0] | bigrams[1])
    np.testing.assert_allclose(asked(one, two).asked.jaccard(np.array([0]), np.array([1])), wanted)


def test_near_pairs_random_texts_finds_what_all_pairs_give() -> None:
    rng = random.Random(1)
    texts = [" ".join(rng.choices("abcdefghijklmnopqrst", k=12)) for _ in range(300)]
    texts += [" ".join([*text.split()[:-1], "changed"]) for text in texts[:50]]
    wanted = {pair for pair in combinations(range(len(texts)), 2) if jaccard(texts[pair[0]], texts[pair[1]]) >= 0.8}
    assert pairs(asked(*texts)) == wanted
    assert len(wanted) > 20


def test_near_pairs_texts_without_words_are_similar_to_none() -> None:
    assert pairs(asked("", "", "x", "...")) == set()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("请问我的信用卡丢失了应该怎么办才能尽快补办一张新卡", "请问我的信用卡丢失了应该怎么办才能尽快补办一张新卡呢"),
        (
            "パスワードを忘れたので再設定する方法を教えてください",
            "パスワードを忘れたので再設定する方法を教えてくださいね",
        ),
        ("ฉันทำบัตรเครดิตหายต้องทำอย่างไรเพื่อขอบัตรใหม่โดยเร็ว", "ฉันทำบัตรเครดิตหายต้องทำอย่างไรเพื่อขอบัตรใหม่โดยเร็วคะ"),
        ("मेरा कार्ड खो गया है मुझे नया कार्ड कैसे मिलेगा बताइए", "मेरा कार्ड खो गया है, मुझे नया कार्ड कैसे मिलेगा"),
    ],
)
def test_near_pairs_any_script_finds_the_like_and_not_the_unlike(one: str, other: str) -> None:
    unlike = "".join(sorted(one))
    assert pairs(asked(one, other, unlike)) == {(0, 1)}


def test_near_pairs_each_part_must_be_near() -> None:
    question, reply = ("user", "what of the red car near the old town"), ("assistant", "it is red and large and fast")
    long_prompt = ("system", " ".join(f"rule{at}" for at in range(300)))
    rows = [
        [question],
        [("system", "answer in French"), question],
        [("system", "answer like a pirate would"), question],
        [("user", "hello you there"), reply, question],
        [("user", "hello you there"), ("assistant", "no such thing is known to us"), question],
        [("user", "hello you there"), ("assistant", "it is red and large and fast"), question],
        [("assistant", "hello you there"), ("user", "it is red and large and fast"), question],
        [long_prompt, ("user", "is my card blocked")],
        [long_prompt, ("user", "where is my parcel")],
        [(long_prompt[0], long_prompt[1] + " more"), ("user", "Where is my parcel?")],
    ]
    assert pairs(tables(*rows)) == {(3, 5), (8, 9)}


def test_near_pairs_a_template_of_many_rows_makes_none_alike() -> None:
    rng = random.Random(3)
    texts = [TEMPLATE + " ".join(f"w{rng.randrange(900)}" for _ in range(3)) for _ in range(40)]
    texts[7] = texts[3] + "!"
    assert pairs(asked(*texts)) == {(3, 7)}


def test_runs_stay_within_their_turn_and_count_characters_by_script() -> None:
    texts = tables(
        [("user", "a b c d")],
        [("user", "c d")],
        [("user", "x"), ("assistant", "b c"), ("tool", "d"), ("user", "b c d")],
        [("user", "中文字符" * 3)],
    )
    runs = next(iter(texts.asked.runs(np.arange(4), 3)))
    # three words are worth 4.5 characters of Chinese: 5 of 12, that is 8 places
    assert runs.rows.tolist() == [0, 0, 2, *[3] * 8]
    assert runs.hashes[1] == runs.hashes[2] != runs.hashes[0]
    assert runs.hashes[3] == runs.hashes[7]
    assert [len(one.rows) for one in texts.spoken[1].runs(np.arange(4), 2)] == [1]


def test_near_pairs_banking77_finds_all_near_test_rows(shared: Path) -> None:
    folder = shared / "intent_banking77"
    texts = [
        [json.loads(line)["text"] for line in (folder / f"{part}.jsonl").read_bytes().splitlines()]
        for part in ("train", "test")
    ]
    found, _ = near_pairs(asked(*texts[0], *texts[1]), np.arange(13_083), 0.8)
    counter = CountVectorizer(analyzer=list, binary=True, dtype=np.float32)
    words = counter.fit_transform(token_lists([*texts[0], *texts[1]]).to_list())
    train, test = words[: len(texts[0])], words[len(texts[0]) :]
    both = (test @ train.T).toarray()
    either = test.sum(axis=1) + train.sum(axis=1).T - both
    near = np.flatnonzero(np.asarray(both >= 0.8 * either - 1e-4).any(axis=1)) + len(texts[0])
    cross = found[(found >= len(texts[0])).sum(axis=1) == 1]
    assert np.unique(cross.max(axis=1)).tolist() == near.tolist()
