import random
from collections import defaultdict

import numpy as np
import pytest

from stillhouse.data.held_runs import HeldRuns, joined
from stillhouse.data.row_texts import RowTexts, TextTables, spoken_tokens
from stillhouse.data.shared_runs import run_overlap

Turns = list[tuple[str, str]]
RNG = random.Random(5)
FORM = "Classify the following customer message into one of the categories billing or goods. Message: "
GREETING = "Dear support team, I hope this message finds you and your colleagues well. "


def words(count: int) -> str:
    return " ".join(f"w{RNG.randrange(10**6)}" for _ in range(count))


def asked(*texts: str) -> list[Turns]:
    return [[("user", text)] for text in texts]


def tables(rows: list[Turns]) -> TextTables:
    texts = RowTexts()
    texts.add(rows)
    return texts.seal()


def leaks(train: list[Turns], test: list[Turns], words: int = 8, labels: str = "") -> dict[int, tuple[int, str]]:
    """Return for each training row that is a leak the test row, and the words that both share."""
    rows = [*train, *test]
    codes = np.array([ord(label) for label in labels] or [-1] * len(rows))
    training, held_out = np.arange(len(train)), np.arange(len(train), len(rows))
    found = {}
    for one in run_overlap(training, held_out, tables(rows), codes, words):
        assert one.shared is not None
        part, start, end = one.shared
        found[one.row] = (one.of - len(train), " ".join(spoken_tokens(rows[one.row], part)[start:end]))
    return found


@pytest.mark.parametrize("common", [FORM, GREETING, "Sehr geehrte Damen und Herren, ich schreibe Ihnen heute wegen "])
@pytest.mark.parametrize("rows", [9, 40])
def test_run_overlap_what_many_rows_begin_with_is_no_leak(common: str, rows: int) -> None:
    train = asked(*(common + words(6) for _ in range(rows)))
    assert leaks(train, asked(*(common + words(6) for _ in range(3)))) == {}


def test_run_overlap_a_template_that_runs_on_into_the_same_word_is_no_leak() -> None:
    train = asked(*(FORM + f"please {words(5)}" for _ in range(2)), *(FORM + words(6) for _ in range(9)))
    assert leaks(train, asked(FORM + f"please {words(5)}")) == {}


@pytest.mark.parametrize("before", ["", FORM])
@pytest.mark.parametrize("copies", [1, 6])
def test_run_overlap_a_test_question_inside_longer_rows_is_a_leak(before: str, copies: int) -> None:
    question = words(6 if before else 9)
    train = asked(
        *(before + words(6) for _ in range(9)), *(f"{words(9)} {before}{question} {words(9)}" for _ in range(copies))
    )
    test = asked(before + words(6), before + question)
    assert {row: of for row, (of, _) in leaks(train, test).items()} == dict.fromkeys(range(9, 9 + copies), 1)


@pytest.mark.parametrize(
    "question",
    [
        "我的信用卡昨天在超市付款时被拒绝了请问应该怎么办",
        "昨日スーパーで支払いをしたらカードが拒否されましたがどうすればいいですか",
        "เมื่อวานบัตรเครดิตของฉันถูกปฏิเสธที่ร้านค้าฉันควรทำอย่างไรต่อไปดี",
        "카드가 어제 마트에서 결제할 때 거절되었는데 저는 이제 어떻게 해야 하나요",
        "कल दुकान पर मेरा कार्ड अस्वीकार हो गया अब मुझे क्या करना चाहिए बताइए",
    ],
)
def test_run_overlap_any_script_finds_a_pasted_question(question: str) -> None:
    train = asked(
        "你好，" + question + "，谢谢您的帮助，祝您生活愉快", "你好，请问今天的汇率是多少，谢谢您的帮助，祝您生活愉快"
    )
    assert {row: of for row, (of, _) in leaks(train, asked(words(9), question)).items()} == {0: 1}


def test_run_overlap_a_few_words_in_common_are_everyones() -> None:
    phrase = words(9)
    assert leaks(asked(f"{words(20)} {phrase} {words(20)}"), asked(f"{words(20)} {phrase} {words(20)}")) == {}


def test_run_overlap_most_of_a_row_is_a_leak_unless_labels_differ() -> None:
    body = words(12)
    train, test = asked(f"{words(2)} {body} {words(20)}"), asked(f"{words(2)} {body} {words(2)}")
    assert leaks(train, test, labels="aa") == {0: (0, body)}
    assert leaks(train, test, labels="ab") == {}
    assert leaks(train, test, words=13) == {}


def test_run_overlap_dialogues_are_compared_turn_by_turn_without_system_prompts() -> None:
    prompt, question, reply = ("system", words(30)), words(10), words(12)
    test: list[Turns] = [[prompt, ("user", question), ("assistant", reply), ("user", "thanks and bye")]]
    train: list[Turns] = [
        [prompt, ("user", words(10))],
        [("user", words(5)), ("assistant", "no"), ("user", f"{question} {reply}")],
        [("user", " ".join(question.split()[:5])), ("assistant", " ".join(question.split()[5:])), ("user", words(4))],
    ]
    assert set(leaks(train, test)) == {1}


def test_run_overlap_without_rows_or_long_texts_finds_nothing() -> None:
    assert leaks([], asked(words(9))) == {}
    assert leaks(asked("a b"), asked("a b")) == {}


def random_rows(count: int, seed: int) -> list[Turns]:
    """Rows that share runs of three words in every number: of few words, some with a reply and a question after it."""
    rng = random.Random(seed)
    spoken = [[" ".join(rng.choices("abcdefghij", k=rng.randint(2, 9))) for _ in range(3)] for _ in range(count)]
    return [
        [("user", one), ("assistant", two), ("user", three)][: 1 + 2 * rng.randint(0, 1)] for one, two, three in spoken
    ]


def test_run_overlap_few_runs_at_a_time_find_the_rows_that_all_at_once_find() -> None:
    rows = random_rows(400, 1)
    texts, labels = tables(rows), np.full(len(rows), -1)
    training, test = np.arange(300), np.arange(300, 400)
    at_once = list(run_overlap(training, test, texts, labels, 3))
    assert {one.row for one in run_overlap(training, test, texts, labels, 3, most_runs=7)} == {
        one.row for one in at_once
    }
    assert 20 < len(at_once) < 280


@pytest.mark.parametrize("most_runs", [11, 10**6])
def test_ranges_hold_every_run_once_with_the_test_rows_that_have_it(most_runs: int) -> None:
    rows = random_rows(60, 2)
    texts, test = tables(rows), np.arange(10, 60)
    rows_with = defaultdict(set)
    for table in texts.spoken:
        for chunk in table.runs(test, 3):
            for run, row in zip(chunk.hashes.tolist(), chunk.rows.tolist(), strict=True):
                rows_with[run].add(row)

    runs = HeldRuns(test, texts, 3)
    ranges = list(runs.ranges(most_runs))
    assert [len(one.table.hashes) for one in ranges[:-1]] == [most_runs] * (len(ranges) - 1)
    found = [
        pair for one in ranges for pair in zip(one.table.hashes.tolist(), one.table.num_rows.tolist(), strict=True)
    ]
    assert found == sorted((run, len(rows)) for run, rows in rows_with.items())

    # only what is common tells anything so far: no training row has any of them
    told = joined([block for one in ranges for block in runs.telling(one)])
    assert told.table.hashes.tolist() == sorted(run for run, rows in rows_with.items() if len(rows) > 4)
    for one in ranges:
        one.table.count(np.arange(len(one.table.hashes)))
    told = joined([block for one in ranges for block in runs.telling(one)])
    rare = {(run, row) for run, rows in rows_with.items() if len(rows) < 4 for row in rows}
    assert {(int(told.table.hashes[run]), of) for run, of in told.owners.iter_rows()} == rare
