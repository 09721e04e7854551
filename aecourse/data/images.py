"""Images of single objects, 28 x 28, for every page of the course.

`digits` is handwriting that comes with scikit-learn, so that it is always available; `mnist` and
`fashion_mnist` come through torchvision and are downloaded only when requested by name. A data set
is complete and verified, or absent.
MNIST: LeCun and others (1998). Fashion-MNIST: Xiao, Rasul and Vollgraf (2017). Digits: Alpaydin and
Kaynak (1998).
"""

import hashlib
import json
import math
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from aecourse import validation
from aecourse.device import pick_device

NAMES = ("digits", "mnist", "fashion_mnist")
FOLDERS = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST"}  # torchvision's names
FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
SHA256 = {
    "mnist": dict(
        zip(
            FILES,
            (
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
            strict=True,
        )
    )
}


class DataError(RuntimeError):
    """A data set is absent, damaged, or can't be downloaded; the message says how to get it."""


@dataclass(frozen=True, eq=False, repr=False)
class Images:
    """A data set on one device.

    Attributes:
        name: of the data set.
        train, test: images (N, 1, 28, 28) float32 in [0, 1].
        train_labels, test_labels: (N,) int64 from 0 to 9.
    """

    name: str
    train: torch.Tensor
    train_labels: torch.Tensor
    test: torch.Tensor
    test_labels: torch.Tensor

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.train.shape[1:]))
        return (
            f"{self.name}: {len(self.train)} training and {len(self.test)} test images, {shape}, "
            f"on {self.train.device}"
        )


def dataset_name() -> str:
    """The data set in the environment variable AECOURSE_DATASET, or "digits".

    Raises:
        ValueError: If that data set is unknown.
    """
    return validation.one_of(
        "AECOURSE_DATASET", os.environ.get("AECOURSE_DATASET") or "digits", NAMES
    )


def load_images(
    name: str | None = None,
    *,
    device: str | torch.device = "auto",
    timeout: float = 300,
    mirror: str | None = None,
    quiet: bool = False,
) -> Images:
    """Load the data set `name`, and print one line that describes it.

    Without a name the data set is that of :func:`dataset_name`, and nothing is ever downloaded. A
    data set that is named and missing on this machine is downloaded, checked, and kept.

    It is kept in the folder in the environment variable AECOURSE_DATA (an absolute path), or
    otherwise `aecourse` in the user's cache. The layout is torchvision's: MNIST/raw or
    FashionMNIST/raw with the four extracted idx files; archives (.gz) are not read.

    Args:
        name: ``"digits"``, ``"mnist"``, ``"fashion_mnist"`` or None.
        device: of the tensors; ``"auto"`` is the fastest.
        timeout: seconds for the whole download.
        mirror: address of a server to use instead of torchvision's, by default that in
            AECOURSE_MIRROR. It has MNIST/train-images-idx3-ubyte.gz, FashionMNIST/... and so on,
            byte for byte the originals.
        quiet: print nothing.

    Returns:
        :class:`Images`.

    Raises:
        ValueError: If the name is unknown.
        DataError: If the data set is absent, damaged or can't be downloaded.
    """
    validation.positive("timeout", timeout, float)
    may_download = name is not None
    name = validation.one_of("name", name, NAMES) if may_download else dataset_name()
    device = pick_device(device)
    if name == "digits":
        tensors = _digits()
    else:
        root = _root()
        if not (root / FOLDERS[name]).exists():
            if not may_download:
                raise DataError(
                    f"there is no {name} in {root}, and load_images() without a name never "
                    f"downloads: call load_images({name!r}) once, or set AECOURSE_DATA to the "
                    f"absolute path of a folder that contains {FOLDERS[name]}/raw, or unset "
                    "AECOURSE_DATASET to work on digits"
                )
            if not quiet:
                print(f"{name}: downloading to {root}, within {timeout:g} s", flush=True)
            _download(name, root, timeout, mirror or os.environ.get("AECOURSE_MIRROR"))
        tensors = _read_folder(name, root / FOLDERS[name] / "raw")
    images = Images(name, *(tensor.to(device) for tensor in tensors))
    if not quiet:
        print(images)
    return images


def _digits() -> tuple[torch.Tensor, ...]:
    """scikit-learn's digits as 28 x 28 images: train, labels, test, labels.

    Each digit is 8 x 8 counts of black pixels. Bicubic interpolation draws it in the middle
    20 x 20 pixels; a margin of empty cells is added first, so that strokes end smoothly at the
    edge. Stretching [0.4, 0.8] to [0, 1] makes paper empty and ink saturated as in MNIST (whose
    values are in brackets): mean 0.132 (0.131), exact zeros 0.817 (0.809), above 0.9 0.088 (0.088).

    The last 360 of the 1797 images are the test set: images of a writer are consecutive in the
    file, so that most writers in the test set are not in the training set.
    """
    from sklearn.datasets import load_digits

    ink, labels = load_digits(return_X_y=True)
    x = torch.tensor(ink / 16, dtype=torch.float32).view(-1, 1, 8, 8)  # (N, 64) -> (N, 1, 8, 8)
    x = F.interpolate(F.pad(x, (2, 2, 2, 2)), size=(30, 30), mode="bicubic", align_corners=False)
    x = ((x[..., 1:-1, 1:-1] - 0.4) / 0.4).clamp(0, 1)  # (N, 1, 28, 28)
    labels = torch.tensor(labels, dtype=torch.int64)
    return x[:1437], labels[:1437], x[1437:], labels[1437:]


def _root() -> Path:
    """The folder of MNIST/ and FashionMNIST/: AECOURSE_DATA, or one in the user's cache.

    The latter need not exist.
    """
    given = os.environ.get("AECOURSE_DATA")
    if given:
        root = Path(given).expanduser()
        if not root.is_absolute():
            raise DataError(
                f"AECOURSE_DATA is {given!r}; expected an absolute path: a kernel starts in its "
                "notebook's folder, so that a relative path is another folder on each page. "
                f"From here it is {root.resolve()}"
            )
        if not root.is_dir():
            raise DataError(
                f"AECOURSE_DATA is {given!r}, which is not a folder: create it, or correct the path"
            )
        return root
    cache = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(cache) if os.path.isabs(cache) else Path.home() / ".cache") / "aecourse"


def _read_folder(name: str, raw: Path) -> list[torch.Tensor]:
    """Training images and labels, test images and labels, from the idx files in `raw`, verified."""
    try:
        expected = json.loads((raw / "sha256.json").read_text())
    except FileNotFoundError:
        expected = {}
    except (OSError, ValueError) as error:
        raise _damaged(raw / "sha256.json", str(error)) from error
    expected = {**expected, **SHA256.get(name, {})}
    arrays = [_read(raw / file, expected.get(file)) for file in FILES]
    for file, images, labels in zip(FILES[1::2], arrays[::2], arrays[1::2], strict=True):
        if len(images) != len(labels) or labels.max() > 9:
            raise _damaged(
                raw / file,
                f"{len(labels)} labels up to {labels.max()} for {len(images)} images, "
                "expected 0 to 9",
            )
    return [
        torch.from_numpy(
            np.divide(a[:, None], 255, dtype=np.float32) if a.ndim == 3 else a.astype(np.int64)
        )
        for a in arrays
    ]


def _read(path: Path, sha256: str | None) -> np.ndarray:
    """The bytes in the idx file `path`: (N, 28, 28) images or (N,) labels.

    The file's SHA-256 must be `sha256`, unless that is None.
    """
    magic, tail = (2051, (28, 28)) if "images" in path.name else (2049, ())
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise _damaged(
            path, "it is missing; only extracted files are read: extract a .gz with gunzip"
        ) from error
    except OSError as error:
        raise _damaged(path, f"it can't be read, {error.strerror}") from error
    start = 4 * (2 + len(tail))
    seen, *shape = (int.from_bytes(content[i : i + 4], "big") for i in range(0, start, 4))
    if seen != magic or tuple(shape[1:]) != tail or shape[0] == 0:
        raise _damaged(path, f"its header says {seen}, {shape}; expected {magic}, {['N', *tail]}")
    size = start + math.prod(shape)
    if len(content) != size:
        raise _damaged(
            path,
            f"it has {len(content)} bytes; its header says {size}: it was cut short or changed",
        )
    if sha256 and hashlib.sha256(content).hexdigest() != sha256:
        raise _damaged(path, "its content was changed: its SHA-256 differs from the original's")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _damaged(path: Path, what: str) -> DataError:
    """The error for the damaged file `path`."""
    return DataError(
        f"{path}: {what}. Delete the folder {path.parent.parent}, then name the data set in "
        "load_images(...) to download it again, or copy its four files there again"
    )


# What the child process runs. It ends soon after its time limit even if its parent was killed.
CHILD = """
import json, os, sys, threading
job = json.loads(sys.argv[1])
watchdog = threading.Timer(job["timeout"] + 5, os._exit, [1])
watchdog.daemon = True
watchdog.start()
try:
    from torchvision import datasets
    source = getattr(datasets, job["source"])
    source.mirrors = [job["mirror"]] if job["mirror"] else source.mirrors
    source.resources = job["resources"] or source.resources
    source(job["folder"], download=True)
except Exception as error:
    print(type(error).__name__, error, sep=": ")
    sys.exit(1)
"""
ELSEWHERE = "or set AECOURSE_DATA to a folder elsewhere"
REASONS = {
    "[Errno 28]": f"the disk is full (free 100 MB there, {ELSEWHERE})",
    "[Errno 122]": f"your disk quota is used up (free 100 MB of it, {ELSEWHERE})",
    "corrupted": "what arrived is not the data set (cut short, changed, or a log-in page instead: "
    "wrong checksum)",
    "urlopen error": "there is no network, or the server does not answer",
    "HTTP Error": "the server does not have it",
}


def _download(
    name: str,
    root: Path,
    timeout: float,
    mirror: str | None = None,
    resources: list | None = None,
) -> None:
    """Put the complete data set into `root`, or leave `root` as it was.

    torchvision downloads, checks and extracts in a child process, which can be stopped at any
    moment, into a temporary folder beside the final place. If two processes do so at once, both
    succeed. `resources`, (archive, MD5) pairs instead of torchvision's, is for tests.
    """
    folder = root / FOLDERS[name]
    job = dict(
        source=folder.name,
        mirror=mirror and f"{mirror.rstrip('/')}/{folder.name}/",
        resources=resources,
        timeout=timeout,
    )
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            prefix=f".{folder.name}-", dir=root, ignore_cleanup_errors=True
        ) as temporary:
            _run_child({**job, "folder": temporary}, name)
            made = Path(temporary) / folder.name
            for archive in made.glob("raw/*.gz"):
                archive.unlink()
            manifest = {
                file: hashlib.sha256((made / "raw" / file).read_bytes()).hexdigest()
                for file in FILES
            }
            (made / "raw" / "sha256.json").write_text(json.dumps(manifest, indent=1))
            try:
                os.replace(made, folder)
            except OSError:
                if not folder.exists():  # if it does, another process was faster: use its copy
                    raise
    except OSError as error:
        raise DataError(
            f"can't keep {name} in {root} ({error}): set AECOURSE_DATA to the absolute path of a "
            f"folder that you can write to, or of one that contains {folder.name}/raw already"
        ) from error


def _run_child(job: dict[str, Any], name: str) -> None:
    """Run CHILD on `job`; raise DataError if it fails or takes over job["timeout"] seconds."""
    try:
        child = subprocess.run(
            [sys.executable, "-P", "-c", CHILD, json.dumps(job)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=job["timeout"],
        )
        if child.returncode == 0:
            return
        said = " ".join(child.stdout.split()) or f"the process ended with status {child.returncode}"
        reason = next((reason for mark, reason in REASONS.items() if mark in said), "it failed")
    except subprocess.TimeoutExpired:
        said, reason = (
            f"stopped after {job['timeout']:g} s",
            "it took too long (a larger timeout= gives it more time)",
        )
    raise DataError(
        f"could not download {name}: {reason}. Nothing was kept. Try again with a network; or name "
        "a server of your own with mirror= or AECOURSE_MIRROR; or set AECOURSE_DATA to the "
        f"absolute path of a folder that contains {job['source']}/raw with the four extracted "
        f'files; or work on load_images("digits"). Details: {said}'
    )
