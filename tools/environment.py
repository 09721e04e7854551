"""The environment `.venv`: the packages in requirements.txt, at the versions in requirements.lock.

It is updated when they change.
"""

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
STAMP = VENV / "installed"
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"


def key():
    """A hash of everything that decides what is installed."""
    parts = [
        (ROOT / name).read_bytes()
        for name in ("requirements.txt", "requirements.lock", "pyproject.toml")
    ]
    return hashlib.sha256(b"\0".join([VERSION.encode(), str(ROOT).encode(), *parts])).hexdigest()


def inside():
    """Whether this process runs in `.venv`."""
    return Path(sys.prefix).resolve() == VENV.resolve()


def strict():
    """Whether a missing program is an error, as in `.ci/run`, rather than done without."""
    return os.environ.get("AECOURSE_STRICT") == "1"


def variables(**more):
    """The environment variables of the processes that a command starts.

    `.venv` comes first in the path; progress and interaction are switched off.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name
        not in (
            "MPLBACKEND",
            "PYTHONHOME",
            "PYTHONPATH",
            "AECOURSE_DATASET",
            "AECOURSE_SEEDS",
            "AECOURSE_CLAIMS",
        )
    }
    return {
        **kept,
        "VIRTUAL_ENV": str(VENV),
        "PATH": os.pathsep.join([str(BIN), os.environ.get("PATH", "")]),
        "JUPYTER_PATH": str(VENV / "share" / "jupyter"),
        "JUPYTER_PREFER_ENV_PATH": "1",  # never a kernel of the user's own
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "AECOURSE_STATIC": "1",
        "AECOURSE_PROGRESS": "0",
        **more,
    }


def ensure(tests=False):
    """Create `.venv`, or complete or update it. `tests` adds tests/requirements.txt."""
    if not (STAMP.exists() and STAMP.read_text() == key()):
        print(
            "Installing the packages in requirements.lock into .venv "
            "(about 5 GB; the first time takes minutes) ...",
            flush=True,
        )
        if not usable():
            create()
        STAMP.unlink(missing_ok=True)
        pip("-r", "requirements.txt", "-e", ".")
        STAMP.write_text(key())  # last, so that an interrupted installation is continued
    if tests:
        pip("-r", "tests/requirements.txt")


def usable():
    """Whether `.venv` exists, has this version of Python and pip, and has not been moved."""
    try:
        made = (VENV / "pyvenv.cfg").read_text()
        ask = "import pip, sys; print('%d.%d' % sys.version_info[:2])"
        answer = subprocess.run([PYTHON, "-c", ask], capture_output=True, text=True)
    except OSError:
        return False
    return answer.stdout.strip() == VERSION and str(VENV) in made


def create():
    """Create `.venv`; exit with advice if that can't be done."""
    if VENV.is_symlink():
        sys.exit(
            f".venv is a link to {VENV.resolve()}, which belongs to another folder: "
            "delete the link, and the same command creates a .venv here"
        )
    if inside():
        sys.exit(
            ".venv is broken and can't be repaired from inside: "
            "run this command with another Python, or delete .venv"
        )
    try:
        venv.create(VENV, clear=True, with_pip=True, symlinks=os.name != "nt")
    except subprocess.CalledProcessError:
        sys.exit(
            "This Python can't create an environment, since its module ensurepip is missing: "
            "on Debian and Ubuntu, apt-get install python3-venv"
        )


def pip(*arguments):
    """`pip install`, quietly, at the locked versions."""
    command = [
        PYTHON,
        "-m",
        "pip",
        "install",
        "-qq",
        "--disable-pip-version-check",
        "-c",
        "requirements.lock",
        *arguments,
    ]
    if subprocess.call(command, cwd=ROOT, env=variables()):
        sys.exit("The installation stopped, see above; the same command continues it")
