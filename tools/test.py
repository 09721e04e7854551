"""`make test`: pytest over tests/ and, cell by cell, over every notebook: it runs, and its marked outputs are what they were."""
import subprocess

from tools.environment import PYTHON, ROOT, variables


def main(arguments):
    paths = [argument for argument in arguments if (ROOT / argument.partition("::")[0]).exists()]
    paths = [] if paths else [name for name in ("tests", "chapters", "solutions", "exercises") if (ROOT / name).is_dir()]
    options = ["-rs", "--durations=15", "--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout", "120"]
    command = [PYTHON, "-m", "pytest", *options, *paths, *arguments]
    return subprocess.call(command, cwd=ROOT, env=variables(AECOURSE_DATASET="digits"))
