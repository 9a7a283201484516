"""The tokens of a reply with their log-probabilities, as far as the endpoint gives them in a form that can be used."""

import json
import math
import re
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, NamedTuple

_TOKEN_ID = re.compile(r"token_id:(\d{1,9})")


class Token(NamedTuple):
    """A token, its log-probability (nats), and those of the tokens that might have stood in its place."""

    text: str
    logprob: float
    others: tuple[tuple[str, float], ...] = ()
    spelled: bytes | None = None  # what it writes, where `text` is its id

    @property
    def written(self) -> bytes:
        """What the token writes, in UTF-8; a character can take several tokens."""
        return self.text.encode() if self.spelled is None else self.spelled


def read_tokens(given: Any) -> list[Token]:
    """Return the tokens in a choice's `logprobs`; none unless every one of them has a finite log-probability."""
    if not isinstance(given, dict):
        return []
    if isinstance(given.get("tokens"), list) and isinstance(given.get("token_logprobs"), list):
        # the form of OpenAI's older completions, which some servers still send
        pairs = [_pair(*one) for one in zip(given["tokens"], given["token_logprobs"], strict=False)]
        tokens = [Token(*pair) if pair else None for pair in pairs]
    else:
        content = given.get("content")
        tokens = [_token(one) for one in content] if isinstance(content, list) else []
    whole = [token for token in tokens if token is not None]
    return whole if len(whole) == len(tokens) else []


def by_id(tokens: list[Token]) -> tuple[tuple[int, ...], tuple[dict[int, float], ...]]:
    """Return the tokens' ids and log-probabilities by id; both empty if the endpoint names tokens by their text."""
    ids = [_token_id(token.text) for token in tokens]
    if None in ids:
        return (), ()
    return tuple(id_ for id_ in ids if id_ is not None), tuple(dict(_steps(token)) for token in tokens)


def spelling(tokens: list[Token], answer: str) -> list[Token]:
    """Return the tokens that spell `answer`; all if none are found to do so.

    Around it stand JSON, reasoning, a stop text, and the ends of turns.
    """
    whole = b"".join(token.written for token in tokens)
    forms = (form.encode() for form in (answer, json.dumps(answer)[1:-1]))
    spelled = next((form for form in forms if form and form in whole), None)
    if spelled is None:
        return tokens
    start = whole.rfind(spelled)
    end = start + len(spelled)
    stops = accumulate(len(token.written) for token in tokens)
    return [
        token for token, stop in zip(tokens, stops, strict=True) if stop > start and stop - len(token.written) < end
    ]


def _steps(token: Token) -> Iterator[tuple[int, float]]:
    for text, logprob in (*token.others, (token.text, token.logprob)):
        if (id_ := _token_id(text)) is not None:
            yield id_, logprob


def _token(given: Any) -> Token | None:
    if not isinstance(given, dict):
        return None
    pair, listed = _pair(given.get("token"), given.get("logprob")), given.get("top_logprobs")
    top = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    others = [_pair(one.get("token"), one.get("logprob")) for one in top]
    if pair is None:
        return None
    spelled = _written(given) if _TOKEN_ID.fullmatch(pair[0]) else None
    return Token(*pair, tuple(other for other in others if other), spelled)


def _written(given: dict[str, Any]) -> bytes | None:
    values = given.get("bytes")
    try:
        return bytes(values) if isinstance(values, list) else None
    except (TypeError, ValueError):
        return None


def _pair(text: Any, logprob: Any) -> tuple[str, float] | None:
    try:
        number = float(logprob)
    except (TypeError, ValueError):
        return None
    return (text, number) if isinstance(text, str) and math.isfinite(number) else None


def _token_id(text: str) -> int | None:
    match = _TOKEN_ID.fullmatch(text)
    return int(match[1]) if match else None
