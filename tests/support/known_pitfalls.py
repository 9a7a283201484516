"""The pitfalls that users of other projects fell into, by the name that tests carry: `@pytest.mark.pitfall("name")`.

`pytest -m pitfall` runs exactly these tests; each fails where the bug is put in.
"""

PITFALLS = {
    "turns": "Azure: a row is known by its last user message in one place and by its first in the other, so that "
    "conversations miss their answers",
    "system": "Azure: a row is known without its system prompt, so that one question under two of them is one",
    "bad row": "Azure: one bad row inside a large `try` drops all rows after it",
    "task prompt": "Azure: the prompt that asks for reasoning replaces the task's own system prompt",
    "join": "EasyDistill: answers are joined by their place in a run, so that shuffling pairs them with other rows",
    "kill": "curator: everything is written at the end, so that a kill loses it all",
    "licence": "curator: the card states a licence that nobody gave",
    "edited prompt": "NeMo-Skills: resumed by row number, so that an edited prompt keeps its stale answer",
    "none rows": "distilabel: a failed batch becomes rows of None, and the run goes on",
    "no effect": "synthetic-data-kit: a setting that no code reads",
    "sample": "lm-eval: sampled answers stored by prompt alone are all the same",
    "export": "LLaMA-Factory: what is measured is not what is exported",
    "held out": "distill-anything: measured on rows that it was trained on",
    # Naive caches of top-k logits lose the tail's mass: no student here trains on logits, and none is kept for it. What
    # is stored are answers' own log-probabilities, which nothing adds up to a distribution.
}
