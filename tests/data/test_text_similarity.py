import json
import random
from itertools import combinations
from pathlib import Path

import numpy as np

from stillhouse.data.row import normalise
from stillhouse.data.text_similarity import Words, WordTable, near_pairs


def table(texts: list[str]) -> WordTable:
    words = Words()
    for start in range(0, len(texts), 7):
        words.add(texts[start : start + 7])
    return words.seal()


def jaccard(left: str, right: str) -> float:
    one, two = set(left.split()), set(right.split())
    return len(one & two) / len(one | two) if one | two else 0.0


def test_jaccard_many_pairs_follows_the_definition() -> None:
    texts = ["a b c", "a b", "", "c c c d", "a b c", "d"]
    pairs = np.array(list(combinations(range(len(texts)), 2)))
    wanted = [jaccard(texts[i], texts[j]) for i, j in pairs]
    np.testing.assert_allclose(table(texts).jaccard(pairs[:, 0], pairs[:, 1]), wanted)


def test_near_pairs_random_texts_finds_what_all_pairs_give() -> None:
    rng = random.Random(1)
    texts = [" ".join(rng.choices("abcdefghijklmnopqrst", k=12)) for _ in range(300)]
    texts += [" ".join([*text.split()[:-1], "changed"]) for text in texts[:50]]
    wanted = {pair for pair in combinations(range(len(texts)), 2) if jaccard(texts[pair[0]], texts[pair[1]]) >= 0.8}
    pairs, _ = near_pairs(table(texts), np.arange(len(texts)), 0.8)
    assert {(min(pair), max(pair)) for pair in pairs.tolist()} == wanted
    assert len(wanted) > 20


def test_near_pairs_texts_without_words_are_similar_to_none() -> None:
    pairs, _ = near_pairs(table(["", "", "x", ""]), np.arange(4), 0.8)
    assert len(pairs) == 0


def test_ngrams_stay_within_their_text() -> None:
    hashes, owners = table(["a b c d", "c d", "", "b c d"]).ngrams(3)
    assert owners.tolist() == [0, 0, 3]
    assert hashes[1] == hashes[2] != hashes[0]


def test_near_pairs_banking77_finds_all_490_near_test_rows(shared: Path) -> None:
    folder = shared / "intent_banking77"
    texts = [
        [normalise(json.loads(line)["text"]) for line in (folder / f"{part}.jsonl").read_bytes().splitlines()]
        for part in ("train", "test")
    ]
    pairs, _ = near_pairs(table(texts[0] + texts[1]), np.arange(13_083), 0.8)
    cross = pairs[(pairs >= len(texts[0])).sum(axis=1) == 1]
    assert len(set(cross.max(axis=1).tolist())) == 490
