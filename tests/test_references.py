"""The references list every work that the package and the pages cite, and no other."""

import re
from pathlib import Path

import pytest
from oracle_tables import rows

ROOT = Path(__file__).resolve().parents[1]
ENTRIES = re.findall(
    r"^## (.+) \((\d{4})\)$",
    (ROOT / "book" / "references.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)
CITING = sorted(
    path
    for folder, ends in (
        ("aecourse", "*.py"),
        ("book", "*.md"),
        ("chapters", "*.ipynb"),
        ("solutions", "*.ipynb"),
    )
    for path in (ROOT / folder).rglob(ends)
    if path.name != "references.md" and ".ipynb_checkpoints" not in path.parts
)
CHECKS = "\n".join(f"{row.check}; {row.agreement}" for row in rows(ROOT))  # the page of oracles
CITATION = re.compile(r"([^\W\d_][\w'’,&. \n-]{1,90}?),? \(?((?:18|19|20)\d\d)[)\]]")


def surname(authors):
    """Of the first author, as an entry and a citation write it."""
    return re.split(r",| and | et al", authors)[0]


def cited(path):
    """(the words before the year, the year) of each citation."""
    return CITATION.findall(re.sub(r"\s+", " ", path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", CITING, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_work_that_is_cited_has_an_entry(path):
    without = [
        (words, year)
        for words, year in cited(path)
        if not any(year == of and surname(authors) in words for authors, of in ENTRIES)
    ]
    assert not without


def test_every_work_that_an_oracle_cites_has_an_entry():
    known = {(surname(authors), year) for authors, year in ENTRIES}
    for words, year in CITATION.findall(CHECKS):
        assert any(year == of and name in words for name, of in known), f"{words} ({year})"


def test_every_entry_is_cited_somewhere():
    seen = [citation for path in CITING for citation in cited(path)] + CITATION.findall(CHECKS)
    assert not [
        f"{authors} ({year})"
        for authors, year in ENTRIES
        if not any(year == of and surname(authors) in words for words, of in seen)
    ]
