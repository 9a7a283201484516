"""Whether an export reads prompts and ends answers as its student was trained to: by token ids of the test prompts."""

from collections.abc import Iterator, Sequence

from stillhouse.data.row import Messages
from stillhouse.exports.rendering import Renderer
from stillhouse.exports.runtime import OwnTokens, Runtime

Ids = Sequence[int]


def prompt_problems(student: Renderer, export: Renderer, prompts: Sequence[Messages], runtime: Runtime) -> list[str]:
    """Return what differs between the export's prompts and stop tokens and those of training; empty if nothing does."""
    rendered = [student.render(messages) for messages in prompts]
    ids = [student.token_ids(text) for text in rendered]
    shown = [export.render(messages) for messages in prompts]
    found = [*_template(rendered, shown), *_tokens(ids, [export.token_ids(text) for text in shown], "the folder's")]
    own = [runtime.tokenize(text) for text in rendered]
    found += _tokens(ids, [one for one in own if one is not None], "the engine's own")
    return [*found, *_ends(student, export), *_own(student, runtime.own_tokens())]


def _template(rendered: Sequence[str], shown: Sequence[str]) -> Iterator[str]:
    pairs = list(zip(rendered, shown, strict=True))
    if differ := [pair for pair in pairs if pair[0] != pair[1]]:
        trained, now = differ[0]
        yield (
            f"its chat template renders {len(differ)} of {len(pairs)} test prompts otherwise than in training: "
            f"{_around(trained, now)!r} became {_around(now, trained)!r}"
        )


def _tokens(trained: Sequence[Ids], now: Sequence[Ids], whose: str) -> Iterator[str]:
    pairs = list(zip(trained, now, strict=False))
    if differ := [pair for pair in pairs if list(pair[0]) != list(pair[1])]:
        first = next((at for at, (one, other) in enumerate(zip(*differ[0], strict=False)) if one != other), 0)
        yield (
            f"by {whose} tokenizer {len(differ)} of {len(pairs)} test prompts have other tokens than in training: "
            f"{list(differ[0][0][first : first + 4])} became {list(differ[0][1][first : first + 4])} at token {first}"
        )


def _ends(student: Renderer, export: Renderer) -> Iterator[str]:
    if student.stop_ids != export.stop_ids:
        yield (
            f"its answers end on the tokens {sorted(export.stop_ids)}, and those of training on "
            f"{sorted(student.stop_ids)}"
        )
    trained, now = student.tokenizer.bos_token_id, export.tokenizer.bos_token_id
    if trained != now:
        yield f"its BOS token is {now}, and that of training {trained}"


def _own(student: Renderer, own: OwnTokens | None) -> Iterator[str]:
    if own is None:
        return
    if own.chat_template is not None and own.chat_template != student.tokenizer.chat_template:
        yield "the chat template inside its file is not that of training"
    trained = student.tokenizer.bos_token_id
    if own.bos_token_id is not None and trained is not None and own.bos_token_id != trained:
        yield f"the BOS token inside its file is {own.bos_token_id}, and that of training {trained}"
    if own.adds_bos is not None and own.adds_bos != student.adds_bos:
        yield f"its file says that BOS is {'' if own.adds_bos else 'not '}added to a text, other than in training"
    # an engine may end on more: those that its makers know for the end of a turn
    if own.stop_ids is not None and (missing := student.stop_ids - own.stop_ids):
        yield f"its file does not end an answer on {sorted(missing)}, on which training does"


def _around(text: str, other: str) -> str:
    """Return the piece of `text` around its first difference from `other`."""
    same = next((at for at, (one, two) in enumerate(zip(text, other, strict=False)) if one != two), None)
    first = min(len(text), len(other)) if same is None else same
    return text[max(0, first - 20) : first + 20]
