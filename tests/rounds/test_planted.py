"""A planted case in which choosing pays, and what joins and lists answers of rounds."""

import json
import random
import statistics
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from stillhouse.completions.table import ANSWER_SCHEMA
from stillhouse.evaluation.alternatives.opinions import label_opinions
from stillhouse.evaluation.alternatives.texts import LabelledTexts
from stillhouse.rounds.answers import gathered
from stillhouse.rounds.choose import Choice, Told, first_prompts, next_prompts
from stillhouse.rounds.failed import failed_prompts
from tests.support.builders import make_completion_line
from tests.support.encoder import FakeEncoder

LABELS = ("car", "home", "pet")
# most prompts are of two labels that any model tells apart; what a third of the test asks is rare and spelt otherwise
_EASY = {"car": "aaaabbb", "home": "ccccddd"}
_RARE = {"car": "eeef", "home": "ffff", "pet": "eegf"}


def planted(seed: int, num: int, share_rare: float) -> tuple[dict[str, str], dict[str, str]]:
    """Texts and their labels, by id."""
    rng = random.Random(seed)
    texts, truth = {}, {}
    for number in range(num):
        kinds = _RARE if rng.random() < share_rare else _EASY
        label = rng.choice(list(kinds))
        letters = [*kinds[label], *rng.choices("hijkl", k=2)]
        rng.shuffle(letters)
        texts[f"p{number}"], truth[f"p{number}"] = "".join(letters) + f"{number}", label
    return texts, truth


def accuracy_after(choose: str, seed: int) -> float:
    """The share of test texts that are right after 40 of 400 prompts, 20 of them in a second round."""
    texts, truth = planted(seed, 400, 0.12)
    test, right = planted(seed + 1000, 200, 0.6)
    settings = {"first": 0.05, "num_later": 1, "each": 20, "unsure_by": "margin", "max_similarity": 1.0}
    choice = Choice(choose=choose, seed=seed, **settings)
    asked = first_prompts(list(texts), choice)

    def says(ids: list[str], of: dict[str, str]) -> dict[str, list[float]]:
        learnt = LabelledTexts([texts[one] for one in asked], [truth[one] for one in asked], len(asked))
        found = label_opinions(learnt, LABELS, [of[one] for one in ids], FakeEncoder(), seed)
        return dict(zip(ids, found, strict=True))

    left = [one for one in texts if one not in asked]
    lines = {
        one: {"row_id": one, "answer": "car", "text": "", "logprob": None, "label_logprobs": found}
        for one, found in says(left, texts).items()
    }
    asked += next_prompts(list(texts), frozenset(asked), Told(lines), texts, choice)
    assert len(asked) == len(set(asked)) == 40
    said = says(list(test), test)
    return statistics.fmean(LABELS[found.index(max(found))] == right[one] for one, found in said.items())


def test_unsure_prompts_teach_more_than_random_ones_where_hard_ones_are_rare():
    differences = [accuracy_after("unsure", seed) - accuracy_after("random", seed) for seed in range(5)]
    assert statistics.fmean(differences) > 0.05, differences


def write_table(path: Path, *lines: dict[str, object]) -> Path:
    pq.write_table(pa.Table.from_pylist(list(lines), schema=ANSWER_SCHEMA), path)
    return path


def test_gathered_answers_of_a_row_are_those_of_the_round_that_asked_it_last(tmp_path: Path):
    first = write_table(tmp_path / "1", make_completion_line("a", "x"), make_completion_line("b", "y"))
    second = write_table(tmp_path / "2", make_completion_line("c", "z"))
    again = [make_completion_line("a", f"x{number}", sample_index=number) for number in range(3)]
    third = write_table(tmp_path / "3", *again)
    found = [(line["row_id"], line["text"]) for line in gathered([first, second, third]).to_pylist()]
    assert found == [("b", "y"), ("c", "z"), ("a", "x0"), ("a", "x1"), ("a", "x2")]
    assert gathered([]).num_rows == 0


def test_failed_prompts_are_those_whose_every_answer_had_a_fault_of_its_own(tmp_path: Path):
    dropped = [("a", "unparsable"), ("b", "near_duplicate"), ("c", "agreement"), ("c", "agreement"), ("d", "truncated")]
    for name, ids in (("train.jsonl", ["d"]), ("validation.jsonl", [])):
        (tmp_path / name).write_text("".join(json.dumps({"id": one}) + "\n" for one in ids))
    lines = [json.dumps({"id": one, "reason": reason}) for one, reason in dropped]
    (tmp_path / "dropped.jsonl").write_text("\n".join(lines))
    assert failed_prompts(tmp_path, ["c", "a", "c", "b", "d", "e"]) == ["c", "a"]
