"""What Stillhouse says of its own version; reports and `stillhouse --version` say it."""

import re
from importlib.metadata import version

from stillhouse.reports.provenance import provenance
from stillhouse.runtime.code_version import commit, version_line


def test_commit_in_a_clone_is_its_head():
    assert re.fullmatch(r"[0-9a-f]{40}", commit() or "")


def test_commit_in_an_image_is_its_build_commit():
    assert commit({"PATH": "/nowhere", "STILLHOUSE_COMMIT": "c0ffee"}) == "c0ffee"


def test_commit_without_git_is_unknown():
    assert commit({"PATH": "/nowhere"}) is None


def test_version_line_in_a_clone_names_version_and_commit():
    assert version_line() == f"stillhouse {version('stillhouse')} (commit {(commit() or '')[:12]})"


def test_version_line_without_git_names_the_version_only(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("STILLHOUSE_COMMIT", raising=False)
    assert version_line() == f"stillhouse {version('stillhouse')}"


def test_provenance_of_a_report_names_the_commit():
    assert provenance()["commit"] == commit()
