"""The file of a sweep: it survives a crash, and that of another sweep is refused."""

import pytest

from aecourse.search.rows import Rows

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "search.rows.Rows": (
        "by hand: rows that were written are read, an incomplete one is not",
        "exact",
        "takes no tensor",
    ),
}

ROWS = [{"k": k, "seed": seed, "mse": k + seed / 2} for k in (2, 4) for seed in (0, 1)]


def test_rows_come_back_and_one_that_was_cut_off_does_not(tmp_path):
    rows = Rows(tmp_path / "rows", {"settings": ["k"], "steps": 3})
    assert rows.read() == []
    for row in ROWS[:3]:
        rows.add(row)
    with open(tmp_path / "rows", "ab") as file:
        file.write(b'{"k": 7, "se')
    again = Rows(tmp_path / "rows", {"settings": ("k",), "steps": 3})
    assert again.read() == ROWS[:3]
    again.add(ROWS[3])
    assert again.read() == ROWS[:4], "the next row begins a line of its own"


@pytest.mark.parametrize("content", [b"[1, 2]\n", b'{"settings": ["q"], "steps": 3}\n', b"words\n"])
def test_the_file_of_something_else_is_refused_and_left_as_it_is(tmp_path, content):
    (tmp_path / "rows").write_bytes(content)
    with pytest.raises(ValueError, match="path is .*remove this one"):
        Rows(tmp_path / "rows", {"settings": ["k"], "steps": 3}).read()
    assert (tmp_path / "rows").read_bytes() == content


def test_a_file_that_was_cut_off_in_its_first_line_is_begun_again(tmp_path):
    (tmp_path / "rows").write_bytes(b'{"sett')
    assert Rows(tmp_path / "rows", {"settings": ["k"]}).read() == []
    assert Rows(tmp_path / "rows", {"settings": ["k"]}).read() == []
