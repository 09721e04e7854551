"""Submissions that are broken or hostile, each with the marks that it should get: five by the
checks of the exercise `small`, or a rejection.

`CODE`: answers, or cells of the learner's own ("own"), in a submission whose other answers are
right. `CHEATS`: the same, where all other answers are wrong. `NOTEBOOKS`: what was done to the
notebook's JSON. `FILES`: what lies in the folder instead. A mark is a number, None for any (what is
broken is the learner's own), or the words with which it is rejected.
"""

import json
import os

DOUBLE = "def double(x):\n    {}\n    return 2 * x"

FORGE = (
    "import io, json, sys\nimport numpy as np\nfile = io.BytesIO(); np.save(file, np.zeros({})); "
    "blob = file.getvalue()\nname = {{'a': 0}}\nbody = json.dumps({{'d': {}}})\n"
    "head = json.dumps({{'sizes': [len(blob)], 'body': body}}).encode()\n"
    "sys.modules['grader.inside.wire'].pack = lambda value: head + b'\\n' + blob"
)  # replies with one array, and a body that names it
CODE = {
    "a loop in a cell": ({"own": "while True: pass"}, 5),
    "a loop in a function": ({"double": DOUBLE.format("while True: pass")}, 3),
    "a loop that ignores signals": (
        {
            "own": "import signal\nfor s in range(1, 32):\n    try: signal.signal(s, "
            "signal.SIG_IGN)\n"
            "    except (OSError, ValueError): pass\nwhile True: pass"
        },
        5,
    ),
    "a function that catches all": (
        {
            "double": "def double(x):\n    while True:\n        try:\n            while True: "
            "pass\n        except BaseException: pass"
        },
        3,
    ),
    "a loop without a timer": (
        {"own": "import signal; signal.setitimer(signal.ITIMER_REAL, 0)\nwhile True: pass"},
        5,
    ),
    "a long sleep": ({"own": "import time; time.sleep(1e6)"}, 5),
    "recursion": ({"double": "def double(x): return double(x)"}, 3),
    "deep recursion": ({"own": "import sys; sys.setrecursionlimit(10**9)\ndef f(): f()\nf()"}, 5),
    "memory in a cell": ({"own": "x = []\nwhile True: x.append(b'x' * (64 << 20))"}, 5),
    "memory in a function": ({"double": DOUBLE.format("y = b'x' * (20 << 30)")}, 3),
    "a large list comes back": ({"double": "def double(x): return [0.0] * 10**8"}, 3),
    "a fork bomb": ({"own": "import os\nwhile True: os.fork()"}, 5),
    "threads without end": (
        {
            "own": "import threading, time\nwhile True: threading.Thread(target=time.sleep, "
            "args=(99,)).start()"
        },
        5,
    ),
    "printing without end": ({"own": "while True: print('x' * 80)"}, 5),
    "one line of 300 MB": ({"own": "print('x' * 300_000_000)"}, 5),
    "warnings without end": ({"own": "import sys\nwhile True: sys.stderr.write('x' * 999)"}, 5),
    "a figure of 50 MB": (
        {"own": "from IPython.display import HTML, display; display(HTML('x' * 50_000_000))"},
        5,
    ),
    "a flood into every descriptor": (
        {
            "own": "import os\nwhile True:\n    for i in range(3, 16):\n        try: os.write(i, "
            "bytes(1 << 20))\n"
            "        except OSError: pass"
        },
        5,
    ),
    "a full disk": (
        {
            "own": "i = 0\nwhile True:\n    i += 1\n    open(f'/tmp/{i}', 'wb').write(bytes(9 << "
            "20))"
        },
        5,
    ),
    "exit of the process": ({"own": "import os; os._exit(0)"}, 5),
    "exit in a function": ({"double": DOUBLE.format("import os; os._exit(0)")}, 3),
    "exit in every function": (
        {key: f"def {key}(x):\n    import os; os._exit(0)" for key in ("double", "square", "cube")},
        0,
    ),
    "SystemExit": ({"own": "raise SystemExit"}, 5),
    "SystemExit in a function": ({"double": DOUBLE.format("raise SystemExit")}, 3),
    "exit()": ({"own": "exit()"}, 5),
    "kill": ({"own": "import os; os.kill(os.getpid(), 9)"}, 5),
    "kill all": (
        {
            "own": "import os\nfor p in (1, -1, os.getppid(), os.getpid()):\n    try: os.kill(p, "
            "9)\n    except OSError: pass"
        },
        5,
    ),
    "a segmentation fault": ({"own": "import ctypes; ctypes.string_at(0)"}, 5),
    "a fault in a function": ({"double": DOUBLE.format("import ctypes; ctypes.string_at(0)")}, 3),
    "death a little later": (
        {"own": "import threading, os; threading.Timer(0.2, os._exit, (1,)).start()"},
        None,
    ),
    "closed descriptors": ({"own": "import os; os.closerange(0, 99)"}, 5),
    "no standard output": ({"own": "import sys; sys.stdout = None"}, 5),
    "a broken shell": (
        {"own": "ip = get_ipython(); ip.run_cell = ip.run_code = ip.ast_transformers = None"},
        None,
    ),
    "print is gone": ({"own": "def print(*a): raise ValueError"}, 5),
    "a syntax error": ({"double": "def double(x:"}, 3),
    "shell commands": ({"own": "!rm -rf / 2>/dev/null; kill -9 -1"}, 5),
    "the network": (
        {"double": DOUBLE.format("import socket; socket.create_connection(('1.1.1.1', 80), 1)")},
        3,
    ),
    "the gradebook": (
        {
            "own": "import glob, sqlite3\nfor f in glob.glob('/**/gradebook.db', recursive=True):\n"
            "    sqlite3.connect(f).execute('update grade set auto_score = 99').connection.commit()"
        },
        5,
    ),
    "the neighbours": (
        {
            "own": "import glob\nfor f in glob.glob('/**/*.ipynb', recursive=True): open(f, "
            "'w').write('{}')"
        },
        5,
    ),
    "a locked gradebook": (
        {
            "own": "import fcntl, glob\nfor f in glob.glob('/**/*.db', recursive=True): "
            "fcntl.flock(open(f, 'a'), fcntl.LOCK_EX)"
        },
        5,
    ),
    "files of the host": (
        {
            "own": "import glob, os\n"
            "def show(path):\n    try: print(open(path, errors='replace').read()[:4000])\n    "
            "except OSError: pass\n"
            "show('/etc/passwd')\nfor path in glob.glob('/proc/[0-9]*/environ'): show(path)\n"
            "for top in ('/submission', '/home', '/root', '/tmp'):\n    for place, _, files in "
            "os.walk(top):\n"
            "        for f in files:\n            if f in ('oracle.py', 'grading.key') or "
            "f.endswith('.ipynb'): show(f'{place}/{f}')"
        },
        5,
    ),
    "text that is no text": ({"own": "print('\\ud800\\x00\\x1b[2J')"}, 5),
    "an error that raises": (
        {"own": "class E(Exception):\n    def __str__(self): raise E\nraise E"},
        5,
    ),
    "bytes that drip": (
        {
            "own": "import os, time\nfor _ in range(60):\n    if os.fork() == 0: break\nwhile "
            "True:\n    for i in range(3, 16):\n        try: os.write(i, b'x')\n"
            "        except OSError: pass\n    time.sleep(0.01)"
        },
        5,
    ),
    "one array named a hundred times": (
        {"own": FORGE.format("5 << 20", "[['value', [name] * 100], ['outputs', []]]")},
        5,
    ),
    "names turned into text": (
        {
            "own": FORGE.format(
                "900",
                "[['error', [[[name] * 9000] * 9]], ['outputs', {'d': [['kind', 'error'], "
                "['evalue', [name] * 9000]]}]]",
            )
        },
        5,
    ),
    "a reply of brackets": (
        {
            "own": "import sys\nsys.modules['grader.inside.wire'].pack = lambda value: "
            "b'{\"sizes\": [], \"body\": \"[' + b'[],' * 2_500_000 + b'[]]\"}\\n'"
        },
        5,
    ),
    "shared memory that is no longer mapped": (
        {
            "own": "import mmap, time\nx = mmap.mmap(-1, 2 << 30)\nfor i in range(0, 2 << 30, "
            "4096): x[i] = 1\nx.madvise(mmap.MADV_DONTNEED); time.sleep(60)"
        },
        5,
    ),
    "files in memory": (
        {"own": "import os\nfor _ in range(200): os.write(os.memfd_create('x'), bytes(32 << 20))"},
        5,
    ),
    "empty files without end": (
        {
            "own": "import os\ni = 0\nwhile True:\n    i += 1\n    os.close(os.open(f'/tmp/{i}', "
            "os.O_CREAT))"
        },
        5,
    ),
    "last to be ended": (
        {
            "own": "open('/proc/self/oom_score_adj', 'w').write('0')\nx = []\nwhile True: "
            "x.append(b'x' * (64 << 20))"
        },
        5,
    ),
    "every core is busy": (
        {"own": "import os\nfor _ in range(5): os.fork()\nwhile True: pass"},
        5,
    ),
    "a script in the words": (
        {"words": "<script>hit()</script><img src=x onerror=hit()><details open ontoggle=hit()>"},
        5,
    ),
    "a call of input": (
        {"double": "n = input('How many? ')\ndef double(x):\n    return 2 * x"},
        5,
    ),
    "a helper that a cell writes": (
        {
            "own": "%%writefile helper.py\ndef twice(x): return 2 * x",
            "double": "from helper import twice\ndef double(x): return twice(x)",
        },
        5,
    ),
    "an error of 100 MB": ({"double": "def double(x): raise ValueError('x' * 10**8)"}, 3),
}

SPY = (
    "import sys, gc\n    frame, seen = sys._getframe(), []\n    while frame:\n        seen += [v "
    "for v in frame.f_locals.values() if isinstance(v, (int, float))]"
    "\n        frame = frame.f_back\n    return seen[-1] if seen else 0"
)
CHEATS = {
    "answers learnt by heart": (
        {
            "double": "def double(x): return {3: 6}.get(x, 0)",
            "square": "def square(x): return 9",
            "cube": "def cube(x): return 27",
        },
        0,
    ),
    "equal to everything": (
        {
            key: f"class Any:\n    __eq__ = lambda *a: True\ndef {key}(x): return Any()"
            for key in ("double", "square", "cube")
        },
        0,
    ),
    "a number equal to everything": (
        {
            "double": "class N(int):\n    __eq__ = lambda *a: True\n    __float__ = lambda *a: "
            "6.0\ndef double(x): return N(0)"
        },
        0,
    ),
    "an array of objects": (
        {"double": "import numpy as np\ndef double(x): return np.array([object()], dtype=object)"},
        0,
    ),
    "not a number": ({"double": "def double(x): return float('nan')"}, 0),
    "an input transformer": (
        {
            "own": "get_ipython().input_transformers_post.append(lambda lines: ['pass\\n' if "
            "'assert' in l else l for l in lines])"
        },
        0,
    ),
    "a patched kernel": ({"own": "type(get_ipython()).run_cell = lambda self, *a, **k: None"}, 0),
    "a display hook": (
        {"own": "import sys; print(5.0); sys.displayhook = lambda v: print(5.0)\n5.0"},
        0,
    ),
    "a value of 100": ({"double": "def double(x): return 0\n100.0"}, 0),
    "patched comparisons": (
        {
            "own": "import numpy as np, math, builtins\nnp.allclose = np.array_equal = "
            "math.isclose = lambda *a, **k: True\n"
            "builtins.abs = lambda x: 0"
        },
        0,
    ),
    "patched checks": (
        {
            "own": "from aecourse.exercises import checks\nexpect = checks.expect = "
            "checks.carries_gradient = lambda *a, **k: None\n"
            "import builtins\nbuiltins.AssertionError = type('Fine', (Exception,), {'__init__': "
            "lambda *a: print('passed')})"
        },
        0,
    ),
    "a spy in the frames": (
        {key: f"def {key}(x):\n    {SPY}" for key in ("double", "square", "cube")},
        0,
    ),
    "forged replies": (
        {
            "own": "import sys, os\nfrom grader.inside import wire\nfor i in range(3, 9):\n    "
            "try: os.write(i, wire.pack({'value': 6.0}) * 50)\n"
            "    except OSError: pass"
        },
        0,
    ),
    "a patched wire": (
        {
            "own": "import sys\nwire = sys.modules['grader.inside.wire']\nold = wire.pack\n"
            "wire.pack = lambda v: old({'value': 6.0, 'outputs': [{'kind': 'execute_result', "
            "'data': {'text/plain': '5.0'}}]})"
        },
        0,
    ),
    "a search for what judges": (
        {
            "double": "def double(x):\n    import glob\n    hidden = glob.glob('/**/oracle.py', "
            "recursive=True)\n"
            "    return sum(len(open(f).read()) for f in hidden)"
        },
        0,
    ),
}


def cell(notebook, key):
    (found,) = [cell for cell in notebook["cells"] if cell["id"] == key]
    return found


def each(change):
    def changed(notebook):
        for one in notebook["cells"]:
            change(one)

    return changed


def settings(**values):
    return each(
        lambda one: "nbgrader" in one["metadata"] and one["metadata"]["nbgrader"].update(values)
    )


def without(key):
    return lambda notebook: notebook["cells"].remove(cell(notebook, key))


def with_(make):
    return lambda notebook: notebook["cells"].append(make(notebook))


def old_format(notebook):
    cells = [
        {
            "cell_type": one["cell_type"],
            "metadata": one["metadata"],
            "input": one["source"],
            "source": one["source"],
        }
        for one in notebook.pop("cells")
    ]
    notebook.update(nbformat=3, nbformat_minor=0, worksheets=[{"cells": cells, "metadata": {}}])


def code(source):
    return {"cell_type": "code", "source": source, "metadata": {}, "outputs": []}


def merged(notebook):
    """All answers in the cell of the first one; the other cells are deleted."""
    for key in ("square", "cube"):
        cell(notebook, "double")["source"] += ["\n\n", *cell(notebook, key)["source"]]
        notebook["cells"].remove(cell(notebook, key))


NOTEBOOKS = {
    "answers merged into one cell": (merged, 5),
    "a name that is taken later": (
        with_(lambda n: code("double = double(3); square = sum = 0")),
        5,
    ),
    "all names deleted at the end": (with_(lambda n: code("%reset -f")), 5),
    "250 cells of 4 MB": (
        lambda n: n["cells"].extend(
            code("from IPython.display import HTML, display; display(HTML('x' * 3_900_000))")
            for _ in range(250)
        ),
        5,
    ),
    "a check edited": (lambda n: cell(n, "double-check").update(source="pass"), 5),
    "a check deleted": (without("double-check"), 5),
    "a check copied": (with_(lambda n: dict(cell(n, "double-check"), id="copy")), 5),
    "an answer deleted": (without("double"), 3),
    "an answer copied": (with_(lambda n: dict(cell(n, "cube"), id="copy", source="pass")), 5),
    "the set-up deleted": (without("given"), 5),
    "the order turned round": (lambda n: n["cells"].reverse(), 5),
    "points raised": (settings(points=1000), 5),
    "points taken for words": (settings(points="many"), 5),
    "nothing to be graded": (settings(grade=False, solution=False, locked=False), 5),
    "checks called answers": (
        lambda n: cell(n, "double-check")["metadata"]["nbgrader"].update(
            solution=True, grade=False
        ),
        5,
    ),
    "schema 1": (settings(schema_version=1), 5),
    "schema 4": (settings(schema_version=4), 5),
    "metadata lost": (each(lambda one: one.update(metadata={})), 5),
    "ids lost": (each(lambda one: one.pop("id")), 5),
    "metadata and ids lost": (each(lambda one: (one.pop("id"), one.update(metadata={}))), 5),
    "metadata of another form": (
        each(lambda one: one.update(metadata={"nbgrader": ["x"], "tags": 3})),
        5,
    ),
    "the format before": (old_format, 5),
    "a format to come": (lambda n: n.update(nbformat=9, nbformat_minor=9), 5),
    "another kernel": (
        lambda n: n["metadata"].update(
            kernelspec={"name": "bash", "display_name": "x", "language": "bash"}
        ),
        5,
    ),
    "answers as text": (lambda n: cell(n, "double").update(cell_type="markdown"), 5),
    "cells of no kind": (with_(lambda n: {"cell_type": "evil", "source": ["print(", 3, ")"]}), 5),
    "500 cells": (
        lambda n: n["cells"].extend(
            {"cell_type": "code", "source": "1", "metadata": {}, "outputs": []} for _ in range(500)
        ),
        5,
    ),
    "3000 cells": (
        lambda n: n["cells"].extend({"cell_type": "code", "source": "1"} for _ in range(3000)),
        5,
    ),
    "6000 cells": (
        lambda n: n["cells"].extend({"cell_type": "code", "source": "1"} for _ in range(6000)),
        "cells",
    ),
    "half a sign": (
        with_(lambda n: {"cell_type": "code", "metadata": {}, "source": "'\ud800'", "outputs": []}),
        5,
    ),
    "no cells": (lambda n: n.update(cells=[]), "no cell of this exercise"),
    "another exercise": (
        lambda n: n.update(
            cells=[{"cell_type": "code", "id": "other", "metadata": {}, "source": "1"}]
        ),
        "no cell of this exercise",
    ),
}


def written(change):
    """A file of what `change` makes of the notebook's text."""
    return lambda folder, text: (folder / "small.ipynb").write_bytes(change(text))


def moved(name):
    return lambda folder, text: (folder / name).write_text(text, encoding="utf-8")


def released(folder):
    return (folder.parents[3] / "exercises" / "small" / "small.ipynb").read_text()


def linked(folder, text):
    (folder / "small.ipynb").write_text(text, encoding="utf-8")
    for name in ("data.csv", "timestamp.txt", "small.html"):
        (folder / name).symlink_to("/etc/passwd")
    (folder / "etc").symlink_to("/etc")


def sparse(folder, text):
    with open(folder / "small.ipynb", "wb") as file:
        file.truncate(3 << 30)


def link_for_folder(folder, text):
    folder.rmdir()
    folder.symlink_to(folder.parents[1] / "neighbour" / "small")


FILES = {
    "another name": (moved("small (1).ipynb"), 5),
    "a name with strange signs": (moved("=cmd|'x'!A1 [*]?.ipynb"), 5),
    "two notebooks": (
        lambda folder, text: [
            moved("small.ipynb")(folder, text),
            moved("notes.ipynb")(folder, json.dumps({"cells": []})),
        ],
        5,
    ),
    "a blank under the right name": (
        lambda folder, text: [
            moved("mine.ipynb")(folder, text),
            moved("small.ipynb")(folder, released(folder)),
        ],
        5,
    ),
    "29 MB of empty cells": (
        written(lambda text: b'{"cells": [' + b"{}," * (29 * 2**20 // 3) + b"{}]}"),
        "of more parts than",
    ),
    "a byte order mark": (written(lambda text: text.encode("utf-8-sig")), 5),
    "16 bits a sign": (written(lambda text: text.encode("utf-16")), 5),
    "another encoding": (
        written(lambda text: text.replace("Small", "Sm\xe4ll").encode("latin-1")),
        "not a text file",
    ),
    "half a file": (written(lambda text: text[: len(text) // 2].encode()), "only a part of one"),
    "an empty file": (written(lambda text: b""), "not a notebook"),
    "brackets without end": (written(lambda text: b"[" * 10**6), "not a notebook"),
    "an image": (written(lambda text: b"\x89PNG\r\n\x1a\n" + bytes(99)), "not a text file"),
    "a list": (written(lambda text: b"[1, 2]"), "no list of cells"),
    "no file": (
        lambda folder, text: (folder / "answer.docx").write_text("2 * x"),
        "there is no notebook",
    ),
    "a folder": (lambda folder, text: (folder / "small.ipynb").mkdir(), "not a regular file"),
    "a pipe": (lambda folder, text: os.mkfifo(folder / "small.ipynb"), "not a regular file"),
    "a link to a neighbour": (
        lambda folder, text: (folder / "small.ipynb").symlink_to(
            folder.parents[1] / "neighbour" / "small" / "small.ipynb"
        ),
        "a link",
    ),
    "a link to nowhere": (
        lambda folder, text: (folder / "small.ipynb").symlink_to("/nowhere"),
        "a link",
    ),
    "a folder that is a link": (link_for_folder, "a link"),
    "links beside it": (linked, 5),
    "3 GB": (sparse, "clear the outputs"),
}

SAMPLE = (
    "bytes that drip",
    "one array named a hundred times",
    "names turned into text",
    "shared memory that is no longer mapped",
    "every core is busy",
    "a script in the words",
    "a call of input",
    "a helper that a cell writes",
    "answers merged into one cell",
    "a name that is taken later",
    "all names deleted at the end",
    "29 MB of empty cells",
    "a loop in a function",
    "a loop that ignores signals",
    "memory in a cell",
    "one line of 300 MB",
    "a flood into every descriptor",
    "exit in a function",
    "kill all",
    "files of the host",
    "the gradebook",
    "equal to everything",
    "forged replies",
    "an input transformer",
    "metadata and ids lost",
    "schema 4",
    "a check copied",
    "another name",
    "half a file",
    "a pipe",
    "links beside it",
    "a folder that is a link",
    "no file",
)
