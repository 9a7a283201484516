"""What a report says of the code that wrote it."""

import re

from stillhouse.reports.provenance import provenance


def test_provenance_of_a_clone_names_its_commit():
    assert re.fullmatch(r"[0-9a-f]{40}", provenance()["commit"])


def test_provenance_of_an_image_names_the_commit_it_was_built_from(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("STILLHOUSE_COMMIT", "c0ffee")
    assert provenance()["commit"] == "c0ffee"


def test_provenance_without_git_names_no_commit(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("STILLHOUSE_COMMIT", raising=False)
    assert provenance()["commit"] is None
