"""How often the interval of "how many hand labels is this teacher worth" holds the true number.

    python tests/benchmarks/label_worth.py LABELLED.jsonl [TEST.jsonl] [--labels 8] [--tests 500] [--times 100]

The files hold a text and a label a line (`text` or `message`, `label` or `intent`); of one file a half is labelled and
the other half is the test. All is of the frozen sentence encoder, the better learner at every size of the sets tried.
Each time, so many rows a class are drawn from LABELLED as all labels there are, and test rows from TEST with
replacement, so that TEST is the whole truth. The taught models are fixed: regressions that learnt 2, 3 and 6 labels a
class elsewhere. The true number of labels is read off a curve of 100 draws from all of LABELLED, at every size from 1
to `--labels`, on all of TEST. Prints one JSON object.
"""

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from stillhouse.evaluation.alternatives.classifier import STRENGTH_UNTRIED
from stillhouse.evaluation.alternatives.draws import draw_rows, ranks_in_class
from stillhouse.evaluation.alternatives.label_curve import Drawn, LabelCurveSummary
from stillhouse.evaluation.alternatives.measure_curve import Learner, answer_draw
from stillhouse.evaluation.label_worth import crossing, label_worth
from stillhouse.evaluation.roles import ModelRole
from stillhouse.evaluation.scoring import Scoring, statistic
from stillhouse.inference.encoder.files import find_encoder
from stillhouse.inference.encoder.sentence_encoder import SentenceEncoder
from stillhouse.recipe.encoder import Encoder
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.reports.label_worth import curve_sizes
from stillhouse.skills.classification import Classification

TAUGHT = (2, 3, 6)
REFERENCE_DRAWS = 100
ROLE = ModelRole.ENCODER_LOGISTIC_REGRESSION


class Rows:
    """Texts with labels, and the vectors of the texts."""

    def __init__(self, pairs: Sequence[tuple[str, str]], encoder: SentenceEncoder) -> None:
        """Encode the texts."""
        self.texts = [text for text, _ in pairs]
        self.labels = np.asarray([label for _, label in pairs])
        self.vectors = encoder.encode(self.texts)

    def first(self, rng: np.random.Generator, most: int) -> NDArray[np.intp]:
        """Return so many random rows a class."""
        return np.flatnonzero(ranks_in_class(self.labels.tolist(), rng) < most)

    def learnt(self, rows: NDArray[np.intp]) -> LogisticRegression:
        """Return the regression that learnt these rows."""
        return LogisticRegression(C=STRENGTH_UNTRIED, max_iter=2000).fit(self.vectors[rows], self.labels[rows])


def main() -> None:
    """Print the figures."""
    options = parsed()
    labelled, test = (Rows(pairs, SentenceEncoder(find_encoder(Encoder()))) for pairs in read(options.files))  # type: ignore[arg-type]
    with threadpool_limits(limits=1):
        taught = {str(k): labelled.learnt(labelled.first(np.random.default_rng((7, k)), k)) for k in TAUGHT}
        answers = {name: model.predict(test.vectors) for name, model in taught.items()}
        curve = reference_curve(labelled, test, options.labels)
        levels = {name: float(np.mean(each == test.labels)) for name, each in answers.items()}
        numbers = np.arange(1, options.labels + 1, dtype=np.float64)
        truth = {name: crossing(numbers, curve, level) for name, level in levels.items()}
        found = [repeat(labelled, test, answers, options, time) for time in range(options.times)]
    print(json.dumps({"curve": curve.round(4).tolist(), **summed_up(truth, levels, found)}, indent=1))


def reference_curve(labelled: Rows, test: Rows, most: int) -> NDArray[np.float64]:
    """Return the mean accuracy on all test rows after 1 to `most` labels a class."""
    values = []
    for draw in range(REFERENCE_DRAWS):
        ranks = ranks_in_class(labelled.labels.tolist(), np.random.default_rng((11, draw)))
        models = [labelled.learnt(np.flatnonzero(ranks < size)) for size in range(1, most + 1)]
        values.append([np.mean(model.predict(test.vectors) == test.labels) for model in models])
    return np.mean(values, axis=0)


def repeat(labelled: Rows, test: Rows, answers: dict[str, Any], options: Any, time: int) -> dict[str, Any]:
    """Return value and interval for each taught model, in labels a class, from fresh rows."""
    rng = np.random.default_rng((13, time))
    pool, asked = labelled.first(rng, options.labels), rng.integers(len(test.texts), size=options.tests)
    labels, vectors, theirs = labelled.labels[pool], labelled.vectors[pool], test.vectors[asked]
    draws = draw_rows(labels.tolist(), time)
    learner = Learner(ROLE, labels, lambda rows: (vectors[rows], theirs))
    drawn = [Drawn(**answer_draw(learner, draw)) for draw in draws]
    everything = labelled.learnt(pool).predict(theirs).tolist()
    drawn.append(Drawn(ROLE, options.labels, len(pool), 0, everything))
    settings = Evaluation(metrics=("accuracy",), seed=time, resamples=1000)
    names = tuple(sorted(set(labels.tolist())))
    skill = Classification(labels=names)
    scoring = Scoring([[test.labels[row]] for row in asked], names, settings, skill)
    summary = LabelCurveSummary(labelled=len(pool), classes=names, rows=len(pool))
    taught = {name: statistic("accuracy", each[asked].tolist(), scoring) for name, each in answers.items()}
    worth = label_worth(curve_sizes(drawn, summary, scoring), taught, len(asked), settings)
    return {
        name: [end / len(names) for end in (one.value, *one.interval((1 - settings.confidence) / 2))]
        for name, one in worth.crossings.items()
    }


def summed_up(truth: dict[str, float], levels: dict[str, float], found: list[dict[str, Any]]) -> dict[str, Any]:
    """Return, for each taught model, the truth and how often the interval held it."""
    figures = {}
    for name, true in truth.items():
        values, lows, highs = np.asarray([each[name] for each in found]).T
        figures[f"taught {name} labels a class"] = {
            "accuracy": round(levels[name], 4),
            "true labels a class": round(true, 2),
            "held": f"{int(((lows <= true) & (true <= highs)).sum())} of {len(found)}",
            "too low": int((highs < true).sum()),
            "too high": int((lows > true).sum()),
            "median value and interval": [str(np.round(np.median(each), 2)) for each in (values, lows, highs)],
            "open above": int(np.isinf(highs).sum()),
        }
    return figures


def read(files: Sequence[Path]) -> list[list[tuple[str, str]]]:
    """Return the pairs of both files, each text once; of one file, those of its halves."""
    pairs = [list(dict.fromkeys(filter(None, map(pair, open(path, encoding="utf-8"))))) for path in files]  # noqa: SIM115
    if len(pairs) == 2:
        return pairs
    ordered = sorted(pairs[0], key=lambda one: hashlib.sha256(one[0].encode()).hexdigest())
    ranks = ranks_in_class([label for _, label in ordered], np.random.default_rng(0))
    return [[one for one, rank in zip(ordered, ranks, strict=True) if rank % 2 == half] for half in (0, 1)]


def pair(line: str) -> tuple[str, str] | None:
    """Return the text and the label of a line; None if it lacks one."""
    fields = json.loads(line)
    text, label = fields.get("text") or fields.get("message"), fields.get("label") or fields.get("intent")
    return (text, label) if text and label else None


def parsed() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    for name, default in (("labels", 8), ("tests", 500), ("times", 100)):
        parser.add_argument(f"--{name}", type=int, default=default)
    return parser.parse_args()


if __name__ == "__main__":
    main()
