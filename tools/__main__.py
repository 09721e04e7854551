"""`python3 -m tools COMMAND`: any Python from 3.11 on will do; what a command needs is installed into `.venv` first."""

import sys

if sys.version_info < (3, 11):  # this file is written so that an old Python can read as far as here
    sys.exit(
        "The course needs Python 3.11 or newer, and this is %d.%d: name a newer one, as in `make book PYTHON=python3.12` "
        "or `python3.12 -m tools book`." % sys.version_info[:2]
    )

import importlib  # noqa: E402
import shutil  # noqa: E402
import subprocess  # noqa: E402

from tools import environment  # noqa: E402

COMMANDS = {
    "book [DATASET=mnist]": "execute the chapters, build the site in _build/html and say how to open it",
    "test [CHAPTER=] [EXERCISE=]": "run ruff, every test and every notebook; or those of one page",
    "claims": "run every page on digits and on MNIST over five seeds, and write book/claims.md",
    "lock": "pin anew, in requirements.lock, what requirements.txt asks for",
    "page NAME=losses/edges": "begin a chapter: its notebook with all sections, and its line in the contents",
    "notebooks": "put every notebook into its canonical form; execute those whose marked outputs are missing",
    "exercises": "make exercises/ from solutions/",
    "address URL=https://...": "write the repository's address into _config.yml and into every notebook",
    "environment": "only make or renew .venv",
    "clean": "delete _build: the site and the saved outputs (.venv stays)",
    "help": "show this list",
}


def main(command="help", *arguments):
    if command not in [use.split()[0] for use in COMMANDS]:
        sys.exit("There is no command %r: `python3 -m tools help` lists them" % command)
    if command == "help":
        print("make COMMAND, or without make: python3 -m tools COMMAND\n")
        print("\n".join("  %-24s %s" % line for line in COMMANDS.items()))
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
