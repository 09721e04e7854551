"""`make address URL=https://...`: write where the course is published.

It goes into _config.yml and every notebook.
"""

import re
import sys

from tools.environment import ROOT


def main(arguments):
    if len(arguments) != 1 or not arguments[0].startswith("URL="):
        sys.exit("The address is missing: make address URL=https://github.com/OWNER/NAME")
    write(arguments[0].removeprefix("URL="), ROOT)
    from tools import exercises, notebooks

    return notebooks.main([]) or exercises.main([])


def write(address, root):
    """Write the address into _config.yml."""
    address = address.rstrip("/").removesuffix(".git")
    if not re.fullmatch(r"https://(github|gitlab)\.com(/[\w.-]+){2}", address):
        sys.exit(
            f"The address is {address!r}; expected https://github.com/OWNER/NAME (Colab opens only "
            "these), or the same on gitlab.com"
        )
    path = root / "_config.yml"
    text, count = re.subn(
        r'(?m)^(  url: )"[^"]*"', rf'\1"{address}"', path.read_text(encoding="utf-8")
    )
    if count != 1:
        sys.exit(
            f"_config.yml has {count} lines that read '  url: \"...\"'; "
            "expected one, under repository"
        )
    path.write_text(text, encoding="utf-8", newline="\n")
