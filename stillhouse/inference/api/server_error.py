"""What a server says is wrong, read from the body of any provider: a status, codes and its own words.

Providers agree on no form: an error stands under `error`, `detail` or `base_resp`, or is the body itself, and its code
is a number, a number as text, or a name that may lie deeper than the error itself.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

_MAX_MESSAGE_CHARS = 300
_WRAPPERS = ("error", "errors", "detail", "fault", "base_resp")
_MESSAGES = ("message", "msg", "error_msg", "status_msg", "error_message", "detail", "description", "reason", "error")
_ERRORS = (dict, list)
# fields of numbers, as `plain` writes them
_NUMBERED = ("code", "status", "statuscode", "errorcode", "httpstatus")
# a code of HTTP's in an error's own body
_STATUSES = range(400, 600)

# codes as `plain` writes them
SPENT = frozenset(
    (
        *("insufficientquota", "billinghardlimitreached", "billingnotactive", "billingerror", "insufficientcredits"),
        *("insufficientbalance", "insufficientfunds", "paymentrequired", "arrearage"),
    )
)
FILTERED = frozenset(
    (
        *(
            "contentfilter",
            "contentfiltered",
            "contentpolicyviolation",
            "responsibleaipolicyviolation",
            "invalidprompt",
        ),
        *("moderation", "moderationblocked", "inputmoderation", "flaggedinput", "datainspectionfailed"),
        *("contentexistsrisk", "promptblocked", "guardrailintervened", "safety", "sensitive", "highrisk"),
        *("sensitivecontentdetected", "inputtextsensitivecontentdetected", "outputtextsensitivecontentdetected"),
    )
)
TOO_LONG = frozenset(("contextlengthexceeded", "stringabovemaxlength", "contextwindowexceeded", "prompttoolong"))
_WRONG_KEY = "invalidapikey"
# some providers have no code for it, or one that means much else too, and say it in words alone
_WORDS = {
    "contentfilter": re.compile(
        r"violat\w+ (our |the |its )?(\w+ )?(usage|content|safety) (guideline|polic)"
        r"|content (polic|filter|moderation)"
        r"|safety_check|safety (reasons|filter|system)|sensitive (content|word|information)|new_sensitive"
        r"|considered high risk|inappropriate content|prohibited_content"
        r"|blocked by (the )?(safety|moderation|guardrail)"
        r"|moderation (block|flag|fail)|flagged (by|as|for) |you have been blocked|web application firewall"
        r"|敏感|不安全|违规|不合规",
        re.IGNORECASE,
    ),
    "contextlengthexceeded": re.compile(
        r"(maximum|max) (context|model) len|context (length|window|size)"
        r"|(prompt|input|message|request)s? (is|are) too long"
        r"|exceeds? the (maximum|max) (number of )?(input )?(token|length)|input (token count|length) .{0,40}exceed"
        r"|too many (input |prompt )?tokens|reduce the length of",
        re.IGNORECASE,
    ),
    # Gemini refuses it with 400
    _WRONG_KEY: re.compile(r"api key (is )?(not valid|invalid|expired)|invalid api key", re.IGNORECASE),
}
# statuses by which a request is refused; 0: in a 200
_REFUSED = (0, 400, 403, 413, 422, 451)
# in this order: a quota that is spent is often called a rate limit too
_STATUS_BY_CODE: tuple[tuple[int, frozenset[str]], ...] = (
    (HTTPStatus.PAYMENT_REQUIRED, SPENT),
    (HTTPStatus.BAD_REQUEST, FILTERED | TOO_LONG),
    (
        HTTPStatus.TOO_MANY_REQUESTS,
        frozenset(("ratelimitexceeded", "ratelimiterror", "ratelimit", "toomanyrequests", "resourceexhausted")),
    ),
    (HTTPStatus.UNAUTHORIZED, frozenset((_WRONG_KEY, "authenticationerror", "unauthorized", "unauthenticated"))),
    (HTTPStatus.FORBIDDEN, frozenset(("permissiondenied", "permissionerror", "forbidden"))),
    (HTTPStatus.NOT_FOUND, frozenset(("modelnotfound", "notfounderror", "notfound"))),
    (
        HTTPStatus.BAD_REQUEST,
        frozenset(("invalidrequesterror", "badrequesterror", "badrequest", "invalidargument", "invalidparameter")),
    ),
)


@dataclass(frozen=True)
class ServerError:
    """An error in a server's own terms."""

    status: int  # HTTP's, or what the codes in the body mean; 0 if nothing says
    codes: frozenset[str]  # all codes and names in the error, and what its words mean; lower-case letters and digits
    message: str  # on one line; empty if there is none


def read_error(body: Any, status: int = 0) -> ServerError | None:
    """Return the error in the JSON of a response with HTTP status `status`, or None if it names none."""
    error = _innermost(body)
    if error is None:
        return None
    message = _message(error)
    codes = frozenset(filter(None, map(plain, (*_codes(error), message))))
    if status in _REFUSED and not codes & SPENT:
        codes |= {code for code, words in _WORDS.items() if words.search(message)}
    if status == HTTPStatus.BAD_REQUEST and _WRONG_KEY in codes:
        status = HTTPStatus.UNAUTHORIZED
    return ServerError(status or _status_of(codes), codes, _shortened(message))


def plain(code: Any) -> str:
    """Return a code in lower-case letters and digits alone: `content_filter`, `ContentFilter` are one."""
    return re.sub(r"[^a-z0-9]", "", str(code).lower())


def _innermost(body: Any) -> Any:
    """Return the error inside its wrappers; None if the body neither has one nor is one."""
    error, is_error = body, False
    while True:
        inner: Any = None
        if isinstance(error, list):
            inner = next(iter(error), None)
        elif isinstance(error, dict):
            inner = next((error[name] for name in _WRAPPERS if isinstance(error.get(name) or None, _ERRORS)), None)
            is_error |= inner is not None or any(isinstance(error.get(name), str) for name in _MESSAGES)
        if not inner:
            return error if is_error else None
        error = inner


def _message(error: Any) -> str:
    if isinstance(error, dict):
        texts = (error.get(name) for name in _MESSAGES)
        found = next((text for text in texts if isinstance(text, str) and text.strip()), None)
        return found or json.dumps(error, ensure_ascii=False)
    return str(error)


def _codes(error: Any) -> Iterator[str]:
    """Yield what may be a code at any depth: the names of fields that hold something, texts, and numbers of codes."""
    if isinstance(error, dict):
        for name, value in error.items():
            if (name in _MESSAGES and name != "error") or not value:
                continue
            yield str(name)
            if plain(name) in _NUMBERED:
                yield str(value)
            yield from _codes(value)
    elif isinstance(error, list):
        for value in error:
            yield from _codes(value)
    elif isinstance(error, str):
        yield error


def _status_of(codes: frozenset[str]) -> int:
    for status, names in _STATUS_BY_CODE:
        if codes & names:
            return int(status)
    return next((int(code) for code in sorted(codes) if code.isdecimal() and int(code) in _STATUSES), 0)


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MAX_MESSAGE_CHARS else line[:_MAX_MESSAGE_CHARS] + " …"
