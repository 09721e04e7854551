"""Data sets of images, and everything that can go wrong on their way.

Only 127.0.0.1 is contacted.
"""

import contextlib
import errno
import gzip
import hashlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import pytest
import torch

from aecourse import data
from aecourse.data import DataError, load_images
from aecourse.data import images as loader

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "data.load_images": (
        "`sklearn.datasets.load_digits`, by correlation; fixed means and spreads; a local "
        "server's files, by SHA-256",
        "correlation above 0.97; means 1e-5; files exact",
        "no",
    ),
    "data.dataset_name": (
        "by hand",
        "exact",
        "takes no tensor",
    ),
    "data.Images": (
        "through `load_images`, which returns it",
        "exact",
        "no",
    ),
    "data.DataError": (
        "by hand: raised for damaged files and failed downloads",
        "exact",
        "an error",
    ),
}

MNIST_FOLDER = Path(os.environ.get("AECOURSE_DATA") or "nowhere")
TRAIN, TEST = 12, 5


def idx(array):
    """The bytes of an idx file."""
    return np.array([2048 + array.ndim, *array.shape], ">i4").tobytes() + array.tobytes()


def small_set():
    """A data set of 12 + 5 random images, as the four files of MNIST: name -> bytes."""
    rng = np.random.default_rng(0)
    arrays = [
        (rng.integers(0, 256, (n, 28, 28), np.uint8), np.arange(n, dtype=np.uint8) % 10)
        for n in (TRAIN, TEST)
    ]
    return dict(zip(loader.FILES, map(idx, sum(arrays, ())), strict=True))


SET = small_set()
ARCHIVES = {f"{file}.gz": gzip.compress(content, mtime=0) for file, content in SET.items()}
RESOURCES = [(file, hashlib.md5(content).hexdigest()) for file, content in ARCHIVES.items()]


class Handler(BaseHTTPRequestHandler):
    """Serve ARCHIVES under /good, half of them under /short, and without end under /drip."""

    def do_GET(self):
        mode, file = self.path.split("/")[1], self.path.split("/")[-1]
        self.server.paths.append(self.path)
        content = ARCHIVES.get(file) if mode != "missing" else None
        if content is None:
            return self.send_error(404)
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.drip() if mode == "drip" else self.wfile.write(
            content[: len(content) // 2] if mode == "short" else content
        )

    def drip(self):
        self.server.dripping.set()
        try:
            for _ in range(400):
                self.wfile.write(b"x")
                time.sleep(0.1)
        except OSError:
            self.server.hung_up.set()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.paths = []
    server.dripping = threading.Event()
    server.hung_up = threading.Event()
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def clean(monkeypatch, tmp_path):
    """A user with an empty cache, no settings, and no proxy to 127.0.0.1."""
    for name in ("AECOURSE_DATA", "AECOURSE_DATASET", "AECOURSE_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def root(tmp_path):
    """The folder in which `load_images` keeps its downloads."""
    return tmp_path / "cache" / "aecourse"


@pytest.fixture
def offline(monkeypatch):
    """Make connections and new processes impossible."""

    def refuse(*_, **__):
        raise AssertionError("opened a connection or started a process")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)


def fill(folder, files=SET):
    """Write the four files below `folder`, as torchvision does, and return their folder."""
    raw = folder / "raw"
    raw.mkdir(parents=True)
    for file, content in files.items():
        (raw / file).write_bytes(content)
    return raw


def contents(folder):
    """Every file and folder below `folder`, with its bytes."""
    return {
        str(path.relative_to(folder)): path.is_file() and path.read_bytes()
        for path in folder.rglob("*")
    }


def share(condition):
    return condition.double().mean().item()


# The embedded handwriting


def test_digits_have_the_shape_of_mnist(capsys):
    images = load_images(device="cpu")
    assert images.name == "digits"
    assert images.train.shape == (1437, 1, 28, 28) and images.test.shape == (360, 1, 28, 28)
    assert images.train.dtype == images.test.dtype == torch.float32
    assert images.train_labels.dtype == images.test_labels.dtype == torch.int64
    assert images.train_labels.bincount().tolist() == [
        143,
        146,
        142,
        146,
        144,
        145,
        144,
        143,
        141,
        143,
    ]
    assert images.test_labels.bincount().tolist() == [35, 36, 35, 37, 37, 37, 37, 36, 33, 37]
    for x in (images.train, images.test):
        assert x.min() == 0 and x.max() == 1
    out, err = capsys.readouterr()
    assert out == "digits: 1437 training and 360 test images, 1 x 28 x 28, on cpu\n" and not err


def test_digits_are_the_same_everywhere():
    images = load_images(quiet=True)
    for x, mean, std in ((images.train, 0.13225, 0.31154), (images.test, 0.13251, 0.31317)):
        assert x.double().mean().item() == pytest.approx(mean, abs=1e-5)
        assert x.double().std().item() == pytest.approx(std, abs=1e-5)
    rows = images.train.double().mean((0, 1, 3))
    assert (rows * torch.arange(28)).sum().item() == pytest.approx(49.8373, abs=1e-3)


def test_digits_are_upright_and_in_the_middle():
    images = load_images(quiet=True)
    seven = images.train[images.train_labels == 7].mean(0)[0]
    assert seven[4:8].sum() > 1.4 * seven[20:24].sum()  # the bar of a 7 is at its top
    inside = torch.zeros(28, 28, dtype=torch.bool)
    inside[4:24, 4:24] = True
    for x in (images.train, images.test):
        assert not x[..., ~inside].any()
        assert x[..., 4, :].any() and x[..., 23, :].any()


def test_digits_keep_the_handwriting():
    from sklearn.datasets import load_digits

    ink = torch.tensor(load_digits().images / 16, dtype=torch.float32)
    images = load_images(quiet=True)
    x = torch.cat([images.train, images.test])[:, 0]
    small = torch.nn.functional.adaptive_avg_pool2d(x[:, 4:24, 4:24], 8)
    assert torch.corrcoef(torch.stack([ink.flatten(), small.flatten()]))[0, 1] > 0.97


def test_digits_resemble_mnist():
    x = load_images(
        quiet=True
    ).train  # MNIST's 60000 training images: 0.1307, 0.3081, 0.8088, 0.0875, 0.0866
    assert x.mean().item() == pytest.approx(0.1307, abs=0.01)
    assert x.std().item() == pytest.approx(0.3081, abs=0.01)
    assert share(x == 0) == pytest.approx(0.8088, abs=0.01)
    assert share(x > 0.9) == pytest.approx(0.0875, abs=0.01)
    assert share((x > 0.1) & (x < 0.9)) == pytest.approx(0.0866, abs=0.01)


def test_quiet_prints_nothing(capsys):
    load_images(quiet=True)
    assert capsys.readouterr() == ("", "")


def test_everything_goes_to_the_device_that_pick_device_chooses(monkeypatch):
    asked = []
    monkeypatch.setattr(
        loader, "pick_device", lambda device: asked.append(device) or torch.device("meta")
    )
    images = load_images(quiet=True)
    assert asked == ["auto"]
    assert {
        t.device.type for t in (images.train, images.train_labels, images.test, images.test_labels)
    } == {"meta"}
    assert "on meta" in repr(images)


# Which data set, and from where


def test_without_a_name_nothing_is_contacted(offline, monkeypatch, root):
    assert load_images().name == "digits"
    for name in ("mnist", "fashion_mnist"):
        monkeypatch.setenv("AECOURSE_DATASET", name)
        with pytest.raises(
            DataError,
            match=rf"there is no {name} in .*never downloads.*"
            rf"load_images\('{name}'\).*AECOURSE_DATA",
        ):
            load_images()
    assert not root.exists()


def test_importing_data_loads_neither_torchvision_nor_scikit_learn():
    program = (
        "import sys, aecourse.data; "
        "sys.exit(sum(name in sys.modules for name in ('torchvision', 'sklearn')))"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


@pytest.mark.parametrize("name", ["cifar", "MNIST", ""])
def test_an_unknown_name_is_refused(name, monkeypatch):
    with pytest.raises(ValueError, match="name is .*'digits', 'mnist', 'fashion_mnist'"):
        load_images(name)
    monkeypatch.setenv("AECOURSE_DATASET", "cifar")
    with pytest.raises(
        ValueError,
        match="AECOURSE_DATASET is 'cifar'; expected one of 'digits', 'mnist', 'fashion_mnist'",
    ):
        load_images()
    with pytest.raises(ValueError, match="AECOURSE_DATASET"):
        data.dataset_name()


def test_dataset_name_follows_the_environment(monkeypatch):
    assert data.dataset_name() == "digits"
    monkeypatch.setenv("AECOURSE_DATASET", "")
    assert data.dataset_name() == "digits"
    monkeypatch.setenv("AECOURSE_DATASET", "fashion_mnist")
    assert data.dataset_name() == "fashion_mnist"


@pytest.mark.parametrize("timeout", [0, -1, "5", None, True])
def test_a_timeout_is_a_positive_number(timeout):
    with pytest.raises(ValueError, match="timeout"):
        load_images(timeout=timeout)


@pytest.mark.parametrize(
    "given, said",
    [
        ("data", "expected an absolute path.*From here it is /"),
        ("./data", "expected an absolute path"),
        ("{tmp}/typo", "is not a folder: create it"),
    ],
)
def test_a_wrong_aecourse_data_is_refused(given, said, monkeypatch, tmp_path, offline):
    given = given.format(tmp=tmp_path)
    fill(tmp_path / "data" / "FashionMNIST")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AECOURSE_DATA", given)
    with pytest.raises(DataError, match=f"AECOURSE_DATA is '{given}'.*{said}"):
        load_images("fashion_mnist")


def test_a_folder_of_the_users_is_read_and_left_alone(monkeypatch, tmp_path, offline, capsys):
    fill(tmp_path / "FashionMNIST")
    before = contents(tmp_path)
    monkeypatch.setenv("AECOURSE_DATA", str(tmp_path))
    monkeypatch.setenv("AECOURSE_DATASET", "fashion_mnist")
    for images in (load_images(device="cpu"), load_images("fashion_mnist", device="cpu")):
        assert_is_small_set(images)
    assert contents(tmp_path) == before
    assert (
        capsys.readouterr().out
        == 2 * "fashion_mnist: 12 training and 5 test images, 1 x 28 x 28, on cpu\n"
    )


def assert_is_small_set(images):
    for x, labels, n, file in (
        (images.train, images.train_labels, TRAIN, loader.FILES[0]),
        (images.test, images.test_labels, TEST, loader.FILES[2]),
    ):
        pixels = torch.tensor(list(SET[file][16:])).view(n, 1, 28, 28)
        assert x.dtype == torch.float32 and torch.equal(x, pixels.float() / 255)
        assert labels.dtype == torch.int64 and labels.tolist() == [i % 10 for i in range(n)]


@pytest.mark.skipif(
    not (MNIST_FOLDER / "MNIST").is_dir(),
    reason="no MNIST here: call load_images('mnist') with a network, "
    "and set AECOURSE_DATA to its folder",
)
def test_mnist_is_mnist(monkeypatch, offline):
    monkeypatch.setenv("AECOURSE_DATA", str(MNIST_FOLDER))
    images = load_images("mnist", device="cpu")
    assert images.train.shape == (60000, 1, 28, 28) and images.test.shape == (10000, 1, 28, 28)
    assert images.train.double().mean().item() == pytest.approx(0.1307, abs=5e-5)
    assert images.train.max() == 1 and share(images.train == 0) == pytest.approx(0.8088, abs=5e-5)
    assert (
        images.train_labels[:5].tolist() == [5, 0, 4, 1, 9]
        and images.test_labels.bincount()[1] == 1135
    )


# Damaged files


def replace(at, by):
    """A function that writes the bytes `by` at position `at` of a file."""
    return lambda content: content[:at] + by + content[at + len(by) :]


@pytest.mark.parametrize(
    "file, damage, said",
    [
        (
            loader.FILES[0],
            lambda content: content[:-100],
            "has 9324 bytes; its header says 9424: it was cut short or changed",
        ),
        (loader.FILES[2], lambda content: content + b"x", "has 3937 bytes; its header says 3936"),
        (
            loader.FILES[0],
            lambda content: b"",
            r"its header says 0, \[0, 0, 0\]; expected 2051, \['N', 28, 28\]",
        ),
        (
            loader.FILES[3],
            lambda content: content[:6],
            r"its header says 2049, \[0\]; expected 2049, \['N'\]",
        ),
        (
            loader.FILES[1],
            lambda content: idx(np.zeros(0, np.uint8)),
            r"its header says 2049, \[0\]; expected 2049, \['N'\]",
        ),
        (
            loader.FILES[0],
            lambda content: b"<htm" + content[4:],
            r"its header says 1013478509, \[12, 28, 28\]; expected 2051",
        ),
        (
            loader.FILES[0],
            lambda content: ARCHIVES[loader.FILES[0] + ".gz"],
            "its header says 529205",
        ),
        (
            loader.FILES[2],
            lambda content: idx(np.zeros((5, 32, 32), np.uint8)),
            r"its header says 2051, \[5, 32, 32\]; expected 2051",
        ),
        (loader.FILES[1], lambda content: SET[loader.FILES[3]], "5 labels up to 4 for 12 images"),
        (loader.FILES[1], replace(at=8, by=b"\x0a"), "12 labels up to 10"),
        (
            loader.FILES[2],
            None,
            "it is missing; only extracted files are read: extract a .gz with gunzip",
        ),
    ],
)
def test_a_damaged_file_is_named_and_left_alone(file, damage, said, monkeypatch, tmp_path, offline):
    raw = fill(tmp_path / "FashionMNIST")
    (raw / file).write_bytes(damage(SET[file])) if damage else (raw / file).unlink()
    before = contents(tmp_path)
    monkeypatch.setenv("AECOURSE_DATA", str(tmp_path))
    with pytest.raises(
        DataError, match=f"{raw / file}: .*{said}.*Delete the folder {raw.parent}, .*load_images"
    ) as caught:
        load_images("fashion_mnist")
    assert "again" in str(caught.value)
    assert contents(tmp_path) == before


def test_a_file_that_cannot_be_read_is_named(monkeypatch, tmp_path):
    raw = fill(tmp_path / "FashionMNIST")
    (raw / loader.FILES[0]).unlink()
    (raw / loader.FILES[0]).mkdir()
    monkeypatch.setenv("AECOURSE_DATA", str(tmp_path))
    with pytest.raises(DataError, match=f"{raw / loader.FILES[0]}: it can't be read, "):
        load_images("fashion_mnist")


def test_a_data_set_that_is_not_mnist_is_not_taken_for_it(monkeypatch, tmp_path):
    fill(tmp_path / "MNIST")
    before = contents(tmp_path)
    monkeypatch.setenv("AECOURSE_DATA", str(tmp_path))
    with pytest.raises(DataError, match="its SHA-256 differs from the original's"):
        load_images("mnist")
    assert contents(tmp_path) == before


# Downloads that succeed


@pytest.fixture
def small(monkeypatch):
    """Make torchvision expect the archives of the small set instead of Fashion-MNIST's."""
    monkeypatch.setattr(loader, "_download", partial(loader._download, resources=RESOURCES))


def test_a_download_is_kept_verified_and_not_repeated(server, small, root, monkeypatch, capsys):
    server.paths.clear()
    images = load_images("fashion_mnist", mirror=f"{server.url}/good", device="cpu")
    assert_is_small_set(images)
    assert set(server.paths) == {f"/good/FashionMNIST/{file}" for file in ARCHIVES}
    assert [path.name for path in root.iterdir()] == ["FashionMNIST"]
    assert {path.name for path in (root / "FashionMNIST" / "raw").iterdir()} == {
        "sha256.json",
        *SET,
    }
    raw = root / "FashionMNIST" / "raw"
    assert json.loads((raw / "sha256.json").read_text()) == {
        f: hashlib.sha256(c).hexdigest() for f, c in SET.items()
    }
    out, err = capsys.readouterr()
    assert (
        out.splitlines()
        == [
            f"fashion_mnist: downloading to {root}, within 300 s",
            "fashion_mnist: 12 training and 5 test images, 1 x 28 x 28, on cpu",
        ]
        and not err
    )

    server.paths.clear()
    monkeypatch.setenv("AECOURSE_DATASET", "fashion_mnist")
    for again in (
        load_images(device="cpu"),
        load_images("fashion_mnist", mirror=f"{server.url}/good", device="cpu"),
    ):
        assert_is_small_set(again)
    assert not server.paths

    (raw / loader.FILES[0]).write_bytes(replace(at=500, by=b"changed")(SET[loader.FILES[0]]))
    with pytest.raises(
        DataError,
        match=f"{raw / loader.FILES[0]}: .*SHA-256 differs.*Delete the folder {raw.parent}",
    ):
        load_images("fashion_mnist")
    (raw / "sha256.json").write_text("{")
    with pytest.raises(DataError, match=f"{raw / 'sha256.json'}: .*Delete the folder"):
        load_images("fashion_mnist")
    assert not server.paths


def fetch_at_once(job, name):
    """Replace the child process: put the files and their archives into the temporary folder."""
    raw = fill(Path(job["folder"]) / job["source"])
    for file, content in ARCHIVES.items():
        (raw / file).write_bytes(content)


def test_two_downloads_at_once_both_end_well(monkeypatch, tmp_path):
    monkeypatch.setattr(loader, "_run_child", fetch_at_once)
    both = threading.Barrier(2)
    move = os.replace
    outcomes = []

    def move_together(*places):
        both.wait(20)
        try:
            outcomes.append(move(*places))
        except OSError as error:
            outcomes.append(error)
            raise

    monkeypatch.setattr(os, "replace", move_together)
    with ThreadPoolExecutor() as pool:
        for done in [
            pool.submit(loader._download, "fashion_mnist", tmp_path, 60) for _ in range(2)
        ]:
            done.result()
    assert (
        sorted(type(outcome) for outcome in outcomes if outcome) == [OSError] and None in outcomes
    )
    assert [path.name for path in tmp_path.iterdir()] == ["FashionMNIST"]
    assert len(loader._read_folder("fashion_mnist", tmp_path / "FashionMNIST" / "raw")[0]) == TRAIN


def test_a_mirror_comes_from_the_argument_or_the_environment(monkeypatch, root):
    asked = []

    def fetch(job, name):
        asked.append(job["mirror"])
        fetch_at_once(job, name)
        raise DataError("far enough")

    monkeypatch.setattr(loader, "_run_child", fetch)
    monkeypatch.setenv("AECOURSE_MIRROR", "http://127.0.0.1/school")
    for mirror in (None, "http://127.0.0.1/mine/"):
        with pytest.raises(DataError, match="far enough"):
            load_images("mnist", mirror=mirror)
    monkeypatch.delenv("AECOURSE_MIRROR")
    with pytest.raises(DataError, match="far enough"):
        load_images("mnist")
    assert asked == ["http://127.0.0.1/school/MNIST/", "http://127.0.0.1/mine/MNIST/", None]
    assert not contents(root)


# Downloads that fail: a clear message, and nothing left behind

WAYS_OUT = (
    "Nothing was kept",
    "mirror=",
    "AECOURSE_MIRROR",
    "AECOURSE_DATA",
    'load_images("digits")',
)


def run_here(command, **_):
    """Replace subprocess.run: run the child's script here, where torchvision is imported."""
    from torchvision.datasets import FashionMNIST

    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
        patch.setattr(sys, "argv", ["-c", command[-1]])
        patch.setattr(threading, "Timer", MagicMock())  # it would end this process
        for attribute in ("mirrors", "resources"):
            patch.setattr(FashionMNIST, attribute, getattr(FashionMNIST, attribute))
        try:
            exec(command[-2], {})
        except SystemExit as end:
            return subprocess.CompletedProcess(command, end.code, said.getvalue())
    return subprocess.CompletedProcess(command, 0, said.getvalue())


@pytest.mark.parametrize(
    "mode, resources, said",
    [
        ("missing", RESOURCES, "the server does not have it.*404"),
        ("short", RESOURCES, "cut short"),
        (
            "good",
            None,
            "wrong checksum",
        ),  # the small archives, where torchvision's own list is in force
    ],
)
def test_a_failed_download_says_why_and_leaves_nothing(
    mode, resources, said, server, monkeypatch, tmp_path
):
    monkeypatch.setattr(subprocess, "run", run_here)
    server.paths.clear()
    with pytest.raises(DataError, match=f"could not download fashion_mnist: .*{said}") as caught:
        loader._download("fashion_mnist", tmp_path, 100, f"{server.url}/{mode}", resources)
    assert all(way in str(caught.value) for way in WAYS_OUT)
    assert set(server.paths) == {f"/{mode}/FashionMNIST/train-images-idx3-ubyte.gz"}
    assert not contents(tmp_path)


def test_without_a_network_the_message_says_so_and_nothing_is_left(root):
    free = socket.create_server(("127.0.0.1", 0))
    closed = f"http://127.0.0.1:{free.getsockname()[1]}"
    free.close()
    with pytest.raises(
        DataError, match="there is no network, or the server does not answer.*refused"
    ) as caught:
        load_images("mnist", mirror=closed)
    assert all(way in str(caught.value) for way in WAYS_OUT)
    assert not contents(root)


@pytest.mark.skipif(
    not os.path.exists("/dev/full"), reason="needs /dev/full, a disk that is always full (Linux)"
)
def test_a_full_disk_is_named_and_leaves_nothing(server, tmp_path, monkeypatch):
    onto_full_disk = """
import json, os, sys
raw = os.path.join(json.loads(sys.argv[1])["folder"], "FashionMNIST", "raw")
os.makedirs(raw)
os.symlink("/dev/full", os.path.join(raw, "train-images-idx3-ubyte.gz"))
"""
    monkeypatch.setattr(loader, "CHILD", onto_full_disk + loader.CHILD)
    with pytest.raises(
        DataError, match="the disk is full .free 100 MB there, or set AECOURSE_DATA"
    ) as caught:
        loader._download("fashion_mnist", tmp_path, 100, f"{server.url}/good", RESOURCES)
    assert all(way in str(caught.value) for way in WAYS_OUT)
    assert not contents(tmp_path)


def leave_behind(script):
    """`script` for a child, after a half-written file in the temporary folder."""
    return (
        "import json, os, sys\njob = json.loads(sys.argv[1])\n"
        "open(job['folder'] + '/half', 'w').write('x')\n" + script
    )


@pytest.fixture
def dripping(server, monkeypatch):
    server.dripping.clear()
    server.hung_up.clear()
    fetch = (
        "import urllib.request\n"
        "urllib.request.urlopen(job['mirror'] + 'train-images-idx3-ubyte.gz').read()"
    )
    monkeypatch.setattr(loader, "CHILD", leave_behind(fetch))
    return server


def test_the_time_limit_stops_a_server_that_drips(dripping, tmp_path):
    start = time.monotonic()
    with pytest.raises(
        DataError, match="took too long .a larger timeout=.*stopped after 3 s"
    ) as caught:
        loader._download("fashion_mnist", tmp_path, 3, f"{dripping.url}/drip")
    assert dripping.dripping.is_set() and 3 <= time.monotonic() - start < 10
    assert dripping.hung_up.wait(5)
    assert all(way in str(caught.value) for way in WAYS_OUT)
    assert not contents(tmp_path)


@pytest.fixture
def interruptible():
    """A shell's background job ignores SIGINT, and so would Python in it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_stops_the_download_and_leaves_nothing(dripping, interruptible, tmp_path):
    def interrupt():
        dripping.dripping.wait(20)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        loader._download("fashion_mnist", tmp_path, 30, f"{dripping.url}/drip")
    assert dripping.hung_up.wait(5)
    assert not contents(tmp_path)


def test_a_child_that_lost_its_parent_stops_by_itself(server, tmp_path):
    """It stops 5 s after its limit of -4 s, 1 s after its start; the server would take 40 s."""
    job = dict(
        source="FashionMNIST",
        mirror=f"{server.url}/drip/",
        resources=None,
        folder=str(tmp_path),
        timeout=-4,
    )
    child = subprocess.run(
        [sys.executable, "-c", loader.CHILD, json.dumps(job)], capture_output=True, timeout=20
    )
    assert (child.returncode, child.stdout, child.stderr) == (1, b"", b"")


def test_a_child_that_crashes_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(loader, "CHILD", leave_behind("os._exit(7)"))
    with pytest.raises(
        DataError, match="could not download mnist: it failed.*the process ended with status 7"
    ):
        loader._download("mnist", tmp_path, 30)
    assert not contents(tmp_path)


def test_a_folder_of_the_users_shadows_no_module_of_the_child(tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(loader, "CHILD", "import json")
    loader._run_child(dict(source="MNIST", timeout=30), "mnist")


@pytest.mark.parametrize("what", ["mkdir", "temporary", "manifest", "move"])
def test_a_place_that_cannot_be_written_is_named_and_stays_clean(what, monkeypatch, tmp_path, root):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(loader, "_run_child", fetch_at_once)
    if what == "mkdir":
        root.parent.write_text("a file where the cache should be")
    else:
        places = {
            "temporary": (tempfile, "mkdtemp"),
            "manifest": (Path, "write_text"),
            "move": (os, "replace"),
        }
        monkeypatch.setattr(*places[what], refuse)
    with pytest.raises(
        DataError, match=f"can't keep mnist in {root} .*set AECOURSE_DATA to the absolute path"
    ):
        load_images("mnist")
    assert not root.is_dir() or not contents(root)
