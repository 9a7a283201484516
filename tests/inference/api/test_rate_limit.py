from stillhouse.inference.api.rate_limit import Pace
from stillhouse.inference.api.request import Question
from tests.support.api.requests import teacher


def question(text: str) -> Question:
    return Question(key="k", prompt=text, sample_index=0)


def pace() -> Pace:
    endpoint = teacher().endpoint
    assert endpoint
    return Pace(endpoint)


def test_estimate_goes_by_bytes_until_the_endpoint_has_counted():
    estimating = pace()
    assert estimating.estimate(question("x" * 300)) == 104
    # a Chinese letter is about one token, not a third of one
    assert estimating.estimate(question("字" * 300)) == 304


def test_estimate_goes_by_what_the_endpoint_counted():
    estimating = pace()
    estimating.learn(question("x" * 300), 60)
    estimating.learn(question("x" * 100), 20)
    estimating.learn(question("x" * 500), 0)  # it did not say
    assert estimating.estimate(question("x" * 50)) == 10
