"""Every skill, found in the files of this folder: a new skill needs a new file and no other change."""

import functools
import importlib
import operator
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

from pydantic import Discriminator, Tag

from stillhouse.metrics.metric import Metric
from stillhouse.skills.skill import Skill


def _find_skills() -> dict[str, type[Skill]]:
    """Return each skill's class by its kind, in the order of the file names."""
    skills: dict[str, type[Skill]] = {}
    for file in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if file.name == "registry":
            continue
        module = importlib.import_module(f"stillhouse.skills.{file.name}")
        for item in vars(module).values():
            is_own = isinstance(item, type) and issubclass(item, Skill) and item.__module__ == module.__name__
            # base classes that skills share have no kind
            if is_own and get_origin(item.model_fields["kind"].annotation) is Literal:
                (kind,) = get_args(item.model_fields["kind"].annotation)
                assert kind not in skills, f"two skills have the kind {kind}"
                skills[kind] = item
    return skills


def _find_metrics() -> dict[str, Metric]:
    """Return every metric of a skill by its name."""
    metrics: dict[str, Metric] = {}
    for metric in (metric for skill in SKILLS.values() for metric in skill.metrics):
        assert metrics.setdefault(metric.name, metric) is metric, f"two metrics have the name {metric.name}"
    return metrics


def _kind_of(skill: Any) -> Any:
    """Return the kind of a section `skill`. Without one it is a classification, the kind of the first recipes."""
    return skill.get("kind", "classification") if isinstance(skill, dict) else getattr(skill, "kind", None)


SKILLS = _find_skills()
METRICS = _find_metrics()

# the type of a field for any skill; pydantic chooses the class by the kind
if TYPE_CHECKING:
    AnySkill = Skill
else:
    tagged = [Annotated[skill, Tag(kind)] for kind, skill in SKILLS.items()]
    AnySkill = Annotated[functools.reduce(operator.or_, tagged), Discriminator(_kind_of)]
