"""`make lock`: pin the packages in requirements.txt and all their dependencies.

One file serves every platform and Python version.
"""

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from tools.environment import ROOT

HEADER = """\
# Every version that `make book` and `make test` use, as constraints for pip: packages that only
# other platforms need do no harm. Written by `make lock` from requirements.txt; do not edit.
"""


def main():
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True, symlinks=os.name != "nt")
        python = Path(folder, "Scripts" if os.name == "nt" else "bin", "python")
        result = Path(folder, "requirements.lock")
        for command in (
            ["pip", "install", "-qq", "--disable-pip-version-check", "uv"],
            [
                "uv",
                "pip",
                "compile",
                "--universal",
                "--python-version",
                "3.11",
                "--upgrade",
                "--quiet",
                "--no-header",
                "--no-annotate",
                "--no-emit-index-url",
                "--no-emit-find-links",
                "requirements.txt",
                "-o",
                str(result),
            ],
        ):
            if subprocess.call([python, "-m", *command], cwd=ROOT):
                sys.exit("requirements.lock is unchanged, see above")
        (ROOT / "requirements.lock").write_text(
            HEADER + result.read_text(encoding="utf-8"), encoding="utf-8"
        )
    print("requirements.lock is updated; the next `make` command installs it")
