"""What stands out when training examples are held against the test rows."""

import random

import pytest

from stillhouse.dataset.coverage import compare, length_of, p_value, script_of


def texts(number: int, words: str = "where is my parcel", seed: int = 0) -> list[str]:
    rng = random.Random(seed)
    return [" ".join(rng.choices(words.split(), k=6)) for _ in range(number)]


def test_compare_equal_sides_name_nothing() -> None:
    labels = (["a", "b"] * 100, ["a", "b"] * 50)
    found = compare(texts(200), texts(100, seed=1), labels)
    assert found.findings == ()
    assert {(one.kind, one.group, one.train, one.test) for one in found.groups if one.kind == "label"} == {
        ("label", "a", 100, 50),
        ("label", "b", 100, 50),
    }


def test_compare_a_label_of_another_share_is_named_with_both_shares() -> None:
    found = compare(texts(200), texts(200, seed=1), (["a"] * 20 + ["b"] * 180, ["a"] * 100 + ["b"] * 100))
    assert found.findings == (
        "label 'a' is under-represented in training: 10.0% of 200 examples, 50.0% of 200 test rows",
        "label 'b' is over-represented in training: 90.0% of 200 examples, 50.0% of 200 test rows",
    )


def test_compare_a_script_a_length_and_a_topic_of_one_side_stand_out() -> None:
    found = compare(texts(100), texts(100, "где моя посылка скажите пожалуйста очень долго"), None)
    kinds = {line.split()[0] for line in found.findings}
    assert kinds == {"length", "script", "cluster"}
    assert any("'cyrillic' is under-represented" in line for line in found.findings)


def test_compare_few_rows_say_nothing() -> None:
    found = compare(texts(200), texts(29), (["a"] * 200, ["b"] * 29))
    assert found.findings == ()
    assert found.test == 29


@pytest.mark.parametrize(("text", "script"), [("Hallo", "latin"), ("你好", "cjk"), ("где", "cyrillic"), ("1", "none")])
def test_script_of_is_that_of_most_letters(text: str, script: str) -> None:
    assert script_of(text) == script


def test_length_of_buckets_are_each_twice_as_wide() -> None:
    assert [length_of("x" * number) for number in (0, 32, 33, 64, 65)] == [
        "0 to 32 characters",
        "0 to 32 characters",
        "33 to 64 characters",
        "33 to 64 characters",
        "65 to 128 characters",
    ]


def test_p_value_is_that_of_the_two_proportion_z_test() -> None:
    # pooled 0.25: z = 0.1 / sqrt(0.25 * 0.75 * 0.02) = 1.63299
    assert p_value(30, 100, 20, 100) == pytest.approx(0.10247, abs=1e-5)
    assert p_value(5, 5, 9, 9) == 1.0
