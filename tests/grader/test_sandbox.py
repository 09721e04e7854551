"""The sandbox: what a cell may not reach, how a process may end, and what survives of the other
cells.
"""

import ast
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import nbformat
import numpy as np
import psutil
import pytest

from grader import denied, sandbox, usage
from grader.inside import wire
from grader.sandbox import Limits, ProcessDied, Raised, Refused, Session

ROOT = Path(__file__).resolve().parents[2]
SHORT = Limits(cell=5, patience=1.2, total=120, grace=2, memory=2**30, losses=4)


def of(*sources):
    return nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source, id=f"c{i}") for i, source in enumerate(sources)]
    )


def printed(outputs):
    return "".join(output.get("text", "") for output in outputs)


def told(*sources, limits=SHORT):
    """(what each cell printed or the name of its error, ids of the cells that were lost)."""
    with Session(of(*sources), limits) as session:
        outputs = session.run()
        assert list(outputs) == [f"c{i}" for i in range(len(sources))] or set(session.lost) <= set(
            outputs
        )
        return [
            next(
                (output.ename for output in outputs[f"c{i}"] if output.output_type == "error"),
                printed(outputs[f"c{i}"]),
            )
            for i in range(len(sources))
        ], session.lost


# --- What a notebook does ------------------------------------------------------------------------


def test_cells_run_as_in_jupyter(boxes):
    with Session(
        of(
            "x = 1\nx + 1",
            "print('a'); import sys; print('b', file=sys.stderr)",
            "1/0",
            "def f(:",
            "x",
            "raise SystemExit(3)",
            "from IPython.display import display, HTML; display(HTML('<b>c</b>'))",
            "%%capture\nprint(1)",
            "await __import__('asyncio').sleep(0)",
            "import matplotlib.pyplot as plt; plt.plot([1, 2]);",
            "!echo shell",
            "print(repr(input('name? ')))",
            "x",
        )
    ) as session:
        seen = list(session.run().values())
    assert seen[0][0].data["text/plain"] == "2" and [output.name for output in seen[1]] == [
        "stdout",
        "stderr",
    ]
    assert [seen[i][0].ename for i in (2, 3, 5)] == [
        "ZeroDivisionError",
        "SyntaxError",
        "SystemExit",
    ]
    assert seen[6][0].data["text/html"] == "<b>c</b>" and seen[7] == seen[8] == []
    assert (
        "image/png" in seen[9][0].data
        and "shell" in printed(seen[10])
        and printed(seen[11]) == "name? \n''\n"
    )
    assert seen[4] == seen[12] and session.lost == {}
    nbformat.validate(
        nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell("", outputs=outputs) for outputs in seen]
        )
    )


def test_calls_pass_numbers_lists_arrays_and_errors_and_nothing_else(boxes):
    with Session(of("double = lambda x: 2 * x")) as session:
        session.run()
        source = "def probe(x):\n    return double(x)"
        assert session.call(source, x=2) == 4 and session.call(source, x=[1]) == [1, 1]
        assert np.array_equal(session.call(source, x=np.arange(3.0)), [0, 2, 4])
        assert (
            repr(session.call("def probe():\n    return {1: (object(), None)}"))
            == "{1: (a object, None)}"
        )
        with pytest.raises(Raised, match="TypeError"):
            session.call(source, x=None)
        with pytest.raises(Raised, match="OutOfTime.*may take 1 s"):
            session.call("def probe():\n    while True: pass", seconds=1)
        assert session.call(source, x=1.5) == 3.0


# --- What a cell may not reach -------------------------------------------------------------------

REACH = {
    "the network": "import socket; socket.create_connection(('1.1.1.1', 53), 2)",
    "a server on this machine": "import socket; socket.create_connection(('127.0.0.1', PORT), 2)",
    "the solutions": f"open({str(ROOT / 'solutions')!r} + '/loss_comparison/oracle.py')",
    "the gradebook": f"open({str(ROOT / 'grading' / 'gradebook.db')!r}, 'a')",
    "files of the host": "open('/etc/passwd')",
    "the package, to write": f"open({str(ROOT / 'aecourse' / '__init__.py')!r}, 'a')",
    "python, to write": "import os; open(os.__file__, 'a')",
    "its root, to write": "open('/x', 'w')",
    "the grader's process": "import os; os.kill(GRADER, 0)",
    "more memory": "x = bytearray(9 << 30)",
    "huge files": "open('x', 'wb').write(bytes(65 << 20))",
    "higher limits": "import resource; resource.setrlimit(resource.RLIMIT_AS, (-1, -1))",
    "mounts": "import ctypes; assert ctypes.CDLL(None, use_errno=True).mount(b'none', b'/tmp', "
    "b'tmpfs', 0, None) == 0",
}


def test_the_inside_makes_no_namespace_of_its_own(boxes):
    if "--disable-userns" not in sandbox.options():
        pytest.skip("bubblewrap before 0.8")
    assert told("import ctypes; print(ctypes.CDLL(None).unshare(0x10000000))")[0] == ["-1\n"]


def test_what_a_process_may_use_is_limited(boxes):
    names = {
        "AS": 8 << 30,
        "FSIZE": 64 << 20,
        "CORE": 0,
        "DATA": 8 << 30,
        "NOFILE": 256,
        "CPU": SHORT.total + 60,
        "NPROC": 512,
    }
    (seen,), _ = told(
        f"import resource\nfor name in {list(names)}: print(*resource.getrlimit(getattr(resource, "
        f"'RLIMIT_' + name)))"
    )
    for (name, most), line in zip(names.items(), seen.splitlines(), strict=True):
        assert all(0 <= int(number) <= most for number in line.split()), (name, line)


@pytest.mark.parametrize("folder", ["/tmp", "/submission"])
def test_a_disk_has_an_end(folder, boxes):
    fill = (
        f"files = [open(f'{folder}/{{i}}', 'wb') for i in range(9)]\nfor file in files: "
        f"print(file.write(bytes(60 << 20)), flush=True)"
    )
    if "--size" not in sandbox.options():
        pytest.skip("bubblewrap before 0.6")
    with Session(of(fill), SHORT) as session:
        outputs = session.run()["c0"]
    assert "No space left" in outputs[-1].get("evalue", "") and len(printed(outputs).split()) <= 5


def test_what_lies_outside_is_out_of_reach(boxes):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        sources = [
            source.replace("PORT", str(server.getsockname()[1])).replace("GRADER", str(os.getpid()))
            for source in REACH.values()
        ]
        seen, lost = told(*sources)
    assert not lost
    assert dict(zip(REACH, map(bool, seen), strict=True)) == dict.fromkeys(REACH, True) and all(
        name.endswith("Error") for name in seen
    ), seen


def test_of_the_course_the_package_and_the_two_files_of_the_inside_are_all_that_is_seen(boxes):
    """Neither the oracles, nor what they import, nor the solutions, by name or by a search of the
    whole disk.
    """
    private = [
        *(ROOT / "grader").glob("*.py"),
        *(ROOT / "solutions").rglob("*.py"),
        *(ROOT / "solutions").rglob("*.ipynb"),
        *(ROOT / "tests" / "answers").glob("*.py"),
        ROOT / "nbgrader_config.py",
    ]
    assert len(private) > 30 and all(path.exists() for path in private)
    (seen, folders, found, imported), lost = told(
        f"import os; print([path for path in {list(map(str, private))} if os.path.lexists(path)])",
        f"import os; print(sorted(os.listdir({str(ROOT)!r})), "
        f"os.listdir({str(ROOT / 'grader')!r}), os.listdir({str(ROOT / 'grader' / 'inside')!r}))",
        "import os\nnames, words = ('oracle.py', 'training_steps.py', 'judging.py'), ('judge_', "
        "'WrongAnswer')\n"
        "found = [os.path.join(place, name) for place, _, files in os.walk('/') if place[:5] != "
        "'/proc' for name in files if name in names]\n"
        "print([path for path in found if any(word in open(path, errors='replace').read() for "
        "word in words)])",
        "import importlib\nfor name in ('grader.oracle', 'grader.training_steps', "
        "'grader.judging', 'solutions'):\n"
        "    try: print(importlib.import_module(name))\n    except ImportError: pass",
    )
    assert not lost and seen == "[]\n" and found == "[]\n" and imported == ""
    top, grader, inside = ast.literal_eval(folders.replace("] [", "], ["))
    assert (
        set(top) <= {".venv", "aecourse", "grader"}
        and grader == ["inside"]
        and {"box.py", "wire.py"} <= set(inside) <= {"box.py", "wire.py", "__pycache__"}
    )


def test_where_the_data_are_the_course_itself_or_in_its_solutions_grading_refuses(
    boxes, monkeypatch
):
    monkeypatch.delenv("AECOURSE_TRUSTED", raising=False)
    monkeypatch.setenv("AECOURSE_DATA", str(ROOT))
    with pytest.raises(Refused, match="the course with its solutions lies in it.*move the course"):
        sandbox.ready()
    monkeypatch.setenv("AECOURSE_DATA", str(ROOT / "solutions"))
    with pytest.raises(Refused, match="would show .*solutions.*Move the course"):
        sandbox.ready()


def test_a_course_in_a_folder_that_the_sandbox_shows_is_covered(boxes, tmp_path, monkeypatch):
    """The oracle, the gradebook and a neighbour's notebook lie below the data here; in a real case
    below Python or /usr.
    """
    course = tmp_path / "course"
    secret = [
        course / "solutions" / "small" / "oracle.py",
        course / "grading" / "gradebook.db",
        course / "grading" / "submitted" / "ada" / "small" / "small.ipynb",
    ]
    for path in secret:
        path.parent.mkdir(parents=True)
        path.write_text("secret")
    (tmp_path / "images.bin").write_text("data")
    (tmp_path / "link").symlink_to(course)
    monkeypatch.delenv("AECOURSE_TRUSTED", raising=False)
    monkeypatch.setenv("AECOURSE_DATA", str(tmp_path))
    sandbox.ready([str(tmp_path / "link")])
    look = (
        f"import os\nprint([len(files) for _, _, files in os.walk({str(course)!r})], "
        f"open({str(tmp_path / 'images.bin')!r}).read())\n"
        f"open({str(course / 'note')!r}, 'w')"
    )
    with Session(of(look), SHORT, hide=[str(tmp_path / "link")]) as session:
        outputs = session.run()["c0"]
    assert printed(outputs) == "[0] data\n" and outputs[-1].ename == "OSError"


def test_of_the_system_only_programs_libraries_and_fonts_are_seen(boxes):
    (seen,), _ = told("import os; print(*sorted(os.listdir('/usr')), *os.listdir('/usr/share'))")
    assert set(seen.split()) <= {"bin", "lib", "lib32", "lib64", "share", "fonts", "zoneinfo"}


def test_the_environment_and_the_processes_of_the_grader_are_not_seen(boxes, monkeypatch):
    monkeypatch.setenv("AECOURSE_KEY", "canary-5183")
    (seen, folders, processes), _ = told(
        "import os; print(dict(os.environ)); print(*[open(f'/proc/{p}/environ').read() for p in "
        "os.listdir('/proc') if p.isdigit()])",
        f"import os; print(os.listdir({str(ROOT)!r}), os.listdir('/submission'), "
        f"os.listdir(os.path.expanduser('~')))",
        "import os; print(len([p for p in os.listdir('/proc') if p.isdigit()]))",
    )
    assert "canary" not in seen and "solutions" not in folders and "tests" not in folders
    assert int(processes) <= 2  # this one and bubblewrap's first


def test_two_submissions_share_nothing(boxes):
    write = (
        "open('/tmp/note', 'w').write('x'); open('/submission/note', 'w').write('x'); print('kept')"
    )
    assert told(write)[0] == ["kept\n"]
    assert told("import os; print(os.listdir('/submission'), os.path.exists('/tmp/note'))")[0] == [
        "[] False\n"
    ]


# --- How a process may end -----------------------------------------------------------------------

WRITE = "import os\nfor i in range(3, 64):\n    try: os.write(i, {!r})\n    except OSError: pass"
ARRAY = b"\x93NUMPY\x01\x00\x46\x00" + (
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }".ljust(69) + b"\n" + bytes(8)
)
TWICE = b'{"sizes": [88], "body": "[{\\"a\\": 0}, {\\"a\\": 0}]"}\n' + ARRAY
DEAF = "import signal\nfor s in (14, 27): signal.signal(s, signal.SIG_IGN)\n"
LETHAL = {
    "exit": "import os; os._exit(0)",
    "kill": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "kill all": "import os\nfor p in (1, -1, os.getppid(), os.getpid()):\n    try: os.kill(p, 9)\n"
    "    except OSError: pass",
    "segfault": "import ctypes; ctypes.string_at(0)",
    "no stop": DEAF + "while True: pass",
    "catch all": "import time\nwhile True:\n    try: time.sleep(9)\n    except BaseException: pass",
    "protocol": "import os\nfor i in range(3, 64):\n    try: os.write(i, b'{}' * 9 + b'\\n')\n    "
    "except OSError: pass",
    "flood": "import os\nwhile True:\n    for i in range(3, 16):\n        try: os.write(i, "
    "bytes(1 << 20))\n        except OSError: pass",
    "memory": "x = []\nwhile True: x.append(b'x' * (64 << 20))\n",
    "forked memory": "import os\nfor _ in range(6): os.fork()\nx = b'x' * (200 << 20)\nwhile "
    "True: pass",
    "dripping": DEAF
    + "import os, time\nfor _ in range(60):\n    if os.fork() == 0: break\nwhile True:\n"
    "    for i in range(3, 16):\n        try: os.write(i, b'x')\n        except OSError: pass\n"
    "    time.sleep(0.01)",
    "many processes": "import os, time\nfor _ in range(7): os.fork()\ntime.sleep(99)",
    "one array named twice": WRITE.format(TWICE),
    "brackets": WRITE.format(b'{"sizes": [], "body": "[' + b"[]," * 1_100_000 + b'[]]"}\n'),
    "closed": "import os; os.closerange(3, 64)",
    "no dictionary": WRITE.format(b'{"sizes": [], "body": "[1]"}\n'),
    "large parts": WRITE.format(b'{"sizes": [50000000, 50000000], "body": "0"}\n'),
    "no array": WRITE.format(
        b'{"sizes": [12], "body": "{\\"a\\": 0}"}\n\x93NUMPY\x01\x00\x02\x00{('
    ),
}


WORDS = {
    "no dictionary": "reserved for the grader",
    "large parts": "more output than is allowed",
    "no array": "reserved for the grader",
    "no stop": "its time was over",
    "catch all": "its time was over",
    "protocol": "reserved for the grader",
    "flood": "more output than is allowed",
    "forked memory": "GB of memory",
    "dripping": "its time was over",
    "many processes": "more than 100 processes",
    "one array named twice": "reserved for the grader",
    "brackets": "reserved for the grader",
    "exit": "process ended",
}


@pytest.mark.parametrize("name", LETHAL)
def test_a_cell_that_ends_the_process_is_left_out_and_the_others_count(name, boxes):
    before = psutil.Process().memory_info().rss
    start = time.monotonic()
    seen, lost = told("x = 1; print('one')", LETHAL[name], "print('three', x)")
    assert WORDS.get(name, "") in lost.get("c1", "MemoryError")
    assert (
        seen[0] == "one\n"
        and seen[2] == "three 1\n"
        and (list(lost) == ["c1"] or name == "memory" and seen[1] == "MemoryError")
    )
    assert seen[1] in ("Lost", "MemoryError") and time.monotonic() - start < 60
    assert psutil.Process().memory_info().rss - before < 200 * 2**20


SMALL = replace(SHORT, memory=300 * 2**20)
OUTSIDE = {
    "shared memory that is no longer mapped": "import mmap\nx = mmap.mmap(-1, 600 << 20)\n"
    "for i in range(0, 600 << 20, 4096): x[i] = 1\nx.madvise(mmap.MADV_DONTNEED)",
    "files in the disks": "for i in range(6): open(f'/tmp/{i}', 'wb').write(bytes(40 << 20))\n"
    "for i in range(6): open(f'/submission/{i}', 'wb').write(bytes(40 << 20))",
    "empty files": "import os\nfor i in range(300_000): os.close(os.open(f'/tmp/{i}', os.O_CREAT))",
    "sockets": "import os, socket\nfor _ in range(8):\n    if os.fork() == 0:\n"
    "        kept = [socket.socketpair() for _ in range(60)]\n        break",
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_memory_that_no_process_shows_as_its_own_is_counted(name, boxes):
    source = f"kept = []\n{OUTSIDE[name]}\nimport time; time.sleep(30)"
    seen, lost = told("x = 1", source, "print(x)", limits=SMALL)
    assert seen == ["", "Lost", "1\n"] and "0.293 GB of memory" in lost["c1"]


def test_memory_that_forks_share_is_counted_once(boxes):
    share = (
        "import os, time\nx = b'x' * (150 << 20)\nfor _ in range(4):\n    if os.fork() == 0:\n"
        "        time.sleep(1.5); os._exit(0)\nfor _ in range(4): os.wait()\nprint('shared')"
    )
    assert told(share, limits=SMALL) == (["shared\n"], {})


def test_files_in_memory_and_segments_can_not_be_made(boxes):
    if not denied.program():
        pytest.skip("no filter for this kind of machine")
    make = (
        "import ctypes, os\ntry: os.memfd_create('x')\nexcept OSError as e: print(e.errno)\n"
        "print(ctypes.CDLL(None).shmget(0, 1 << 20, 0o1600), ctypes.CDLL(None).msgget(0, 0o1600))"
    )
    write = "open('/dev/x', 'w')"
    fill = "for i in range(3): open(f'/dev/shm/{i}', 'wb').write(bytes(40 << 20))"
    seen, _ = told(make, write, fill)
    assert seen == ["38\n-1 -1\n", "OSError", "OSError"]


def test_a_cell_cannot_put_itself_last_when_memory_runs_out(boxes):
    hide = "import time\nopen('/proc/self/oom_score_adj', 'w').write('0')"
    seen, _ = told(
        f"try:\n    {hide.replace(chr(10), chr(10) + '    ')}\nexcept OSError: pass\n"
        "time.sleep(1); print(open('/proc/self/oom_score_adj').read())"
    )
    assert seen == ["1000\n\n"]


def test_a_control_group_is_made_where_the_system_lets_us_and_left_alone_where_not(
    tmp_path, monkeypatch
):
    """The kernel's files are made up here: no set-up can promise a group of one's own."""

    def made(prefix, dir):
        folder = tmp_path / "own" / "group"
        folder.mkdir()
        (folder / "memory.max").write_text("max")
        return str(folder)

    (tmp_path / "own").mkdir()
    monkeypatch.setattr(usage.tempfile, "mkdtemp", made)
    group = usage.Group(5000, [tmp_path / "own"])
    assert (group.folder / "memory.max").read_text() == "5000" and not group.full()
    assert subprocess.run(group.enter(["true"])).returncode == 0
    assert int((group.folder / "cgroup.procs").read_text()) > 0
    (group.folder / "memory.events").write_text("low 0\noom 2\noom_kill 1\n")
    assert group.full()
    monkeypatch.undo()
    none = usage.Group(5000, [tmp_path / "nowhere", tmp_path / "own"])
    assert none.folder is None and none.enter(["true"]) == ["true"] and not none.full()
    assert sorted(path.name for path in (tmp_path / "own").iterdir()) == ["group"]


def test_the_outputs_of_all_cells_have_an_end(boxes):
    big = "from IPython.display import HTML, display; display(HTML('x' * 900_000)); print('said')"
    many = "from IPython.display import display\nfor i in range(2000): display(i)"
    limits = replace(SHORT, outputs=2 * 10**6)
    with Session(of(*[big] * 8, many, "1 / 0", "print('last')"), limits) as session:
        outputs = session.run()
    sizes = [sandbox.size(one) for one in outputs.values()]
    assert sum(sizes) < 2.1 * 10**6 and sizes[1] > 900_000 > 2000 > sizes[3]
    assert "said" in printed(outputs["c7"]) and "left out" in printed(outputs["c7"])
    assert len(outputs["c8"]) <= 500 and outputs["c9"][0].ename == "ZeroDivisionError"
    assert printed(outputs["c10"]) == "last\n"


def test_time_is_processor_time_and_a_sleep_has_patience(boxes):
    limits = Limits(cell=1, patience=4, grace=1, total=60)
    with Session(
        of("import time; time.sleep(2); print('slept')", "while True: pass"), limits
    ) as one:
        outputs = one.run()
    assert printed(outputs["c0"]) == "slept\n" and one.late
    assert "1 s of processor time" in outputs["c1"][0].evalue


# --- What is called ------------------------------------------------------------------------------


def test_a_function_is_called_as_it_was_when_its_check_had_passed(boxes):
    cells = (
        "import torch, warnings\nSCALE = 2\ndef double(x):\n    warnings.warn('x')\n"
        "    return sum(divmod(SCALE * x, 100))",
        "assert double(3) == 6",
        "double, sum, SCALE = 7, None, 5\ntorch.set_grad_enabled(False)\n"
        "import builtins, warnings\nbuiltins.divmod = None\nwarnings.simplefilter('error')\n"
        "torch.set_default_dtype(torch.float64)",
        "%reset -f",
    )
    ask = "def probe(x):\n    return double(x)"
    state = (
        "def probe():\n    import torch\n"
        "    return [torch.is_grad_enabled(), str(torch.get_default_dtype())]"
    )
    with Session(of(*cells), SHORT, checks=["c1", "c2"]) as session:
        session.run()
        assert session.call(ask, after="c1", x=4) == 8 == session.after("c1")(ask, x=4)
        assert session.call(state, after="c1") == [True, "torch.float32"]
        for check in (None, "c3"):  # as it is at the end, and where no check passed
            with pytest.raises(Raised, match="NameError"):
                session.call(ask, after=check, x=4)
        assert session.call(state) == [False, "torch.float64"]
        with pytest.raises(Raised, match="TypeError"):
            session.call(ask, after="c2", x=4)


def test_a_helper_that_a_cell_writes_can_be_imported(boxes):
    seen, _ = told("%%writefile helper.py\nvalue = 7", "import helper; print(helper.value)")
    assert seen[1] == "7\n"


def test_truth_values_and_texts_of_numpy_are_taken_for_pythons_own(boxes):
    with Session(of("import numpy as np"), SHORT) as session:
        session.run()
        source = "def probe():\n    return [np.bool_(True), np.str_('mse'), {np.str_('a'): 1}]"
        assert session.call(source) == [True, "mse", {"a": 1}]


def test_a_loop_is_stopped_and_what_was_defined_stays(boxes):
    seen, lost = told("x = 1", "while True: pass", "print(x)")
    assert seen == ["", "OutOfTime", "1\n"] and not lost


def test_a_flood_of_text_is_cut(boxes):
    with Session(of("while True: print('x' * 1000)", "print('y' * 300_000_000)"), SHORT) as session:
        outputs = session.run()
    assert all(len(printed(outputs[key])) < 110_000 for key in outputs)


@pytest.mark.parametrize(
    "lots",
    [
        "from IPython.display import HTML, display; display(HTML('x' * size))",
        "raise ValueError('x' * size)",
    ],
)
def test_a_large_figure_or_error_is_cut_and_costs_nothing(lots, boxes):
    seen, lost = told(f"size = {SHORT.line + 10**6}\n{lots}", "print('next')")
    assert seen[1] == "next\n" and not lost


def test_what_is_written_past_python_is_not_taken_for_a_reply(boxes):
    seen, lost = told(
        "import os; os.write(1, b'{}\\n'); os.write(2, b'x'); os.read(0, 9); print('next')"
    )
    assert seen == ["next\n"] and not lost


def test_a_process_that_ends_again_and_again_is_given_up(boxes):
    start = time.monotonic()
    seen, lost = told(*["import os; os._exit(1)"] * 8, "print('last')")
    assert len(lost) == SHORT.losses + 1 and set(seen) == {"Lost"} and time.monotonic() - start < 60


def test_the_time_of_all_cells_is_bounded(boxes):
    start = time.monotonic()
    seen, _ = told(
        *["import time; time.sleep(2); print('slept')"] * 6, limits=Limits(cell=5, total=9, grace=2)
    )
    assert seen[0] == "slept\n" and seen[-1] == "OutOfTime" and time.monotonic() - start < 40


def test_when_the_time_of_all_cells_is_over_no_other_sandbox_is_made(boxes):
    with Session(of(*["import os; os._exit(1)"] * 3), Limits(cell=5, total=0)) as session:
        assert list(session.run()) == ["c0", "c1", "c2"] and list(session.lost) == ["c0"]


def test_a_call_that_ends_the_process_leaves_the_others(boxes):
    with Session(of("import os\ndef f(): os._exit(1)\ndef g(): return 7"), SHORT) as session:
        session.run()
        with pytest.raises(ProcessDied, match="the process ended"):
            session.call("def probe():\n    return f()")
        assert session.call("def probe():\n    return g()") == 7


def test_calls_that_end_the_process_again_and_again_are_given_up(boxes):
    with Session(of("import os\ndef f(): os._exit(1)"), SHORT) as session:
        session.run()
        for words in ["the process ended$"] * (SHORT.losses + 1) + ["too often"] * 2:
            with pytest.raises(ProcessDied, match=words):
                session.call("def probe():\n    return f()")


def test_the_clock_of_a_cell_stops_with_the_cell(boxes):
    with Session(of("x = 7"), Limits(cell=1, total=60)) as session:
        session.run()
        time.sleep(1.5)
        assert session.call("def probe():\n    return x") == 7 and session.losses == 0


def test_what_is_defined_to_ask_is_no_name_of_the_learners(boxes):
    with Session(of("x = 7"), SHORT) as session:
        session.run()
        assert session.call("x, mine = 8, 9\ndef probe():\n    return x") == 8
        assert session.call("def probe():\n    return [x, 'mine' in globals()]") == [7, False]


@pytest.mark.parametrize("trust", ["", "1"])
def test_nothing_is_left_running(trust, boxes, monkeypatch):
    monkeypatch.setenv("AECOURSE_TRUSTED", trust)
    patient = replace(SHORT, cell=120)  # nothing here is about time
    with Session(of("import subprocess; subprocess.Popen(['sleep', '71.5'])"), patient) as session:
        session.run()
        assert left() and not session.lost
    psutil.wait_procs(left(), timeout=5)
    assert not left()


def left():
    return [
        process
        for process in psutil.process_iter(["cmdline", "status"])
        if "71.5" in (process.info["cmdline"] or ())
        and process.info["status"] != psutil.STATUS_ZOMBIE
    ]


def test_the_sandbox_ends_with_the_grader(boxes):
    code = (
        "import sys, nbformat; sys.path.insert(0, sys.argv[1]); from grader.sandbox import *\n"
        "box = Box(); print(box.process.pid, flush=True); box.ask({'do': 'run', 'source': 'import "
        "time; time.sleep(60)'}, 60)"
    )
    grader = subprocess.Popen(
        [sys.executable, "-c", code, str(ROOT)], stdout=subprocess.PIPE, text=True
    )
    box = psutil.Process(int(grader.stdout.readline()))
    time.sleep(1)
    grader.kill()
    grader.wait()
    grader.stdout.close()
    psutil.wait_procs([box], timeout=5)
    assert not box.is_running() or box.status() == psutil.STATUS_ZOMBIE


# --- Where there is none -------------------------------------------------------------------------


@pytest.fixture
def untrusted(monkeypatch):
    monkeypatch.delenv("AECOURSE_TRUSTED", raising=False)
    return monkeypatch


def test_without_the_program_grading_refuses_and_says_how_to_get_it(untrusted):
    untrusted.setattr(sandbox.shutil, "which", lambda name: None)
    with pytest.raises(
        Refused, match="not installed.*apt-get install bubblewrap.*WSL2.*AECOURSE_TRUSTED=1"
    ):
        sandbox.ready()


def test_where_namespaces_are_refused_it_says_so(untrusted, tmp_path):
    (tmp_path / "bwrap").write_text(
        "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n"
    )
    (tmp_path / "bwrap").chmod(0o755)
    untrusted.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    sandbox.options.cache_clear()
    with pytest.raises(Refused, match="can't make a sandbox here: bwrap: No permissions"):
        sandbox.ready()
    sandbox.options.cache_clear()


@pytest.mark.parametrize("word", ["", "0", "no", "true", "1 "])
def test_nothing_but_a_one_says_that_work_is_trusted(word, untrusted):
    untrusted.setenv("AECOURSE_TRUSTED", word)
    assert not sandbox.trusted()


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_on_other_systems_it_says_what_works(platform, untrusted):
    untrusted.setattr(sandbox.sys, "platform", platform)
    with pytest.raises(Refused, match=f"for {platform}.*a Linux machine, WSL2, or a container"):
        sandbox.ready()


def test_trusted_work_runs_without_the_program(untrusted):
    untrusted.setenv("AECOURSE_TRUSTED", "1")
    untrusted.setattr(sandbox.shutil, "which", lambda name: None)
    sandbox.ready()
    seen, lost = told("print('one')", "import os; os._exit(1)", "print('three')")
    assert seen == ["one\n", "Lost", "three\n"] and list(lost) == ["c1"]


@pytest.mark.skipif(
    os.getuid() != 0 or not Path("/usr/sbin/runuser").exists(),
    reason="only root can become an ordinary user",
)
def test_an_ordinary_user_can_make_the_sandbox(boxes):
    """As `nobody`, within the same walls, but for this environment, which nobody may not be able to
    read.
    """
    walls = sandbox.walls()
    private = (sys.prefix, sys.base_prefix, str(ROOT))
    for place in [
        i
        for i, word in enumerate(walls)
        if word == "--ro-bind-try" and walls[i + 1].startswith(private)
    ][::-1]:
        del walls[place : place + 3]
    done = subprocess.run(
        ["runuser", "-u", "nobody", "--", *walls, "/usr/bin/id", "-u"],
        capture_output=True,
        text=True,
        cwd="/",
    )
    assert done.stdout == "1000\n", done.stderr


# --- What passes between -------------------------------------------------------------------------


def there_and_back(value):
    line, _, rest = wire.pack(value).partition(b"\n")
    body, sizes = wire.sizes(line)
    blobs = []
    for size in sizes:
        blobs.append(rest[:size])
        rest = rest[size:]
    return wire.unpack(body, blobs)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        3,
        2.5,
        float("inf"),
        "text",
        [1, [2]],
        (1, (2,)),
        {"a": 1, 2: (3,)},
        {"d": []},
        {"a": 0},
        {},
    ],
)
def test_what_is_packed_comes_back(value):
    assert there_and_back(value) == value and type(there_and_back(value)) is type(value)


@pytest.mark.parametrize(
    "array",
    [
        np.float32(1.5),
        np.zeros((0, 3)),
        np.arange(6).reshape(2, 3).T,
        np.array([True]),
        np.array(1j),
    ],
)
def test_arrays_keep_shape_values_and_type(array):
    back = there_and_back({"x": array})["x"]
    assert back.dtype == array.dtype and back.shape == array.shape and np.array_equal(back, array)


def npy(shape, dtype="<f8", data=b"", version=1):
    head = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY" + bytes([version, 0]) + len(head).to_bytes(2, "little") + head + data


@pytest.mark.parametrize(
    "body, blobs",
    [
        ("{", []),
        ("[" * 100_000, []),
        ('{"a": 0}', []),
        ('{"a": "x"}', []),
        ('{"q": 1}', []),
        ('{"a": 0, "t": []}', []),
        ('{"d": [[[], 1]]}', []),
        ('{"d": 3}', []),
        ("9" * 5000, []),
        ('{"a": 0}', [b"junk"]),
        ('[{"a": 0}, {"a": 0}]', [ARRAY]),
        ('[{"a": 0}, {"a": -1}]', [ARRAY]),
        ("[" + "[]," * 10**6 + "[]]", []),
        ('{"a": 0}', [npy((10**12,))]),
        ('{"a": 0}', [npy((2,), data=b"x" * 8)]),
        ('{"a": 0}', [npy((1,), "|O", b"x" * 8)]),
        ('{"a": 0}', [npy((1,), version=2)]),
        ('{"a": 0}', [b"\x93NUMPY\x01\x00\xff\xff{"]),
        ('{"a": 0}', [npy((1,), "|S8", b"x" * 8)]),
        ('{"a": 0}', [npy((1,), "(,)f8", b"x" * 8)]),
        *(
            ('{"a": 0}', [b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head])
            for head in (b"{(", b"'''", b"  x\n y", b"[" * 999)
        ),
    ],
    ids=range(24),
)
def test_what_may_not_come_is_refused(body, blobs):
    with pytest.raises(wire.Garbled):
        wire.unpack(body, blobs)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"{}",
        b'{"body": 1, "sizes": []}',
        b'{"body": "1", "sizes": [-1]}',
        b'{"body": "1", "sizes": [true]}',
        b"\xff\n",
        b"[" * 100_000,
        b'{"body": "1", "sizes": [' + b"0," * 20_000 + b"0]}",
    ],
)
def test_a_bad_first_line_is_refused(line):
    with pytest.raises(wire.Garbled):
        wire.sizes(line)


@pytest.mark.parametrize(
    "outputs",
    [
        None,
        3,
        [3],
        [{}],
        [{"kind": "stream", "name": "stdin", "text": "x"}],
        [{"kind": "display_data", "data": 3}],
        [{"kind": "error", "traceback": 3}],
        [{"kind": "display_data", "data": {"text/plain": {"x": 1}, "application/x": "y"}}],
        [{"kind": "stream", "name": "stdout", "text": "\x00\ud800\x1b[31m"}],
        [{"kind": np.arange(2)}],
        [{"kind": "stream", "name": np.arange(2)}],
        [{"kind": "display_data", "data": {"text/plain": np.arange(2)}}],
        [{"kind": "error", "evalue": [np.zeros(10**6)] * 10**5, "traceback": [[[1]]]}],
    ],
    ids=range(13),
)
def test_outputs_of_any_form_make_a_valid_notebook(outputs):
    cell = nbformat.v4.new_code_cell("", outputs=sandbox.cleaned(outputs))
    nbformat.validate(nbformat.v4.new_notebook(cells=[cell]))
    json.dumps(cell, ensure_ascii=False).encode()


def test_of_an_output_texts_and_figures_are_kept_and_nothing_that_a_page_would_run():
    data = {
        "text/plain": "a",
        "image/png": "b",
        "application/javascript": "c",
        "application/vnd.jupyter.widget-view+json": {"id": "d"},
    }
    assert [
        output.data for output in sandbox.cleaned([{"kind": "display_data", "data": data}])
    ] == [{"text/plain": "a", "image/png": "b"}]
    assert (
        sandbox.cleaned(
            [{"kind": "stream", "name": "stdin", "text": "x"}, {"kind": "input_request"}]
        )
        == []
    )
    assert len(sandbox.cleaned([{"kind": "error", "traceback": ["x"] * 10**5}])[0].traceback) == 500
    assert sandbox.text("a\tb\n\x00\x07\x1b[2Jc\r") == "a\tb\n[2Jc"
    assert sandbox.text([1]) == sandbox.text({"x": 1}) == ""


def test_marks_of_json_are_counted_outside_strings():
    text = json.dumps({"text": '[,"\\' * 200_000, "list": [1, 2, 3]})
    assert wire.parts(text) == 5
