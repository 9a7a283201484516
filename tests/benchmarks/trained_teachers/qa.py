"""Short notices of public places with a question about each, for the chain with trained teachers.

A notice has four or five facts. One question in six is about a fact that it lacks: the answer is `no answer`.
"""

import random
from pathlib import Path
from typing import Any, NamedTuple

from tests.benchmarks.trained_teachers.recipes import Chain

SIZES = {"gold": 480, "few": 40, "prompts": 520, "test": 200}
NO_ANSWER = "no answer"
UNANSWERED = 1 / 6
# the test rows have places, people and things of their own
PLACES = ("library", "swimming pool", "museum", "bakery", "theatre", "sports hall", "bookshop", "aquarium")
TEST_PLACES = ("cinema", "gallery", "market hall", "ice rink")
STREETS = ("Elm Street", "Mill Lane", "Harbour Road", "Park Avenue", "Castle Hill", "River Walk", "North Gate")
TEST_STREETS = ("Abbey Street", "Station Road", "Linden Square")
PEOPLE = ("Mr Adams", "Mrs Bauer", "Ms Costa", "Dr Duval", "Mr Eriksen", "Mrs Fofana", "Ms Greco", "Mr Hassan")
TEST_PEOPLE = ("Ms Ito", "Mr Jansen", "Mrs Kowalski", "Dr Lindqvist", "Ms Moreau")
THINGS = ("a towel", "warm clothes", "a photo", "your own cup", "a student card", "clean shoes", "a pen")
TEST_THINGS = ("a torch", "an umbrella", "your ticket", "two coins")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Fact(NamedTuple):
    """What a notice can say, in one of several ways, and how one asks for it."""

    said: tuple[str, ...]
    asked: tuple[str, ...]


FACTS = {
    "opens": Fact(("It opens at {}.", "Doors open at {}."), ("When does it open?", "At what time do doors open?")),
    "closes": Fact(
        ("It closes at {}.", "Visitors must leave by {}."), ("When does it close?", "Until when is it open?")
    ),
    "day": Fact(("It is closed on {}.", "There is no service on {}."), ("On which day is it closed?",)),
    "price": Fact(("Entry costs {}.", "A ticket is {}."), ("What does entry cost?", "How much is a ticket?")),
    "person": Fact(
        ("{} answers questions.", "For help, ask {}."), ("Who answers questions?", "Whom do I ask for help?")
    ),
    "manager": Fact(("{} is the manager.", "It is run by {}."), ("Who is the manager?", "Who runs it?")),
    "phone": Fact(("Call {}.", "The phone number is {}."), ("What is the phone number?", "Which number do I call?")),
    "bus": Fact(("Take bus {}.", "Bus {} stops outside."), ("Which bus stops outside?", "What bus do I take?")),
    "bring": Fact(("Please bring {}.", "Visitors need {}."), ("What should I bring?", "What do visitors need?")),
    "year": Fact(("It was built in {}.", "It dates from {}."), ("When was it built?", "From which year is it?")),
}


def chain(_: Path | None) -> Chain:
    """Return the chain; its rows are the same each time."""
    rng, rows, seen = random.Random(0), {}, set()
    for part, size in SIZES.items():
        rows[part] = []
        while len(rows[part]) < size:
            row = _row(rng, is_test=part == "test")
            if row["passage"] not in seen:
                seen.add(row["passage"])
                rows[part].append({"id": f"q{len(seen)}", **row})
    return Chain(
        name="qa",
        skill={"kind": "qa", "no_answer": NO_ANSWER},
        columns={"id": "id", "text": "question", "context": "passage", "reference": "answer"},
        **rows,
        max_tokens=16,
        licence="Apache-2.0",
        # the shared default of two epochs, and one student: more takes over half an hour on two cores
        students=({"name": "15 layers", "layers": 15},),
        # notices with other facts share most of their words
        data={"near_duplicate_similarity": None, "test_similarity": None, "test_run_words": None},
    )


def _row(rng: random.Random, *, is_test: bool) -> dict[str, Any]:
    values = _values(rng, is_test=is_test)
    told = rng.sample(sorted(FACTS), rng.randint(4, 5))
    lacking = sorted(set(FACTS) - set(told))
    place, street = rng.choice(TEST_PLACES if is_test else PLACES), rng.choice(TEST_STREETS if is_test else STREETS)
    about = rng.choice(lacking if rng.random() < UNANSWERED else told)
    said = [rng.choice(FACTS[name].said).format(values[name]) for name in told]
    return {
        "passage": " ".join([f"Notice of the {place} in {street}.", *said]),
        "question": rng.choice(FACTS[about].asked),
        "answer": values[about] if about in told else NO_ANSWER,
    }


def _values(rng: random.Random, *, is_test: bool) -> dict[str, str]:
    """Return what each fact would say; no two people of a notice are the same."""
    person, manager = rng.sample(TEST_PEOPLE if is_test else PEOPLE, 2)
    return {
        "opens": f"{rng.randint(6, 11)}:{rng.choice(('00', '15', '30', '45'))} am",
        "closes": f"{rng.randint(4, 10)}:{rng.choice(('00', '15', '30', '45'))} pm",
        "day": rng.choice(DAYS),
        "price": f"{rng.randint(2, 19)} euros",
        "person": person,
        "manager": manager,
        "phone": f"{rng.randint(200, 999)} {rng.randint(1000, 9999)}",
        "bus": str(rng.randint(2, 99)),
        "bring": rng.choice(TEST_THINGS if is_test else THINGS),
        "year": str(rng.randint(1850, 2015)),
    }
