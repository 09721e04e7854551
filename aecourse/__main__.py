"""``python -m aecourse``: see :mod:`aecourse.cli`."""

from aecourse.cli import main

main()
