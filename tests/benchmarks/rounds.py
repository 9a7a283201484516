"""What a second round is worth on the demo: points a thousand requests, by what it asks about, against random choice.

    python tests/benchmarks/rounds.py [RUN_ID] [--choose unsure random] [--seeds 3] [--first 0.25] [--rounds 3]

It replays a finished run of the store (STILLHOUSE_STORE; without RUN_ID the newest of a recipe called demo): all of its
teacher's answers are there, so that nothing is requested and no engine starts. Each replay asks the first share at
random, the same for all ways of one seed, filters with the run's own recipe, teaches logistic regression on the
vectors of the frozen encoder (`rounds.student: encoder`), measures it on the run's validation rows, and chooses on. The
last line of each way is what asking about all prompts gives. Prints a table by seed, the means with their spread over
the seeds, and the paired difference to `random`. A few minutes on two cores.
"""

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.artifacts.store import Store, open_store
from stillhouse.data.row import Row
from stillhouse.dataset.asked import Asked
from stillhouse.dataset.build import write_dataset
from stillhouse.dataset.second_opinion import OPINIONS, read_opinions
from stillhouse.evaluation.alternatives.opinions import label_opinions
from stillhouse.evaluation.alternatives.texts import texts_of_examples
from stillhouse.evaluation.scored import Scored
from stillhouse.evaluation.validation_truth import validation_truth
from stillhouse.inference.encoder.files import find_encoder
from stillhouse.inference.encoder.sentence_encoder import SentenceEncoder
from stillhouse.recipe.load import parse_recipe
from stillhouse.recipe.recipe import Recipe
from stillhouse.rounds.choose import Choice, Told, first_prompts, next_prompts
from stillhouse.rounds.measure import measure_on
from stillhouse.rounds.tfidf import by_tfidf, student_texts
from stillhouse.runtime.settings import load_settings
from stillhouse.skills.cases import read_cases, read_splits, rows_to_ask
from tasks.filter import filter_params


class RememberingEncoder:
    """A sentence encoder that reads each text once."""

    def __init__(self, encoder: SentenceEncoder) -> None:
        self._encoder = encoder
        self._known: dict[str, Any] = {}

    def encode(self, texts: Sequence[str]) -> Any:
        """Return one vector a text, [texts, dimensions]."""
        if new := [text for text in dict.fromkeys(texts) if text not in self._known]:
            self._known |= dict(zip(new, self._encoder.encode(new), strict=True))
        return np.stack([self._known[text] for text in texts])


@dataclass(frozen=True)
class Replay:
    """A finished run: its rows, and all answers of its teacher."""

    recipe: Recipe
    labels: tuple[str, ...]
    balance: Path
    split: Path
    completions: Path
    opinions: dict[str, list[float]]
    train: list[Row]  # prompts
    validation: list[Row]
    encoder: Any

    @classmethod
    def of(cls, store: Store, run_id: str) -> "Replay":
        """Return the run of that id; the newest of a recipe called demo without one."""
        folder = Path(store.config.url) / "runs"
        if not run_id:
            run_id = max(folder.glob("demo-2*/artifacts.json"), key=lambda path: path.stat().st_mtime).parent.name
        built = json.loads(store.read_text(f"runs/{run_id}/artifacts.json"))
        recipe = parse_recipe(yaml.safe_load(store.read_text(f"runs/{run_id}/recipe.yaml")))
        folders = {
            label: store.fetch(ArtifactRef.model_validate(ref)) for label, ref in built.items() if _is_read(label)
        }
        labels = tuple(store.record(ArtifactRef.model_validate(built["validate"])).summary["labels"])
        train, _ = read_splits(folders["balance"], folders["split"], recipe.skill)
        files = find_encoder(recipe.evaluation.encoder)
        assert files, "`make model` fetches the encoder"
        return cls(
            recipe=recipe,
            labels=labels,
            balance=folders["balance"],
            split=folders["split"],
            completions=folders["generate"] / "completions.parquet",
            opinions=read_opinions(folders["second_opinion"] / OPINIONS) if "second_opinion" in folders else {},
            train=rows_to_ask(train, recipe.training.use_references),
            validation=read_cases(folders["split"] / "validation.parquet", recipe.skill),
            encoder=RememberingEncoder(SentenceEncoder(files)),
        )

    def learn(self, asked: frozenset[str], drawn: frozenset[str], out: Path) -> Path:
        """Write the training set that the answers to these prompts give, and return its folder."""
        write_dataset(
            filter_params(self.recipe, self.labels).model_copy(update={"label_probabilities": False}),
            train=self.balance / "train.parquet",
            split=self.split,
            completions=self.completions,
            out=out,
            opinions=self.opinions,
            asked=Asked(asked, drawn),
        )
        return out

    def answers(self, dataset: Path, rows: Sequence[Row], seed: int) -> dict[str, list[float]]:
        """Return the log-probability of each label by who learnt the training set, by row id."""
        learnt = texts_of_examples(dataset / "train.jsonl", seed)
        texts = student_texts(rows, self.recipe.skill, self.labels)
        found = label_opinions(learnt, self.labels, texts, self.encoder, seed)
        return dict(zip((row["id"] for row in rows), found, strict=True))


def _is_read(label: str) -> bool:
    return label in ("balance", "split", "generate", "second_opinion")


def replay(run: Replay, choice: Choice, num_rounds: int) -> Iterator[tuple[int, int, float]]:
    """Yield (prompts asked so far, training examples, metric on validation rows) of each round, then of all prompts."""
    ids = list(dict.fromkeys(row["id"] for row in run.train))
    texts = {row["id"]: run.recipe.skill.as_text(row["messages"]) for row in run.train}
    first = frozenset(first_prompts(ids, choice))
    asked = first
    measure: Any = None
    for number in range(num_rounds + 1):
        is_all = number == num_rounds
        asked = frozenset(ids) if is_all else asked
        with tempfile.TemporaryDirectory() as folder:
            drawn = asked if is_all or choice.choose == "random" else first
            dataset = run.learn(asked, drawn, Path(folder))
            left = [row for row in run.train if row["id"] not in asked]
            found = run.answers(dataset, [*run.validation, *left], choice.seed)
            scored = {row["id"]: _scored(found[row["id"]], run.labels) for row in run.validation}
            if measure is None:
                truth = validation_truth(run.validation, dataset, run.recipe.skill, run.labels)
                measure = measure_on(run.validation, truth, scored, run.recipe, run.labels)
            num_examples = sum(1 for _ in (dataset / "train.jsonl").open())
            others = {}
            if choice.choose == "disagreement" and left and not is_all:
                learnt = texts_of_examples(dataset / "train.jsonl", choice.seed)
                others = by_tfidf(learnt, left, run.recipe.skill, run.labels, choice.seed)
        yield len(asked), num_examples, measure.quality(measure.answers_of(scored)).value
        if number < num_rounds - 1:
            told = Told({row["id"]: _line(row["id"], found[row["id"]], run.labels) for row in left}, others)
            asked |= frozenset(next_prompts(ids, asked, told, texts, choice))


def _scored(logprobs: list[float], labels: Sequence[str]) -> Scored:
    return Scored(labels[logprobs.index(max(logprobs))], max(logprobs), logprobs)


def _line(row_id: str, logprobs: list[float], labels: Sequence[str]) -> dict[str, Any]:
    answer = labels[logprobs.index(max(logprobs))]
    return {"row_id": row_id, "answer": answer, "text": answer, "logprob": max(logprobs), "label_logprobs": logprobs}


def rates_of(rounds: Sequence[tuple[int, int, float]]) -> list[float]:
    """Return the points that the rounds after the first brought by each later one, by a thousand requests."""
    before, _, low = rounds[0]
    return [100 * (high - low) / (after - before) * 1000 for after, _, high in rounds[1:]]


def spread(values: Sequence[float]) -> str:
    """Return mean and standard deviation."""
    return f"{statistics.fmean(values):+.1f} ± {statistics.stdev(values) if len(values) > 1 else 0:.1f}"


def main() -> None:
    """Replay all ways with all seeds, and print what each brought."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?", default="")
    parser.add_argument("--choose", nargs="+", default=["unsure", "random"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=float, default=0.25)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--each", type=int, default=100)
    parser.add_argument("--unsure-by", default="margin")
    given = parser.parse_args()
    run = Replay.of(open_store(load_settings().store), given.run)
    own = {
        "first": given.first,
        "num_later": 1,
        "each": given.each,
        "unsure_by": given.unsure_by,
        "max_similarity": 0.8,
    }
    rates: dict[str, list[list[float]]] = {}
    say = sys.stdout.write
    metric = run.recipe.evaluation.metrics[0]
    say(f"{len(run.train)} prompts, {len(run.validation)} validation rows; {metric} by round\n")
    for seed in range(given.seeds):
        for way in given.choose:
            found = list(replay(run, Choice(**own, choose=way, seed=seed), given.rounds))
            *rounds, everything = found
            rates.setdefault(way, []).append(rates_of(rounds))
            shown = ", ".join(f"{asked} prompts ({examples} examples) {value:.3f}" for asked, examples, value in rounds)
            say(f"seed {seed} {way:13} {shown}; all {everything[0]} {everything[2]:.3f}\n")
            sys.stdout.flush()
    for number in range(2, given.rounds + 1):
        say(f"\npoints a thousand requests from round 1 to {number}, mean ± sd over {given.seeds} seeds\n")
        theirs = [found[number - 2] for found in rates.get("random", [])]
        for way, by_seed in rates.items():
            ours = [found[number - 2] for found in by_seed]
            say(f"{way:13} {spread(ours)}")
            if theirs:
                differences = [one - other for one, other in zip(ours, theirs, strict=True)]
                say(f"; less random, same seed: {spread(differences)}")
            say("\n")


if __name__ == "__main__":
    main()
