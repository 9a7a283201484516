"""Terms of use that forbid training other models on a model's answers, by the model's name or its provider.

The table is as of November 2026. It is no legal advice, and it is not complete.
"""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from stillhouse.recipe.providers import PROVIDERS


@dataclass(frozen=True, kw_only=True)
class Terms:
    """One owner's terms."""

    owner: str
    url: str
    rule: str  # what they forbid
    models: str = r"(?!)"  # regular expression of the models' names, without case; by default none
    exempt_students: str = ""  # likewise, of the students that may be trained nonetheless


# value of `accept_terms` -> the terms
TERMS = {
    "openai": Terms(
        owner="OpenAI",
        url="https://openai.com/policies/services-agreement",
        rule="using output to develop models that compete with OpenAI",
        models=r"(chat)?gpt-?[345].*|o[134](-.*)?|text-davinci.*",  # not gpt2 and gpt-oss: their licences allow it
    ),
    "microsoft": Terms(
        owner="Microsoft",
        url="https://www.microsoft.com/licensing/terms",
        rule="using output to create, train or improve a similar or competing service",
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
        exempt_students=r".*llama[-_]?2.*",
    ),
    "llama3": Terms(
        owner="Meta",
        url="https://www.llama.com/llama3/license",
        rule="using output to improve any other large language model than Meta Llama 3 and its derivatives",
        models=r"(meta[-_])?llama[-_]?3(?![-._]?[1-9]([-._]|$)).*",  # from 3.1 on they allow it
        exempt_students=r".*llama[-_]?3.*",
    ),
}


def forbidding_terms(model: str, provider: str, student: str) -> str | None:
    """Return the name of the terms that forbid training `student` on the answers of `model`; None if none is known.

    `model` and `student` are names, folders or files. `provider` is the endpoint's provider, or empty.
    """
    provider_terms = PROVIDERS[provider].terms if provider else ""
    names = {model.casefold(), PurePosixPath(model).name.casefold()}
    student_name = PurePosixPath(student).name.casefold()
    for name, terms in TERMS.items():
        is_bound = name == provider_terms or any(re.fullmatch(terms.models, one) for one in names)
        if is_bound and not (terms.exempt_students and re.fullmatch(terms.exempt_students, student_name)):
            return name
    return None
