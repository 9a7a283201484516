"""The judge's prompts: two answers to compare, or one to score.

The wording is part of every verdict's key.
Source: two answers in one prompt, a third verdict for neither, and the warnings about order and length after the
judge of MT-Bench (Zheng et al., arXiv:2306.05685; lm-sys/FastChat, fastchat/llm_judge/data/judge_prompts.jsonl at
0e6e7fdc); the wording is ours. That judge explains itself first; ours gives the verdict only, which can be constrained
and costs a few tokens.
"""

from collections.abc import Sequence

from stillhouse.data.row import Messages
from stillhouse.recipe.judge import Judge
from stillhouse.skills.skill import Skill


def pair_question(judge: Judge, request: str, first: str, second: str, reference: str | None) -> Messages:
    """Return the messages that ask which answer to `request` is better; `first` is shown as answer A."""
    parts = [("request", request)]
    if reference is not None:
        parts.append(("reference answer", reference))
    parts += [("answer A", first), ("answer B", second)]
    return _messages(judge.pair_prompt, parts, "Which is better: A, B, or C for neither?")


def score_question(judge: Judge, request: str, answer: str) -> Messages:
    """Return the messages that ask how good `answer` to `request` is."""
    return _messages(judge.score_prompt, [("request", request), ("answer", answer)], "Which score from 1 to 5?")


def request_text(messages: Messages, skill: Skill, labels: Sequence[str]) -> str:
    """Return the request as plain text, with the skill's instruction: a summary's limit is part of it."""
    turns = skill.zero_shot_messages(messages, labels)
    return "\n".join(f"{turn['role'].capitalize()}: {turn['content']}" for turn in turns)


def _messages(instruction: str, parts: Sequence[tuple[str, str]], question: str) -> Messages:
    shown = [f"[Begin of {name}]\n{text}\n[End of {name}]" for name, text in parts]
    return [
        {"role": "system", "content": instruction},
        {"role": "user", "content": "\n\n".join([*shown, question])},
    ]
