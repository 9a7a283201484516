import math
import random
import subprocess
import sys
from collections import Counter

import pytest

from stillhouse.data.row import content_sha256
from stillhouse.errors import DataError
from stillhouse.teachers.retrieval import Retriever
from tests.support.paths import ROOT

TEXTS = [
    "my parcel never came to the house",
    "please change the address on my account",
    "the parcel arrived broken and wet",
    "i want my money back for the shoes",
    "parcel parcel where is the parcel",
    "how do i reset a forgotten password",
]


def row(text: str, row_id: str | None = None) -> dict:
    messages = [{"role": "system", "content": "ignored words"}, {"role": "user", "content": text}]
    return {"id": row_id or text, "content_sha256": content_sha256(messages), "messages": messages}


EXAMPLES = [row(text) for text in TEXTS]


def ids(rows: list[dict]) -> list[str]:
    return [found["id"] for found in rows]


@pytest.mark.parametrize("kind", ["tfidf", "bm25"])
def test_nearest_puts_the_nearest_last(kind):
    found = Retriever(EXAMPLES, kind).nearest(row("forgotten password and my parcel"), 2)
    assert found[-1]["id"] == "how do i reset a forgotten password"
    assert len(found) == 2


def test_nearest_bm25_order_is_that_of_the_definition():
    asked = "the parcel is wet"
    docs = [text.split() for text in TEXTS]
    mean = sum(map(len, docs)) / len(docs)

    def score(doc: list[str]) -> float:
        total, counts = 0.0, Counter(doc)
        for word in asked.split():
            df = sum(word in other for other in docs)
            idf = math.log(1 + (len(docs) - df + 0.5) / (df + 0.5))
            total += idf * counts[word] / (counts[word] + 1.5 * (1 - 0.75 + 0.75 * len(doc) / mean))
        return total

    by_score = sorted(range(len(docs)), key=lambda i: (-score(docs[i]), i))
    expected = [TEXTS[i] for i in by_score[:4]][::-1]
    assert ids(Retriever(EXAMPLES, "bm25").nearest(row(asked), 4)) == expected


def test_nearest_tfidf_reads_misspelt_words_by_their_letters():
    assert ids(Retriever(EXAMPLES, "tfidf").nearest(row("forgoten pasword"), 1)) == [TEXTS[5]]


@pytest.mark.parametrize("kind", ["tfidf", "bm25"])
def test_nearest_never_returns_the_row_itself_or_its_near_duplicates(kind):
    # 7 of 8 words shared: 0.875; 7 of 9: 0.777
    examples = [
        *EXAMPLES,
        row("my parcel never came to the house yesterday"),
        row("my parcel never came to the house so far"),
    ]
    asked = row("My parcel NEVER came to the house!", "other id")
    found = ids(Retriever(examples, kind).nearest(asked, 10))
    assert TEXTS[0] not in found
    assert "my parcel never came to the house yesterday" not in found
    assert found[-1] == "my parcel never came to the house so far"
    assert len(found) == len(examples) - 2


def test_nearest_same_id_other_text_is_the_row_itself():
    assert TEXTS[3] not in ids(Retriever(EXAMPLES, "tfidf").nearest(row("money back for shoes i bought", TEXTS[3]), 6))


@pytest.mark.parametrize("kind", ["tfidf", "bm25"])
def test_nearest_equal_scores_keep_the_examples_order(kind):
    many = [row("card lost" if i % 3 else "order late", f"{i:03}") for i in range(100)]
    found = ids(Retriever(many, kind).nearest(row("my card"), 66))
    assert found == sorted((one["id"] for one in many if int(one["id"]) % 3), reverse=True)
    assert ids(Retriever(EXAMPLES, kind).nearest(row("zzz"), 3)) == [TEXTS[2], TEXTS[1], TEXTS[0]]


@pytest.mark.parametrize("kind", ["tfidf", "bm25"])
def test_nearest_all_equals_nearest_of_each_row(kind):
    retriever = Retriever(EXAMPLES, kind)
    # more than the 512 of one batch
    rows = [row(f"{word} the parcel") for word in ("wet", "broken", "money", "")] * 130
    assert retriever.nearest_all(rows, 3) == [retriever.nearest(one, 3) for one in rows]


@pytest.mark.parametrize("kind", ["tfidf", "bm25"])
def test_nearest_all_of_a_large_index_is_the_full_order_cut(monkeypatch: pytest.MonkeyPatch, kind):
    rng = random.Random(3)
    many = [row(" ".join(rng.choices("abcdefghij", k=3)), f"{n}") for n in range(150)]  # with many equal scores
    asked = [row(" ".join(rng.choices("abcdefghij", k=4)), f"asked {n}") for n in range(20)]
    asked.append(many[7])
    retriever = Retriever(many, kind)
    whole = [retriever.nearest(one, len(many)) for one in asked]
    monkeypatch.setattr("stillhouse.teachers.retrieval._MOST_SCORES", 3 * len(many))  # three rows at a time
    beats: list[None] = []
    for k in (1, 2, 5, 149):
        found = retriever.nearest_all(asked, k, lambda: beats.append(None))
        assert [ids(one) for one in found] == [ids(one)[-k:] for one in whole]
    assert len(beats) == 4 * 7


def test_retriever_without_examples_is_refused_with_the_next_step():
    with pytest.raises(DataError, match=r"data\.examples.*prompt\.examples"):
        Retriever([], "tfidf")


def test_retrieval_import_leaves_heavy_libraries_out():
    heavy = ("polars", "sklearn", "bm25s")
    code = f"import sys, stillhouse.teachers.retrieval; print([m for m in {heavy} if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert shown.stdout.strip() == "[]"
