"""The wheel: the package that learners and practitioners install, and nothing of what judges."""

import ast
import importlib.metadata
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = shutil.ignore_patterns(
    ".*", "_build", "build", "grading", "node_modules", "*.egg-info", "__pycache__"
)

# Imports each module of the package where no other top-level module exists than those allowed:
# sys.argv holds the folder of the unpacked wheel and, as JSON, the allowed names.
IMPORT_ALL = """
import importlib, json, pathlib, sys, traceback
from importlib.machinery import BuiltinImporter, FrozenImporter, PathFinder

folder, allowed = pathlib.Path(sys.argv[1]), {*json.loads(sys.argv[2]), *sys.stdlib_module_names}
sys.path.insert(0, str(folder))


class Declared:
    def find_spec(name, path=None, target=None):
        top = name.partition(".")[0]
        if top in allowed or top.startswith("_sysconfigdata"):
            return PathFinder.find_spec(name, path, target)


sys.meta_path[:] = [BuiltinImporter, FrozenImporter, Declared]
failed = {}
for path in sorted(folder.glob("aecourse/**/*.py")):
    if path.name == "__main__.py":  # a program: it would run
        continue
    name = ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")
    try:
        module = importlib.import_module(name)
        assert pathlib.Path(module.__file__).is_relative_to(folder), module.__file__
    except BaseException as error:
        failed[name] = "".join(traceback.format_exception_only(error)).strip()
print(json.dumps(failed))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory, library):
    """The wheel, unpacked."""
    library("setuptools")
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, folder / "course", ignore=LEFT_OUT)  # building leaves files in the tree
    command = [
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "-q",
        "-w",
        "made",
        "./course",
    ]
    done = subprocess.run([sys.executable, *command], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (made,) = (folder / "made").glob("*.whl")
    with zipfile.ZipFile(made) as packed:
        packed.extractall(folder / "unpacked")
    return folder / "unpacked"


def requirements(wheel):
    (metadata,) = wheel.glob("*.dist-info/METADATA")
    return importlib.metadata.PathDistribution(metadata.parent).requires


def dependencies(required):
    """The installed distributions that these requirements bring, directly or not, extras left
    out.
    """
    found, waiting = set(), list(required)
    while waiting:
        one = Requirement(waiting.pop())
        name = canonicalize_name(one.name)
        if name in found or one.marker and not one.marker.evaluate({"extra": ""}):
            continue
        try:
            waiting += importlib.metadata.requires(name) or []
            found.add(name)
        except (
            importlib.metadata.PackageNotFoundError
        ):  # its marker may hold on other machines only
            continue
    return found


def modules_of(distributions):
    """The top-level modules of these distributions."""
    return {
        module
        for module, owners in importlib.metadata.packages_distributions().items()
        if distributions & set(map(canonicalize_name, owners))
    }


def declared(wheel):
    """The top-level modules that the declared dependencies bring."""
    return modules_of(dependencies(requirements(wheel)))


def test_the_wheel_holds_the_package_and_nothing_that_judges(wheel):
    files = [path.relative_to(wheel) for path in wheel.rglob("*") if path.is_file()]
    tops = {path.parts[0] for path in files if ".dist-info" not in path.parts[0]}
    assert tops == {"aecourse"}
    assert Path("aecourse", "exercises", "checks.py") in files
    words = ("grader", "grading", "solutions", "oracle", "answers", "tests")
    assert not [path for path in files if set(path.with_suffix("").parts) & set(words)]
    for path in files:
        text = (wheel / path).read_text(encoding="utf-8", errors="replace")
        assert "import grader" not in text and "from grader" not in text, path


def test_every_module_imports_with_the_declared_dependencies_alone(wheel):
    allowed = {"aecourse", *declared(wheel)}
    assert {"torch", "numpy", "PIL"} <= allowed
    assert not {"nbgrader", "sphinx", "pytest"} & allowed
    command = [sys.executable, "-I", "-c", IMPORT_ALL, str(wheel), json.dumps(sorted(allowed))]
    done = subprocess.run(command, cwd=wheel, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {}


def test_what_a_function_imports_when_it_is_called_is_declared_too(wheel):
    allowed = {"aecourse", *declared(wheel), *sys.stdlib_module_names}
    others = {}
    for path in wheel.glob("aecourse/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
            unknown = {name.partition(".")[0] for name in names} - allowed
            if unknown:
                others.setdefault(path.relative_to(wheel).as_posix(), set()).update(unknown)
    assert others == {}
