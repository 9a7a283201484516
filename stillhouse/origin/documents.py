"""Compares report, recipe and version with what a statement says of them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from stillhouse.origin.finding import Finding, changed
from stillhouse.origin.layout import RECIPE, REPORT, VERSION
from stillhouse.origin.schema import Predicate
from stillhouse.origin.trees import Change, changes, scores_of
from stillhouse.origin.write import digests_of


def document_faults(predicate: Predicate, texts: Mapping[str, str | None], advice: str) -> Iterator[Finding]:
    """Yield what differs between a statement and its documents, given by name; None: it is not there."""
    for name, digest in predicate.documents.items():
        text = texts.get(name)
        if text is None:
            yield Finding(name, f"SHA-256 {digest.sha256}", "no file", advice)
            continue
        # also of a document that is whole: it may be the statement that was changed
        named = _named(name, predicate, text, advice)
        yield from named
        found = digests_of({name: text})[name]
        if found != digest and not named:
            yield Finding(name, f"SHA-256 {digest.sha256}", f"SHA-256 {found.sha256}", advice)


def _named(name: str, predicate: Predicate, text: str, advice: str) -> list[Finding]:
    """Return each value of a document that the statement has otherwise."""
    try:
        found = yaml.safe_load(text) if name == RECIPE else json.loads(text)
    except (ValueError, yaml.YAMLError):
        return []
    if not isinstance(found, dict):
        return []
    return list(changed(name, _CHANGES[name](predicate, found), advice)) if name in _CHANGES else []


def _report_changes(predicate: Predicate, report: dict[str, Any]) -> list[Change]:
    return [
        *changes(predicate.scores, scores_of(report)),
        *changes({"recipe": predicate.recipe}, {"recipe": report.get("recipe")}),
    ]


def _recipe_changes(predicate: Predicate, recipe: dict[str, Any]) -> list[Change]:
    return changes(predicate.recipe, recipe)


def _version_changes(predicate: Predicate, version: dict[str, Any]) -> list[Change]:
    said = {
        "name": predicate.model,
        "version": predicate.version,
        "run_id": predicate.run_id,
        "recipe": predicate.recipe,
    }
    return changes(said, {field: version.get(field) for field in said})


_CHANGES = {REPORT: _report_changes, RECIPE: _recipe_changes, VERSION: _version_changes}
