"""The recipe's section `filters`: the settings of all rules, and what concerns no single rule.

The rules are found: each file of stillhouse/filters/rules holds one, and its fields become fields of `Filters`.
"""

import pkgutil
from importlib import import_module
from types import ModuleType
from typing import Any, Self, TypeVar

from pydantic import Field, create_model

from stillhouse.config import FrozenModel, optional_identity
from stillhouse.filters import rules
from stillhouse.filters.rule import FilterRule

R = TypeVar("R", bound=FilterRule)

# The first rule that objects names the reason, so this order decides what is counted. A rule that is not listed runs
# after those listed of its kind.
_ORDER = (
    "failed",
    "truncated",
    "empty",
    "refused",
    "repetitive",
    "language",
    "unparsable",
    "too_long",
    "verification",
    "judge",
    "agreement",
    "confidence",
    "near_duplicate",
)


def find_rules(package: ModuleType) -> tuple[type[FilterRule], ...]:
    """Return the rule of each file of a package, in the order in which they run.

    Raises:
        TypeError: a file defines no rule, or several.
    """
    found = [_rule_in(f"{package.__name__}.{file.name}") for file in pkgutil.iter_modules(package.__path__)]
    ranks = {name: rank for rank, name in enumerate(_ORDER)}
    return tuple(sorted(found, key=lambda rule: (ranks.get(rule.name, len(ranks)), rule.name)))


def _rule_in(module: str) -> type[FilterRule]:
    own = [value for value in vars(import_module(module)).values() if getattr(value, "__module__", "") == module]
    found = [value for value in own if isinstance(value, type) and issubclass(value, FilterRule)]
    if len(found) != 1:
        raise TypeError(
            f"{module} defines {len(found)} filter rules. A file of this folder defines one: a subclass of "
            "CandidateRule, PromptRule or DatasetRule (stillhouse/filters/rule.py)."
        )
    return found[0]


RULES = find_rules(rules)
# each filter that can be switched off, by its name, with the settings that do so
OFF: dict[str, dict[str, Any]] = {rule.name: dict(rule.off) for rule in RULES if rule.off}
OFF["hard_share"] = {"hard_share": None}


def _with_rule_fields(base: type[FrozenModel]) -> type[FrozenModel]:
    """Return `base` with the fields of all rules before its own."""
    fields: dict[str, Any] = {}
    for rule in RULES:
        assert not fields.keys() & rule.model_fields.keys(), f"a field of {rule.__name__} is another rule's too"
        fields |= {name: (field.annotation, field) for name, field in rule.model_fields.items()}
    parent = create_model("RuleFields", __base__=FrozenModel, **fields)
    return create_model(base.__name__, __base__=(base, parent), __module__=base.__module__, __doc__=base.__doc__)


@_with_rule_fields
class Filters(FrozenModel):
    """The fields of the rules, in the order in which these run: the first that objects names the reason."""

    check_labels: bool = optional_identity(
        False,
        "have the teacher answer labelled rows too, to find likely mislabelled ones (suspects.jsonl); they still train "
        "on their label",
    )
    hard_share: float | None = optional_identity(
        None,
        "share of the teacher-answered training rows that come from the hardest third, by how unsure the teacher was. "
        "Rows of the over-represented kind are dropped until the share holds; none leaves the rows as they are",
        ge=0.0,
        le=1.0,
    )
    min_success_ratio: float = Field(
        0.5, ge=0.0, le=1.0, description="the stage fails if a smaller share of prompts keeps an answer"
    )

    def rule(self, kind: type[R]) -> R:
        """Return a rule with the settings that this recipe gives it."""
        return kind(**{name: getattr(self, name) for name in kind.model_fields})

    def rules(self) -> tuple[FilterRule, ...]:
        """Return all rules with their settings, in the order in which they run."""
        return tuple(map(self.rule, RULES))

    @property
    def active(self) -> tuple[str, ...]:
        """The names of the filters that are on and could be switched off, in the order in which they run."""
        return tuple(name for name in OFF if self.without(name) != self)

    def without(self, name: str) -> Self:
        """Return these filters with one of them switched off, by its name."""
        return self.model_copy(update=OFF[name])
