"""docs/reference/skills.md, from the skills' classes."""

import inspect
import sys

from docs.generate.markdown import code, codes, page, sentence, table
from docs.generate.models import bounds_of, default_of, type_of
from stillhouse.skills.registry import SKILLS
from stillhouse.skills.skill import Skill

_INTRO = """
`skill.kind` says what the student learns. It decides how models are asked, how answers are read and checked, and what
quality means. `stillhouse run nli` and so on run the shipped recipes of these names, on a few dozen rows written for
this project. Copy them and put your own files in. [Your own data](../guides/your-data.md) says which columns a row has.
"""
_HEADER = ("field", "type", "default", "bounds", "meaning")


def skills_page() -> str:
    """Return the page of all skills: a table, then a section for each."""
    rows = [[f"[`{kind}`](#{kind})", _summary(skill), codes(skill.metric_names())] for kind, skill in SKILLS.items()]
    overview = table(("`kind`", "what a student learns", "metrics, the compared one first"), rows)
    return page("Skills", _INTRO, overview, *(_section(kind, skill) for kind, skill in SKILLS.items()))


def _summary(skill: type[Skill]) -> str:
    return sentence((inspect.getdoc(skill) or "").split("\n\n")[0])


def _section(kind: str, skill: type[Skill]) -> str:
    answer = "one label of a fixed set, enforced while decoding" if skill.has_labels else "free text"
    columns = f" `data.*.columns` also has {codes(skill.columns)}." if skill.columns else ""
    fields = [
        [code(name), type_of(name, field), default_of(field), bounds_of(field), field.description or ""]
        for name, field in skill.model_fields.items()
        if name != "kind"
    ]
    measured = f"Metrics: {codes(skill.metric_names())}. {skill.how_measured}"
    blocks = [f"## {kind}", f"{_summary(skill)} The answer is {answer}.{columns}", _example(skill), measured]
    return "\n\n".join(filter(None, [*blocks, table(_HEADER, fields)]))


def _example(skill: type[Skill]) -> str:
    """Return the example row of the module's docstring."""
    text = inspect.cleandoc(sys.modules[skill.__module__].__doc__ or "").partition("Example row: ")[2]
    return f"```text\n{text.partition('Source:')[0].strip()}\n```" if text else ""
