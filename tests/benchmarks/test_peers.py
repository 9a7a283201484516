from tests.benchmarks.peers.figures import Took, verdicts


def took(seconds: dict[str, float], asking_s: dict[str, float]) -> dict[str, list[Took]]:
    return {way: [Took(whole, asking_s.get(way), 30)] for way, whole in seconds.items()}


def test_verdicts_compare_with_bare_asking_and_with_the_better_of_the_two():
    asking = {"bare": 9.7, "stillhouse": 10.0}
    first = took({"bare": 9.0, "stillhouse": 20.0, "distilabel": 22.0, "curator": 40.0}, asking)
    again = took({"bare": 9.0, "stillhouse": 10.0, "distilabel": 60.0, "curator": 49.0}, asking)
    assert verdicts({"first": first, "again": again}) == [
        "asking: bare / Stillhouse: 9.7 s / 10.0 s = 0.97 (bound 0.97: met)",
        "whole, first: better of the two / Stillhouse: 22.0 s / 20.0 s = 1.10 (bound 1.1: met)",
        "whole, again: better of the two / Stillhouse: 49.0 s / 10.0 s = 4.90 (bound 5: missed)",
    ]
    # medians of rounds: one slow process decides nothing
    first["stillhouse"] += [Took(20.0, 12.0, 30), Took(90.0, 11.0, 30)]
    assert verdicts({"first": first, "again": again})[:2] == [
        "asking: bare / Stillhouse: 9.7 s / 11.0 s = 0.88 (bound 0.97: missed)",
        "whole, first: better of the two / Stillhouse: 22.0 s / 20.0 s = 1.10 (bound 1.1: met)",
    ]
