"""`make book`: execute the chapters whose outputs are not saved, and render the site.

The site is in _build/html; warnings are errors. If nothing has changed since the last success,
nothing is done. Outputs are saved under a key that covers the package, the locked versions, the
data set and the other files in the folders of the notebooks; the notebooks' own code is matched by
jupyter-cache.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys

from tools import environment, scripts
from tools.environment import ROOT, variables

BUILD = ROOT / "_build"
SITE = BUILD / "html"
STAMP = SITE / ".built"


def main(arguments):
    dataset = "digits"
    for argument in arguments:
        name, _, dataset = argument.partition("=")
        if name != "DATASET" or not dataset:
            sys.exit(f"The argument {argument!r} is unknown here; expected none, or DATASET=mnist")
    inputs = everything(dataset)
    built = json.loads(STAMP.read_text()) if STAMP.exists() else {}
    local = scripts.fetch(probe=built.get("inputs") == inputs)
    current = {"inputs": inputs, "local": local}
    if built != current:
        build(dataset, local)
        STAMP.write_text(json.dumps(current))
    python = environment.PYTHON.relative_to(environment.VENV.parent)
    print(
        f"{'Nothing has changed: the' if built == current else 'The'} site is in {SITE}\n"
        f"  open   {(SITE / 'index.html').as_uri()}\n"
        f"  or run {python} -m http.server --directory _build/html\n"
        "  and open http://localhost:8000"
    )


def build(dataset, local):
    """Execute, then render; exit if either fails."""
    saved = saved_outputs(dataset)
    # After a failure neither the stamp nor any page of an earlier build remains.
    for folder in ("html", ".doctrees", "jupyter_execute"):
        shutil.rmtree(BUILD / folder, ignore_errors=True)
    execute(pages(), saved, surroundings(dataset))
    if not configuration()["repository"]["url"]:
        print(
            "The pages have no button that opens them in Colab: "
            "run `make address URL=https://github.com/OWNER/NAME` to add it"
        )
    print("Rendering ...", flush=True)
    failed = render(ROOT, site_configuration(local, saved), surroundings(dataset))
    if failed:
        sys.exit(f"{failed}\nThe site is not built: see above")


def configuration(root=ROOT):
    import yaml

    return yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))


def names(toc):
    """The pages of a table of contents, in order."""
    for key, value in toc.items():
        if key in ("root", "file"):
            yield value
        for part in value if isinstance(value, list) else []:
            yield from names(part)


def pages(root=ROOT):
    """The notebooks of _toc.yml that are executed: not the exercises, whose blanks raise."""
    import yaml

    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    found = [root / f"{name}.ipynb" for name in names(toc) if not name.startswith("exercises/")]
    return [path for path in found if path.exists()]


def digest(files, *words):
    """A hash of `words`, and of the names and contents of `files`."""
    total = hashlib.sha256(repr(words).encode())
    for path in sorted(files):
        total.update(
            f"\0{path.relative_to(ROOT).as_posix()}\0{path.stat().st_size}\0".encode()
            + path.read_bytes()
        )
    return total.hexdigest()


def files(*names):
    """The files that are named or in named folders, without caches of Python and Jupyter."""
    found = [
        path
        for name in names
        for path in ([ROOT / name] if (ROOT / name).is_file() else (ROOT / name).rglob("*"))
    ]
    return [
        path
        for path in found
        if path.is_file() and not {"__pycache__", ".ipynb_checkpoints"} & set(path.parts)
    ]


def surroundings(dataset):
    """The environment variables of the kernels."""
    return variables(AECOURSE_DATASET=dataset)


def settings(dataset):
    """What can change an output and is in no file: versions, data set, visible devices."""
    devices = os.environ.get("CUDA_VISIBLE_DEVICES")
    if dataset == "digits":
        return environment.key(), dataset, devices
    return environment.key(), dataset, devices, os.environ.get("AECOURSE_DATA")


def everything(dataset):
    """A hash that changes whenever the site could come out differently."""
    return digest(
        files("_config.yml", "_toc.yml", "aecourse", "book", "chapters", "exercises", "tools"),
        *settings(dataset),
    )


def saved_outputs(dataset):
    """The folder of saved outputs; emptied if the package, versions or data have changed."""
    folder = BUILD / ".jupyter_cache" / dataset
    used = [path for path in files("aecourse", "chapters") if path.suffix != ".ipynb"]
    key, now = folder / "key", digest(used, *settings(dataset))
    if not (key.exists() and key.read_text() == now):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        key.write_text(now)
    return folder


def computed_seconds(path, dataset="digits"):
    """CPU seconds of a page's kernel in the last `make book`, or None."""
    import nbformat
    from jupyter_cache import get_cache

    folder = BUILD / ".jupyter_cache" / dataset
    used = [path for path in files("aecourse", "chapters") if path.suffix != ".ipynb"]
    key = folder / "key"
    if not (key.exists() and key.read_text() == digest(used, *settings(dataset))):
        return None
    try:
        record = get_cache(folder).match_cache_notebook(nbformat.read(path, as_version=4))
    except KeyError:
        return None
    return (record.data or {}).get("cpu_seconds")


def execute(paths, folder, variables):
    """Execute the notebooks whose outputs are not in the cache `folder`.

    If any fails, print all that failed, and exit.
    """
    import nbformat
    from jupyter_cache import get_cache
    from jupyter_cache.base import CacheBundleIn

    from tools.execute import execute_all

    cache = get_cache(folder)
    seconds_of = {}
    failed = []
    timeout = configuration()["execute"]["timeout"]

    def saved(path):
        try:
            return cache.match_cache_notebook(nbformat.read(path, as_version=4))
        except KeyError:
            return None

    missing = [path for path in paths if not saved(path)]
    print(f"Executing {len(missing)} of {len(paths)} pages ...", flush=True)
    for path, notebook, seconds, error in execute_all(
        {path: variables for path in missing}, timeout
    ):
        name = path.relative_to(ROOT).as_posix()
        print(f"{seconds:6.1f} s  {name}{' FAILED' * bool(error)}", flush=True)
        if error:
            failed.append(f"\n{name}\n{error}")
        else:
            seconds_of[name] = seconds
            computed = notebook.metadata.pop("cpu_seconds")
            data = {"execution_seconds": seconds, "cpu_seconds": computed}
            bundle = CacheBundleIn(notebook, str(path), data=data)
            cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
    if failed:
        count = f"{len(failed)} of {len(missing)} pages failed, see above"
        sys.exit("\n".join([*failed, f"The site is not built: {count}"]))
    if len(seconds_of) > 2:
        longest = sorted(seconds_of.items(), key=lambda item: -item[1])
        print("Longest first: " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in longest))


def site_configuration(local, saved, root=ROOT):
    """_config.yml, completed with the source of scripts and, if set, the course's address."""
    config = configuration(root)
    config["execute"]["cache"] = str(saved)
    config["sphinx"]["local_extensions"] = {
        name: str(root / folder) for name, folder in config["sphinx"]["local_extensions"].items()
    }
    config["sphinx"]["config"].update(scripts.LOCAL if local else scripts.CDN)
    if local:
        config["sphinx"]["config"]["html_static_path"].append(str(scripts.STATIC))
    if config["repository"]["url"]:
        config["html"] |= {
            f"use_{button}_button": True for button in ("repository", "issues", "edit_page")
        }
    else:
        del config["repository"], config["launch_buttons"]
    return config


def render(root, config, variables):
    """Run Jupyter Book on all pages; return its output if it failed, otherwise an empty text."""
    import yaml

    path = root / "_build" / "_config.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    command = [
        environment.BIN / "jupyter-book",
        "build",
        root,
        "--config",
        path,
        "-W",
        "-n",
        "--keep-going",
        "--all",
        "-q",
    ]
    ran = subprocess.run(
        command,
        cwd=root,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    return re.sub(r"\x1b\[[\d;]*m", "", ran.stdout) if ran.returncode else ""
