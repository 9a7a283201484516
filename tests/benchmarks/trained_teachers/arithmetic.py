"""Word problems of one or two steps, made by templates, for the chain with trained teachers.

A model of 135M parameters solves next to none of GSM8K, so there a teacher would have nothing to teach.
"""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.benchmarks.trained_teachers.recipes import Chain

SIZES = {"gold": 700, "few": 40, "prompts": 2400, "test": 200}
# the test rows have people and things of their own
PEOPLE = ("Anna", "Ben", "Carla", "David", "Emma", "Felix", "Grace", "Hugo", "Ines", "Jonas", "Kira", "Liam")
TEST_PEOPLE = ("Maria", "Noah", "Olga", "Paul", "Rosa", "Sam")
THINGS = ("apples", "books", "cards", "coins", "eggs", "flowers", "marbles", "pencils", "plates", "shells", "stamps")
TEST_THINGS = ("oranges", "buttons", "cups", "tickets", "stones")


class Template(NamedTuple):
    """A kind of problem: its words, its solution, and how its numbers a, b and c are drawn."""

    problem: str
    steps: str
    draw: Callable[[random.Random], tuple[int, int, int]]


def _sum(rng: random.Random) -> tuple[int, int, int]:
    return rng.randint(5, 60), rng.randint(5, 39), 0


def _rest(rng: random.Random) -> tuple[int, int, int]:
    whole = rng.randint(20, 90)
    return whole, rng.randint(3, whole - 3), 0


def _groups(rng: random.Random) -> tuple[int, int, int]:
    return rng.randint(2, 9), rng.randint(2, 9), rng.randint(2, 20)


def _groups_less(rng: random.Random) -> tuple[int, int, int]:
    a, b = rng.randint(3, 9), rng.randint(3, 9)
    return a, b, rng.randint(2, a * b - 2)


def _note(rng: random.Random) -> tuple[int, int, int]:
    a, b = rng.randint(2, 9), rng.randint(2, 9)
    return a, b, next(note for note in (20, 50, 100) if note > a * b)


def _gain_and_loss(rng: random.Random) -> tuple[int, int, int]:
    a, b = rng.randint(10, 50), rng.randint(5, 30)
    return a, b, rng.randint(3, a)


_KINDS = (
    ("{name} has {a} {things} and buys {b} more. How many {things} does {name} have now?", "a + b", _sum),
    ("{name} counts {a} {things}, {other} counts {b}. How many {things} do they count together?", "a + b", _sum),
    ("{name} had {a} {things} and gave {b} of them to {other}. How many {things} are left?", "a - b", _rest),
    ("{name} needs {a} {things} and has {b} so far. How many {things} are missing?", "a - b", _rest),
    ("{name} buys {a} boxes with {b} {things} in each. How many {things} is that?", "a * b", _groups),
    ("{name} has {c} {things} and buys {a} bags of {b}. How many {things} is that now?", "a * b + c", _groups),
    ("{a} shelves hold {b} {things} each, and {c} are on the floor. How many {things}?", "a * b + c", _groups),
    ("{name} fills {a} trays with {b} {things} each and sells {c}. How many remain?", "a * b - c", _groups_less),
    ("{a} {things} cost {b} euros each. {name} pays with {c} euros. How much is the change?", "c - a * b", _note),
    ("{name} has {a} {things}, finds {b} more and gives {c} to {other}. How many?", "a + b - c", _gain_and_loss),
)
TEMPLATES = tuple(Template(*kind) for kind in _KINDS)


def chain(_: Path | None) -> Chain:
    """Return the chain; its rows are the same each time."""
    drawn = _problems(random.Random(0))
    rows = {part: [next(drawn[part == "test"]) for _ in range(size)] for part, size in SIZES.items()}
    return Chain(
        name="math",
        skill={"kind": "math"},
        columns={"id": "id", "text": "problem", "reference": "solution"},
        **rows,
        max_tokens=40,
        licence="Apache-2.0",
        # of 600 prompts a student of 15 layers learnt 0.05; one student, so that four times as many take half an hour
        students=({"name": "15 layers", "layers": 15},),
        # problems of one template are nearly the same but for their numbers, which are what matters here
        data={"near_duplicate_similarity": None, "test_similarity": None, "test_run_words": None},
    )


def _problems(rng: random.Random) -> dict[bool, Iterator[dict[str, Any]]]:
    """Return endless problems, by whether they are for the test; no template gets the same numbers twice."""
    seen: set[tuple[Template, tuple[int, int, int]]] = set()

    def draw(people: tuple[str, ...], things: tuple[str, ...]) -> Iterator[dict[str, Any]]:
        while True:
            template = rng.choice(TEMPLATES)
            numbers = template.draw(rng)
            key = (template, numbers if "c" in template.steps else (*numbers[:2], 0))
            if key not in seen:
                seen.add(key)
                name, other = rng.sample(people, 2)
                words = {"name": name, "other": other, "things": rng.choice(things)}
                yield _row(len(seen), template, numbers, words)

    return {False: draw(PEOPLE, THINGS), True: draw(TEST_PEOPLE, TEST_THINGS)}


def _row(number: int, template: Template, numbers: tuple[int, int, int], words: dict[str, str]) -> dict[str, Any]:
    values = dict(zip("abc", numbers, strict=True))
    lines, answer = _solve(template.steps, values)
    solution = "\n".join([*lines, f"#### {answer}"])
    return {"id": f"m{number}", "problem": template.problem.format(**values, **words), "solution": solution}


def _solve(steps: str, values: dict[str, int]) -> tuple[list[str], int]:
    """Return an equation a step, the product first, and the result."""
    terms: list[str | int] = [values.get(term, term) for term in steps.split()]
    lines = []
    while len(terms) > 1:
        at = terms.index("*") if "*" in terms else 1
        left, sign, right = terms[at - 1 : at + 2]
        assert isinstance(left, int)
        assert isinstance(right, int)
        result = {"+": left + right, "-": left - right, "*": left * right}[str(sign)]
        lines.append(f"{left} {sign} {right} = {result}")
        terms[at - 1 : at + 2] = [result]
    assert isinstance(terms[0], int)
    return lines, terms[0]
