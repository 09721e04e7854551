"""A submission on the released skeleton: whatever an editor, a hand or a cheat did to the file, the
answers survive and nothing else does.
"""

import copy
import json
import os
import tracemalloc
from pathlib import Path

import nbformat
import pytest

from grader import preflight
from tests.submissions import read

ROOT = Path(__file__).resolve().parents[2]
RELEASED = nbformat.read(
    ROOT / "exercises" / "loss_comparison" / "loss_comparison.ipynb", as_version=4
)
ANSWER = "def mse(x_hat, x):\n    return ((x_hat - x) ** 2).mean()"
WORDS = "I would choose mae: 0.9 against 0.8."


@pytest.fixture
def work():
    """What a learner has on disk: the released notebook with two answers, as JSON."""
    notebook = copy.deepcopy(RELEASED)
    cell(notebook, "mse").source = ANSWER
    cell(notebook, "answer-in-words").source = WORDS
    return json.loads(nbformat.writes(notebook))


def cell(notebook, key):
    (found,) = [cell for cell in notebook["cells"] if cell["id"] == key]
    return found


def place(notebook, key):
    return notebook["cells"].index(cell(notebook, key))


def rebuilt(work):
    return preflight.rebuild(json.dumps(work).encode(), RELEASED)


def whole(notebook):
    """Everything but the two answers and cells of the learner's own is as released; the answers are
    there.
    """
    assert (
        cell(notebook, "mse").source == ANSWER and cell(notebook, "answer-in-words").source == WORDS
    )
    kept = [cell for cell in notebook.cells if not cell.id.startswith("own-")]
    assert [cell.id for cell in kept] == [cell.id for cell in RELEASED.cells]
    for mine, given in zip(kept, RELEASED.cells, strict=True):
        assert mine.metadata == given.metadata and mine.cell_type == given.cell_type
        assert mine.source == given.source or mine.id in ("mse", "answer-in-words")
    return True


def test_untouched_work_needs_no_repair_and_a_second_time_changes_nothing(work):
    notebook, repairs = rebuilt(work)
    assert whole(notebook) and repairs == []
    assert rebuilt(notebook) == (notebook, [])


def strip_metadata(work):
    for cell in work["cells"]:
        cell["metadata"] = {}


def strip_ids(work):
    for cell in work["cells"]:
        del cell["id"]
    work["nbformat_minor"] = 4


def strip_both(work):
    strip_metadata(work)
    strip_ids(work)


def edit_check(work):
    cell(work, "mse-check")["source"] = "pass"


def move_check(work):
    work["cells"].insert(3, work["cells"].pop(place(work, "price-check")))


def delete_check(work):
    del work["cells"][place(work, "mse-check")]


def delete_imports(work):
    del work["cells"][place(work, "given-tools")]


def raise_points(work):
    cell(work, "mse-check")["metadata"]["nbgrader"]["points"] = 1000


def unlock(work):
    cell(work, "mse-check")["metadata"]["nbgrader"].update(grade=False, solution=True)


def other_schema(work):
    for one in work["cells"]:
        if "nbgrader" in one["metadata"]:
            one["metadata"]["nbgrader"]["schema_version"] = 99


def copied_check(work):
    work["cells"].append(dict(cell(work, "mse-check"), id="copy"))


def copied_answer(work):
    work["cells"].append(dict(cell(work, "mse"), id="copy", source="mse = None"))


def unfinished_before_finished(work):
    work["cells"].insert(
        place(work, "mse"), dict(cell(work, "mse"), id="copy", source=cell(RELEASED, "mse").source)
    )


def other_type(work):
    cell(work, "mse")["cell_type"] = "markdown"


def odd_metadata(work):
    cell(work, "mse")["metadata"] = {"nbgrader": [1, 2], "tags": "no"}
    work["metadata"] = {"kernelspec": {"name": "evil", "display_name": "x"}, "widgets": 3}


def other_version(work):
    work.update(nbformat=7, nbformat_minor=99)


def not_cells(work):
    work["cells"] += [None, 7, {"cell_type": "code", "source": 3}, {}]


def lone_surrogate(work):
    work["cells"].append({"cell_type": "code", "metadata": {}, "source": "'\ud800'", "outputs": []})


def too_long(work):
    work["cells"].append(
        {"cell_type": "code", "metadata": {}, "source": "#" * (preflight.CELL_CHARACTERS + 1)}
    )


def windows_line_ends(work):
    for one in work["cells"]:
        one["source"] = "".join(one["source"]).replace("\n", "\r\n")


def finished_before_unfinished(work):
    work["cells"].append(dict(cell(work, "mse"), id="copy", source=cell(RELEASED, "mse").source))


def too_deep_for_the_parser(work):
    for source in ("-" * 100_000 + "1", "1+" * 90_000 + "1", "'\0'"):
        work["cells"].append({"cell_type": "code", "metadata": {}, "source": source})


@pytest.mark.parametrize(
    "damage, words",
    [
        (strip_metadata, None),
        (strip_ids, None),
        (strip_both, "restored from the text of the cells"),
        (edit_check, "mse-check was changed"),
        (move_check, "another order"),
        (delete_check, "mse-check was missing"),
        (delete_imports, "given-tools was missing"),
        (raise_points, None),
        (unlock, None),
        (other_schema, None),
        (copied_check, "a copy of the cell mse-check"),
        (copied_answer, "two cells mse"),
        (unfinished_before_finished, None),
        (other_type, "another type"),
        (odd_metadata, None),
        (other_version, None),
        (not_cells, "3 cells could not be read"),
        (lone_surrogate, None),
        (too_long, "1 cells could not be read, or were too long"),
        (windows_line_ends, None),
        (finished_before_unfinished, None),
        (too_deep_for_the_parser, None),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_was_damaged_is_mended_and_said(damage, words, work):
    damage(work)
    notebook, repairs = rebuilt(work)
    assert whole(notebook)
    assert [words in repair for repair in repairs].count(True) == 1 if words else repairs == []
    nbformat.writes(notebook).encode()


def test_a_learners_own_cells_stay_where_they_were_and_lose_their_metadata(work):
    work["cells"].insert(
        place(work, "mse"),
        {
            "cell_type": "code",
            "metadata": {"nbgrader": {"grade": True, "grade_id": "new", "points": 9}},
            "id": "mine",
            "source": "def helper(): pass",
            "outputs": [],
        },
    )
    notebook, repairs = rebuilt(work)
    assert whole(notebook) and repairs == []
    own = notebook.cells[place(notebook, "mse") - 1]
    assert own.source == "def helper(): pass" and own.metadata == {}


def test_a_mark_lost_on_one_cell_is_found_again_by_the_function(work):
    cell(work, "mse").update(id="x1", metadata={})
    notebook, repairs = rebuilt(work)
    assert whole(notebook) and repairs == ["the metadata of the cell mse was lost"]


def answers():
    return [one.id for one in RELEASED.cells if preflight.kind_of(one) == "answer"][:-1]


def given_up(key):
    return cell(RELEASED, key).source.replace("raise NotImplementedError", "return 7  #")


@pytest.mark.parametrize("where", ["first", "last", "own", "check"])
def test_answers_merged_into_one_cell_stay_and_no_blank_is_put_behind_them(where, work):
    """A learner merged all answers into one cell, and deleted the cells that this emptied."""
    functions = {name for key in answers() for name in preflight.names(cell(RELEASED, key).source)}
    merged = "\n\n".join(map(given_up, answers()))
    kept = {"first": answers()[0], "last": answers()[-1], "own": None, "check": "mse-check"}[where]
    work["cells"] = [one for one in work["cells"] if one["id"] not in {*answers()} - {kept}]
    if where == "own":
        place_of_first = [one["id"] for one in work["cells"]].index("mse-check")
        own = {"cell_type": "code", "metadata": {}, "source": merged, "outputs": [], "id": "mine"}
        work["cells"].insert(place_of_first, own)
    else:
        cell(work, kept)["source"] = merged
    notebook, repairs = rebuilt(work)
    text = "\n".join(one.source for one in notebook.cells if one.cell_type == "code")
    assert all(text.count(f"def {name}(") == 1 for name in functions)
    assert "NotImplementedError" not in text
    moved = [words for words in repairs if "its answer is in another cell" in words]
    assert len(moved) == len(answers()) - (where != "check")


def test_a_lambda_in_another_cell_is_an_answer_too(work):
    work["cells"] = [one for one in work["cells"] if one["id"] != "mae"]
    cell(work, "mse")["source"] += "\nmae = lambda x_hat, x: (x_hat - x).abs().mean()"
    notebook, _ = rebuilt(work)
    assert cell(notebook, "mae").source == "# The answer is in another cell."


def test_what_is_written_of_an_exercise_is_counted(work):
    def count(notebook):
        return preflight.written(json.dumps(notebook).encode(), RELEASED)

    assert count(RELEASED) == 0 and count(work) == 2 and count({"cells": []}) == -1
    assert preflight.written(b"{", RELEASED) == -1


def test_another_exercises_notebook_is_known_whatever_its_name():
    others = {name: read("exercises", name) for name in ("sparsity_weight", "noise_level")}
    for name, notebook in others.items():
        raw = json.dumps(notebook).encode()
        assert preflight.exercise_of(raw, RELEASED, others) == name
    assert preflight.exercise_of(json.dumps(RELEASED).encode(), RELEASED, others) is None
    assert preflight.exercise_of(b"{", RELEASED, others) is None


def test_a_blank_under_the_right_name_gives_way_to_the_work_and_this_is_said(tmp_path, work):
    (tmp_path / "loss_comparison.ipynb").write_text(json.dumps(RELEASED))
    (tmp_path / "mine.ipynb").write_text(json.dumps(work))
    path, repairs = preflight.notebook_of(tmp_path, "loss_comparison", RELEASED)
    assert path.name == "mine.ipynb" and "'loss_comparison.ipynb' is blank; it was left" in repairs


def test_a_file_of_empty_cells_costs_little_memory():
    raw = b'{"cells": [' + b"{}," * (29 * 2**20 // 3) + b"{}]}"
    tracemalloc.start()
    with pytest.raises(preflight.Rejected, match="of more parts than"):
        preflight.rebuild(raw, RELEASED)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 150 * 2**20


def test_a_draft_in_a_cell_of_the_learners_own_is_not_taken_for_the_answer(work):
    work["cells"].insert(
        place(work, "mse"),
        {"cell_type": "code", "metadata": {}, "source": "def mse(a, b):\n    return 0"},
    )
    notebook, repairs = rebuilt(work)
    assert (
        whole(notebook)
        and repairs == []
        and "return 0" in notebook.cells[place(notebook, "mse") - 1].source
    )


def test_notes_that_quote_an_answer_are_not_taken_for_it(work):
    cell(work, "mse").update(id="x1", metadata={})
    work["cells"].insert(
        0,
        {
            "cell_type": "markdown",
            "metadata": {},
            "source": "def mse(x_hat, x) is what I was asked for.",
        },
    )
    notebook, repairs = rebuilt(work)
    assert whole(notebook) and repairs == ["the metadata of the cell mse was lost"]


def test_of_cells_that_nobody_grades_the_code_is_the_learners_and_the_words_are_put_back(work):
    plain = [one for one in RELEASED.cells if preflight.kind_of(one) == "plain"]
    for one in plain:
        cell(work, one.id)["source"] = "tried = 1"
    notebook, _ = rebuilt(work)
    assert {one.cell_type for one in plain} == {"code", "markdown"}
    assert all(
        cell(notebook, one.id).source == ("tried = 1" if one.cell_type == "code" else one.source)
        for one in plain
    )


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark(encoding, work):
    notebook, repairs = preflight.rebuild(json.dumps(work).encode(encoding), RELEASED)
    assert whole(notebook) and len(repairs) == 1 and encoding in repairs[0]


def test_the_format_before_version_4(work):
    def old(cell):
        return {
            "cell_type": cell["cell_type"],
            "metadata": {},
            {"code": "input"}.get(cell["cell_type"], "source"): cell["source"],
        }

    notebook, repairs = rebuilt(
        {
            "nbformat": 3,
            "nbformat_minor": 0,
            "worksheets": [{"cells": list(map(old, work["cells"]))}],
        }
    )
    assert whole(notebook) and "the notebook was stored in an old format" in repairs


@pytest.mark.parametrize(
    "raw, words",
    [
        (b"", "not a notebook"),
        (b"{", "not a notebook"),
        (b"[]", "no list of cells"),
        (b"[" * 10**6, "not a notebook"),
        (b"\xff\xd8\xff", "not a text file"),
        (b'{"cells": 3}', "no list of cells"),
        (b'{"cells": []}', "no cell of this exercise"),
        (b"NaN", "no list of cells"),
        (b'{"cells": [' + b",".join([b"{}"] * 5001) + b"]}", "5001 cells"),
        (b'{"cells": [' + b",".join([b"{}"] * 400_000) + b"]}", "of more parts than"),
        *(
            (b'{"worksheets": [{"cells": %s}, 3, {}]}' % cells, "no cell of this exercise")
            for cells in (b"3", b"{}", b'"x"', b"true")
        ),
    ],
    ids=range(14),
)
def test_what_is_no_notebook_is_rejected(raw, words):
    with pytest.raises(preflight.Rejected, match=words):
        preflight.rebuild(raw, RELEASED)


def test_the_blank_that_stands_for_a_rejected_one_says_why():
    notebook = preflight.blank(RELEASED, "the file is empty")
    assert "the file is empty" in notebook.cells[0].source and notebook.cells[1:] == RELEASED.cells
    nbformat.validate(notebook)


# --- Files ---------------------------------------------------------------------------------------


def test_the_file_under_another_name_is_found_among_others(tmp_path, work):
    (tmp_path / "notes.ipynb").write_text(json.dumps({"cells": []}))
    (tmp_path / "loss_comparison (1).ipynb").write_text(json.dumps(work))
    path, repairs = preflight.notebook_of(tmp_path, "loss_comparison", RELEASED)
    assert path.name == "loss_comparison (1).ipynb" and path.name in repairs[0]
    path.rename(tmp_path / "loss_comparison.ipynb")
    assert preflight.notebook_of(tmp_path, "loss_comparison", RELEASED) == (
        tmp_path / "loss_comparison.ipynb",
        [],
    )


def test_what_is_hidden_or_no_file_is_not_taken_for_the_notebook(tmp_path, work):
    (tmp_path / ".loss_comparison (1).ipynb").write_text(json.dumps(work))
    (tmp_path / "link.ipynb").symlink_to(tmp_path / ".loss_comparison (1).ipynb")
    os.mkfifo(tmp_path / "a.ipynb")
    with pytest.raises(preflight.Rejected, match="there is no notebook"):
        preflight.notebook_of(tmp_path, "loss_comparison", RELEASED)
    (tmp_path / "loss_comparison (1).ipynb").write_text(json.dumps(work))
    assert (
        preflight.notebook_of(tmp_path, "loss_comparison", RELEASED)[0].name
        == "loss_comparison (1).ipynb"
    )


def test_a_learner_whose_folder_is_a_link_to_a_neighbours_is_rejected(tmp_path, work):
    (tmp_path / "ada" / "loss_comparison").mkdir(parents=True)
    (tmp_path / "ada" / "loss_comparison" / "loss_comparison.ipynb").write_text(json.dumps(work))
    (tmp_path / "bob").symlink_to(tmp_path / "ada")
    with pytest.raises(preflight.Rejected, match="link"):
        preflight.notebook_of(tmp_path / "bob" / "loss_comparison", "loss_comparison", RELEASED)


def test_a_folder_without_a_notebook_is_rejected(tmp_path):
    (tmp_path / "answer.docx").write_text("my answer")
    with pytest.raises(preflight.Rejected, match=r"hand in loss_comparison\.ipynb"):
        preflight.notebook_of(tmp_path, "loss_comparison", RELEASED)


def test_links_pipes_folders_and_floods_are_rejected(tmp_path, work):
    (tmp_path / "real").write_text(json.dumps(work))
    (tmp_path / "link").symlink_to(tmp_path / "real")
    os.mkfifo(tmp_path / "pipe")
    with open(tmp_path / "large", "wb") as file:
        file.truncate(preflight.FILE_BYTES + 1)
    for name, words in (
        ("link", "a link"),
        ("pipe", "not a regular file"),
        (".", "not a regular file|can't be opened"),
        ("large", "clear the outputs"),
        ("none", "opened"),
    ):
        with pytest.raises(preflight.Rejected, match=words):
            preflight.read(tmp_path / name)
    (tmp_path / "folder").symlink_to(tmp_path)
    with pytest.raises(preflight.Rejected, match="link"):
        preflight.notebook_of(tmp_path / "folder", "real", RELEASED)
    assert json.loads(preflight.read(tmp_path / "real")) == work
