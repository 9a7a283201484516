import os
from pathlib import Path

from tests.benchmarks.generation import longest_gap, verdict


def test_verdict_compares_medians_of_tokens_a_second_with_the_bound():
    rates = {"bare": [90.0, 100.0, 400.0], "pipeline": [97.0, 50.0, 98.0]}
    assert "ratio 0.970 (bound 0.97: met)" in verdict(rates, 10.0)
    assert "ratio 0.960 (bound 0.97: missed)" in verdict({**rates, "pipeline": [96.0]}, 10.0)
    assert "10.5 s apart (bound 10: missed)" in verdict(rates, 10.5)


def test_longest_gap_lies_between_two_segments_of_one_round(tmp_path: Path):
    for folder, at in [("a", 0), ("a", 4), ("a", 11), ("b", 60)]:
        (tmp_path / folder).mkdir(exist_ok=True)
        segment = tmp_path / folder / f"{at}.parquet"
        segment.touch()
        os.utime(segment, (at, at))
    assert longest_gap(tmp_path) == 7.0
