"""Terms of use that forbid to train other models on a teacher's output, by the teacher's name or provider.

As the terms read in November 2026; no legal advice, and not complete. A teacher that is not in it may have its own.
"""

import re
from pathlib import PurePosixPath

from pydantic import BaseModel, ConfigDict

from stillhouse.recipe.providers import PROVIDERS


class Terms(BaseModel):
    """One owner's terms."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    owner: str
    url: str
    rule: str  # what they forbid
    models: str  # names that fall under them, as a regular expression without case
    heirs: str = ""  # students that may be trained nonetheless, likewise


# what `accept_terms` names -> terms
TERMS = {
    "openai": Terms(
        owner="OpenAI",
        url="https://openai.com/policies/services-agreement",
        rule="using output to develop models that compete with OpenAI",
        models=r"(chat)?gpt-?[345].*|o[134](-.*)?|text-davinci.*",  # not gpt2 and gpt-oss, which are free
    ),
    "microsoft": Terms(
        owner="Microsoft",
        url="https://www.microsoft.com/licensing/terms",
        rule="using output to create, train or improve a similar or competing service",
        models=r"(?!)",
    ),
    "anthropic": Terms(
        owner="Anthropic",
        url="https://www.anthropic.com/legal/commercial-terms",
        rule="using the services to train competing AI models",
        models=r"(anthropic[./])?claude.*",
    ),
    "google": Terms(
        owner="Google",
        url="https://ai.google.dev/gemini-api/terms",
        rule="using the services to develop models that compete with them",
        models=r"(google[./])?gemini.*",
    ),
    "llama2": Terms(
        owner="Meta",
        url="https://ai.meta.com/llama/license",
        rule="using output to improve any other large language model than Llama 2 and its derivatives",
        models=r"(code)?llama[-_]?2.*",
        heirs=r".*llama[-_]?2.*",
    ),
    "llama3": Terms(
        owner="Meta",
        url="https://www.llama.com/llama3/license",
        rule="using output to improve any other large language model than Meta Llama 3 and its derivatives",
        models=r"(meta[-_])?llama[-_]?3(?![-._]?[1-9]([-._]|$)).*",  # from 3.1 on it is allowed
        heirs=r".*llama[-_]?3.*",
    ),
}


def terms_of(model: str, provider: str, student: str) -> str | None:
    """Return the name of the terms that forbid to train `student` on what `model` answers; None where none is known.

    `model` and `student` are names, folders or files; `provider` is an endpoint's, or empty.
    """
    served_under = PROVIDERS[provider].terms if provider else ""
    names = {model.casefold(), PurePosixPath(model).name.casefold()}
    for name, terms in TERMS.items():
        is_under = name == served_under or any(re.fullmatch(terms.models, one) for one in names)
        is_heir = bool(terms.heirs) and re.fullmatch(terms.heirs, PurePosixPath(student).name.casefold()) is not None
        if is_under and not is_heir:
            return name
    return None
