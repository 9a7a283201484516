"""The documentation's own promises: its links lead somewhere, its site has every page, its first screen stays one."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.paths import ROOT

DOCS = ROOT / "docs"
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *DOCS.rglob("*.md"),
        *(ROOT / "infra").rglob("*.md"),
        *(ROOT / "tasks").rglob("*.md"),
        *(ROOT / "deployments").rglob("*.md"),
    ]
)
FENCE = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
FILE = re.compile(r"(?:stillhouse|tasks|flows|deployments|infra|tests|docs)/[\w./-]*")
SCHEME = re.compile(r"[a-z]+:")


def prose(page: Path) -> str:
    """Return the page without its code: neither blocks nor `spans` hold links or headings."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    return re.sub(r"^(?: {4}|\t).*$", "", text, flags=re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """Return the anchors of the page's headings as GitHub makes them."""
    found: list[str] = []
    seen: Counter[str] = Counter()
    for heading in re.findall(r"^#{1,6} +(.+?) *$", prose(page), re.MULTILINE):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        found.append(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return set(found)


def broken(page: Path) -> list[str]:
    """Return the relative links of the page whose file or anchor does not exist."""
    wrong = []
    for link in LINK.findall(re.sub(r"`[^`\n]*`", "", prose(page))):
        if SCHEME.match(link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            wrong.append(link)
    return wrong


def spans(page: Path) -> list[str]:
    """Return the page's code spans."""
    return re.findall(r"`([^`\n]+)`", prose(page))


def listed(nav: Any) -> list[str]:
    """Return the pages that a part of mkdocs.yml's `nav` names."""
    if isinstance(nav, str):
        return [nav]
    parts = nav.values() if isinstance(nav, dict) else nav
    return [page for part in parts for page in listed(part)]


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_links_of_a_page_lead_to_files_and_headings(page):
    assert broken(page) == []


def test_broken_names_a_missing_file_and_a_missing_heading(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# A title, with `code`\n[a](#a-title-with-code) [b](#none) [c](gone.md) [d](https://x.test/#y)\n"
        "`[e](code.md)`\n\n```\n# no heading\n[f](fenced.md)\n```\n\n    [g](indented.md)\n"
    )
    assert broken(page) == ["#none", "gone.md"]


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_files_and_make_targets_that_a_page_names_exist(page):
    files = [span for span in spans(page) if FILE.fullmatch(span) and "NAME" not in span]
    assert [name for name in files if not (ROOT / name).exists()] == []
    targets = {span.split()[1] for span in spans(page) if re.fullmatch(r"make [a-z]+", span)}
    phony = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert targets <= set(phony[0].split())


def test_links_of_the_site_stay_in_docs():
    leaving = [
        (page.name, link)
        for page in DOCS.rglob("*.md")
        for link in LINK.findall(prose(page))
        if not SCHEME.match(link) and not (page.parent / link).resolve().is_relative_to(DOCS)
    ]
    assert leaving == []


def test_site_navigation_lists_every_page_once():
    # mkdocs.yml names a Python function, which a plain YAML reader refuses
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").replace("!!python/name:", "")
    pages = sorted(listed(yaml.safe_load(text)["nav"]))
    assert pages == sorted(str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md"))


def test_readme_is_a_first_screen():
    assert len((ROOT / "README.md").read_text(encoding="utf-8")) <= 9_000


def test_walks_each_stop_names_what_its_file_defines():
    stops = re.findall(r"`([\w/]+\.py)` `(\w+)`", (DOCS / "development" / "walks.md").read_text(encoding="utf-8"))
    assert len(stops) > 30
    defined = r"^(?:class|def) {}\b"
    assert [
        (file, name) for file, name in stops if not re.search(defined.format(name), (ROOT / file).read_text(), re.M)
    ] == []
