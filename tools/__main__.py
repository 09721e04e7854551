"""`python3 -m tools COMMAND`, with any Python from 3.11 on.

What a command needs is installed into `.venv` first. This file is written so that an older Python
can read it as far as the message below.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        "The course needs Python 3.11 or newer, and this is {}.{}: name a newer one, "
        "as in `make book PYTHON=python3.12` or `python3.12 -m tools book`.".format(
            *sys.version_info[:2]
        )
    )

import importlib  # noqa: E402
import shutil  # noqa: E402
import subprocess  # noqa: E402

from tools import environment  # noqa: E402

COMMANDS = {
    "book [DATASET=mnist]": "execute the chapters, build the site, and print how to open it",
    "test [CHAPTER=] [EXERCISE=]": "run ruff, every test and every notebook; or those of one page",
    "claims": "run every page on digits and MNIST over five seeds; write book/claims.md",
    "lock": "pin the packages in requirements.txt again, in requirements.lock",
    "page NAME=losses/edges": "start a chapter: its notebook, and its entry in the contents",
    "notebooks": "put notebooks into canonical form; execute those that lack marked outputs",
    "exercises": "generate exercises/ from solutions/",
    "address URL=https://...": "write the repository's address into _config.yml and every notebook",
    "environment": "only create or update .venv",
    "clean": "delete _build: the site and the saved outputs (.venv stays)",
    "help": "show this list",
}


def main(command="help", *arguments):
    """Run `command`, in `.venv` if it needs packages."""
    if command not in [use.split()[0] for use in COMMANDS]:
        sys.exit("There is no command {!r}: `python3 -m tools help` lists them".format(command))  # noqa: UP032
    if command == "help":
        print("make COMMAND, or without make: python3 -m tools COMMAND\n")
        print("\n".join("  {:27} {}".format(*line) for line in COMMANDS.items()))
    elif command == "clean":
        shutil.rmtree(environment.ROOT / "_build", ignore_errors=True)
    elif command == "environment":
        environment.ensure(tests="--tests" in arguments)
    elif command == "lock":  # in an environment of its own
        importlib.import_module("tools.lock").main()
    else:
        environment.ensure()
        if not environment.inside():
            return subprocess.call(
                [environment.PYTHON, "-m", "tools", command] + list(arguments),
                cwd=environment.ROOT,
                env=environment.variables(),
            )
        return importlib.import_module("tools." + command).main(list(arguments))


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
