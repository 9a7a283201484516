"""A baseline without a teacher: TF-IDF with logistic regression on the labelled rows.

It is the bar for a distilled student, so it is set up to be strong: words and word pairs, letter sequences inside
words, sublinear counts, and regularisation chosen by cross-validation.
"""

from collections import Counter
from collections.abc import Sequence

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import FeatureUnion, Pipeline

from stillhouse.errors import DataError

# inverse regularisation strengths tried; TF-IDF rows have length 1, so weak regularisation wins on small sets
_STRENGTHS = (1.0, 10.0, 100.0)
_STRENGTH_UNTRIED = 10.0
_MAX_FOLDS = 5
_MIN_ROWS_A_LABEL = 3


def tfidf_logistic_regression(
    train_texts: Sequence[str], train_labels: Sequence[str], test_texts: Sequence[str], seed: int
) -> list[str]:
    """Return the predicted label of each test text, by TF-IDF and logistic regression fitted on the training texts.

    Features: word 1-2-grams and 2-5-letter sequences inside words, both sublinear TF-IDF. C is 1, 10 or 100, chosen by
    stratified cross-validated accuracy with up to 5 folds; it is 10 if a label has fewer than 3 rows.

    Raises:
        DataError: for fewer than two labels in the training rows.
    """
    counts = Counter(train_labels)
    if len(counts) < 2:
        raise DataError(
            f"the labelled rows hold {len(counts)} different labels; TF-IDF with logistic regression needs at least "
            "two: add labelled rows, or set `evaluation.no_teacher_alternatives` to false"
        )
    model = _pipeline(seed)
    rarest = min(counts.values())
    if rarest >= _MIN_ROWS_A_LABEL:
        folds = StratifiedKFold(min(_MAX_FOLDS, rarest), shuffle=True, random_state=seed)
        model = GridSearchCV(model, {"regression__C": _STRENGTHS}, scoring="accuracy", cv=folds)
    model.fit(list(train_texts), list(train_labels))
    return [str(label) for label in model.predict(list(test_texts))] if len(test_texts) else []


def _pipeline(seed: int) -> Pipeline:
    features = FeatureUnion(
        [
            (
                "words",
                TfidfVectorizer(analyzer="word", token_pattern=r"(?u)\b\w+\b", ngram_range=(1, 2), sublinear_tf=True),
            ),
            ("letters", TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)),
        ]
    )
    regression = LogisticRegression(C=_STRENGTH_UNTRIED, max_iter=2000, random_state=seed)
    return Pipeline([("features", features), ("regression", regression)])
