"""The map of concepts: what it lists exists, nothing is unlisted, and a reader can follow its
order.
"""

import pytest
import yaml

from aecourse import regularizers
from tools.environment import ROOT

CONCEPTS = yaml.safe_load((ROOT / "book" / "concepts.yml").read_text(encoding="utf-8"))
COLUMNS = {"title", "part", "chapter", "modules", "exercises", "needs"}
PARTS = ["principles", "losses", "regularizers", "variants", "applications"]
# The folders whose every module belongs to a concept, and the modules that stand alone.
FOLDERS = ("baselines", "losses", "metrics", "models", "objectives", "regularizers")
ALONE = ("corruption.py", "patches.py")


def listed(column):
    """What all concepts have in a column, a list each."""
    return [item for concept in CONCEPTS.values() for item in concept.get(column, [])]


def before(name):
    """All that a reader has read when they come to a concept: its predecessors, and theirs."""
    needs = CONCEPTS[name].get("needs", [])
    return set(needs).union(*(before(need) for need in needs))


def test_it_is_the_curriculum():
    assert len(CONCEPTS) == 33
    parts = [concept["part"] for concept in CONCEPTS.values()]
    assert sorted(parts, key=PARTS.index) == parts, "part by part, in the order of the book"


@pytest.mark.parametrize("name", CONCEPTS)
def test_a_concept_is_one_row(name):
    concept = CONCEPTS[name]
    assert {"title", "part", "chapter"} <= set(concept) <= COLUMNS
    assert concept["chapter"] == f"chapters/{concept['part']}/{name}.ipynb", "one concept, one name"
    assert all(concept.get(column) != [] for column in COLUMNS), "an empty list is left out"


@pytest.mark.parametrize("name", CONCEPTS)
def test_a_concept_needs_what_comes_before_and_nothing_twice(name):
    order = list(CONCEPTS)
    needs = CONCEPTS[name].get("needs", [])
    assert all(order.index(need) < order.index(name) for need in needs)
    implied = set().union(*(before(need) for need in needs))
    assert set(needs) & implied == set(), "a predecessor of a predecessor is left out"
    assert name == order[0] or "autoencoder" in before(name)


def test_what_it_lists_exists():
    exercises = [
        f"{place}/{name}/{name}.ipynb"
        for name in listed("exercises")
        for place in ("exercises", "solutions")
    ]
    assert [path for path in listed("modules") + exercises if not (ROOT / path).is_file()] == []


def files(folder, pattern):
    found = (ROOT / folder).glob(pattern)
    return {path.relative_to(ROOT).as_posix() for path in found if path.name != "__init__.py"}


def registered():
    """Modules of the penalties in the register, which "one objective" compares: they need no row of
    their own.
    """
    names = {
        name for row in regularizers.PENALTIES.values() for name in row.function.__code__.co_names
    }
    functions = [getattr(regularizers, name) for name in names if hasattr(regularizers, name)]
    return {f"{function.__module__.replace('.', '/')}.py" for function in functions}


def test_every_module_belongs_to_one_concept():
    modules = listed("modules")
    assert len(modules) == len(set(modules))
    found = set().union(*(files(f"aecourse/{folder}", "*.py") for folder in FOLDERS))
    found |= {f"aecourse/{name}" for name in ALONE}
    assert not found - set(modules) - registered(), (
        "list it in book/concepts.yml, under its concept"
    )


def test_every_exercise_belongs_to_a_concept():
    assert {path.split("/")[1] for path in files("solutions", "*/*.ipynb")} <= set(
        listed("exercises")
    )


def test_every_chapter_teaches_a_concept():
    assert files("chapters", "*/*.ipynb") <= {concept["chapter"] for concept in CONCEPTS.values()}
