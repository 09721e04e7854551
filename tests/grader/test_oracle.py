"""Judging: right work earns all, each wrong answer loses, and the secret decides what is asked."""

import ast
import collections
import contextlib
import re

import numpy as np
import pytest

from grader import __main__ as command
from grader import oracle, sandbox, training_steps
from grader.oracle import Step, Verdict, WrongAnswer
from tests.submissions import (
    MNIST,
    NAMES,
    ROOT,
    checks_of,
    filled,
    oracle_of,
    read,
    right,
    solved,
    without_training,
    worth,
    wrong,
)


def steps_of(name):
    return oracle.steps_of(oracle_of(name))


@pytest.fixture(scope="module")
def session(boxes):
    """The solution of each exercise, running in a sandbox."""
    running = {}
    for name in NAMES:
        running[name] = sandbox.Session(without_training(filled(name, solved(name))))
        running[name].run()
    yield running
    for one in running.values():
        one.close()


def say(session, source):
    reply = session.box.ask({"do": "run", "source": source}, 60)
    assert not [output for output in reply["outputs"] if output["kind"] == "error"], reply


def marks(name, session, secret=b"a secret", only=None):
    steps = [step for step in steps_of(name) if only is None or step.check in only]
    return oracle.judged(steps, session, secret, "work")


def test_what_judges_an_exercise_is_in_no_file_that_a_learner_gets():
    """The package and exercises/ are a learner's; what judges is in solutions/ and in grader/
    alone.
    """
    files = [*(ROOT / "solutions").rglob("*.py"), *(ROOT / "grader").rglob("*.py")]
    texts = [file.read_text(encoding="utf-8") for file in files]
    judges = {name for text in texts for name in re.findall(r"^def (judge_\w+)", text, re.M)}
    assert len(judges) > 10
    for path in [*(ROOT / "aecourse").rglob("*.py"), *(ROOT / "exercises").rglob("*.ipynb")]:
        assert not judges & set(re.findall(r"\w+", path.read_text(encoding="utf-8"))), path


@pytest.mark.parametrize("name", NAMES)
def test_all_that_an_oracle_imports_from_the_grader_counts_as_its_library(name):
    """Work is judged again, and a worker with another version is refused, when any of it
    changes.
    """
    modules = [
        node for node in ast.walk(ast.parse(oracle_of(name))) if isinstance(node, ast.ImportFrom)
    ]
    modules = {module for node in modules for module in modules_of(node)}
    assert modules and modules <= {f"grader.{module}" for module in oracle.LIBRARY}


def modules_of(node):
    """The modules of `grader` that a line `from grader... import ...` uses."""
    if node.module == "grader":
        return [f"grader.{name.name}" for name in node.names]
    return [node.module] * node.module.startswith("grader.")


def test_an_oracle_is_its_source_and_where_there_is_none_it_is_empty(tmp_path):
    (tmp_path / "oracle.py").write_text("STEPS = [1, 2]", encoding="utf-8")
    assert oracle.steps_of(oracle.load(tmp_path / "oracle.py")) == [1, 2]
    assert oracle.load(tmp_path / "none.py") == "" and oracle.steps_of("") == []


@pytest.mark.parametrize("name", NAMES)
def test_the_steps_of_a_check_sum_to_its_points(name):
    sums = collections.Counter()
    for step in steps_of(name):
        sums[step.check] += step.points
    assert sums == worth(name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seeds", [3, pytest.param(50, marks=pytest.mark.slow)])
def test_right_work_earns_all_whatever_the_secret(name, seeds, session):
    total = sum(step.points for step in steps_of(name))
    for author, sources in {**right(name), "solution": solved(name)}.items():
        for answer in checks_of(read("exercises", name)):
            say(session[name], sources[answer])
        for seed in range(seeds):
            verdicts = marks(name, session[name], f"secret {seed}".encode())
            assert sum(verdict.points for verdict in verdicts.values()) == total, (
                author,
                seed,
                verdicts,
            )


@pytest.mark.slow
@pytest.mark.parametrize("data", [MNIST])
@pytest.mark.parametrize("name", NAMES)
def test_the_solution_earns_all_on_mnist_too(name, data, boxes, monkeypatch):
    monkeypatch.setenv("AECOURSE_DATASET", data)
    oracle.steps_of.cache_clear()  # what an oracle keeps is of the data set that it met first
    try:
        with sandbox.Session(without_training(filled(name, solved(name)))) as session:
            session.run()
            for seed in range(5):
                verdicts = marks(name, session, f"secret {seed}".encode())
                assert sum(verdict.points for verdict in verdicts.values()) == sum(
                    step.points for step in steps_of(name)
                ), verdicts
    finally:
        oracle.steps_of.cache_clear()


WRONG = [
    pytest.param(name, case, id=f"{name}/{case.answer}/{case.mistake}")
    for name in NAMES
    for case in wrong(name)
]


@pytest.mark.parametrize("name, case", WRONG)
def test_a_wrong_answer_loses_points_on_each_check_that_it_fails(name, case, session):
    owned = checks_of(read("exercises", name))[case.answer]
    try:
        say(session[name], case.source)
        verdicts = marks(name, session[name], only=owned)
    finally:
        say(session[name], solved(name)[case.answer])
    due = worth(name)
    assert {check for check, verdict in verdicts.items() if verdict.points < due[check]} >= set(
        case.messages
    )


SUBTLE = [
    *(
        (name, answer, "images.train,", "images.train[:500],", check)
        for name, answer, check in [
            ("loss_comparison", "train", "train-budget-check"),
            ("contraction_weight", "train", "train-budget-check"),
            ("noise_level", "train-all", "grid-check"),
            ("noise_transfer", "train", "train-budget-check"),
        ]
    ),
    ("noise_level", "gaussian", "sigma * noise", "sigma * noise.clamp(-3, 3)", "noise-check"),
    (
        "noise_transfer",
        "asymmetry",
        'gain["clean"][test]',
        'abs(gain["clean"][test])',
        "asymmetry-check",
    ),
    (
        "noise_transfer",
        "asymmetry",
        "gain[training][test]",
        "abs(gain[training][test])",
        "asymmetry-check",
    ),
]


@pytest.mark.parametrize("name, answer, good, bad, check", SUBTLE)
def test_what_no_visible_check_can_see_is_judged_all_the_same(
    name, answer, good, bad, check, session
):
    source = solved(name)[answer]
    assert good in source
    try:
        say(session[name], source.replace(good, bad))
        verdict = marks(name, session[name], only=[check])[check]
    finally:
        say(session[name], source)
    assert verdict.points < sum(step.points for step in steps_of(name) if step.check == check)


@pytest.mark.parametrize("name", NAMES)
def test_the_blank_earns_nothing(name, boxes):
    with sandbox.Session(without_training(filled(name, {}))) as blank:
        blank.run()
        assert {verdict.points for verdict in marks(name, blank).values()} == {0}


# --- The machinery, with a session that is made up -----------------------------------------------


class Made:
    """A session whose calls do what the test says."""

    lost = {}

    def __init__(self, reply):
        self.reply = reply

    def after(self, check):
        return lambda source, **arguments: self.reply()


def raising(error):
    def reply():
        raise error

    return reply


def one_step(reply, points=2):
    steps = []

    @oracle.step(steps, "check", points, "the idea")
    def judge(ask, rng):
        oracle.close(ask("", x=1), 3.0)

    return oracle.judged(steps, Made(reply), b"s", "w")["check"]


@pytest.mark.parametrize(
    "reply, points, words",
    [
        (lambda: 3.0, 2, "right"),
        (lambda: np.array(3.0), 2, "right"),
        (lambda: 3.1, 0, "is wrong"),
        (lambda: None, 0, "`return` missing"),
        (lambda: float("nan"), 0, "nan or infinite"),
        (lambda: "3", 0, "neither a number"),
        (lambda: [[3.0]], 0, "shape"),
        (lambda: {}, 0, "neither a number"),
        (lambda: 10**400, 0, "neither a number|unexpected form"),
        (lambda: True, 0, "neither a number"),
        (lambda: 3 + 0j, 0, "neither a number"),
        (raising(sandbox.Raised("ValueError", "odd")), 0, "ValueError: odd"),
        (raising(sandbox.ProcessDied("the process ended")), 0, "process ended"),
        (raising(KeyError("x")), 0, "KeyError"),
        (lambda: float("inf"), 0, "nan or infinite"),
    ],
    ids=range(15),
)
def test_each_kind_of_reply_has_its_mark_and_its_words(reply, points, words):
    import re

    verdict = one_step(reply)
    assert (
        verdict.points == points
        and re.search(words, verdict.lines[0])
        and verdict.lines[0].startswith("the idea: ")
    )


def test_after_a_step_that_ended_the_process_the_check_is_not_asked_again():
    steps, asked = [], []
    for points in (1, 1):

        @oracle.step(steps, "check", points, "a step")
        def judge(ask, rng):
            asked.append(1)
            raise sandbox.ProcessDied("the process ended")

    steps.append(Step("other", 1, "another", lambda ask, rng: None))
    verdicts = oracle.judged(steps, Made(None), b"s", "w")
    assert len(asked) == 1 and verdicts["check"].points == 0 and len(verdicts["check"].lines) == 2
    assert verdicts["other"] == Verdict(1, ["another: right (1 of 1)"])


def test_a_check_in_which_the_process_ended_is_not_judged():
    made = Made(None)
    made.lost = {"check": "the process ended"}
    verdicts = oracle.judged([Step("check", 1, "a step", lambda ask, rng: None)], made, b"s", "w")
    assert verdicts["check"].points == 0 and "not judged" in verdicts["check"].lines[0]


def test_inputs_hang_on_the_secret_the_step_and_the_work_and_on_nothing_else():
    draws = [
        oracle.generator(*parts).random()
        for parts in (
            (b"a", "x", "1"),
            (b"a", "x", "1"),
            (b"b", "x", "1"),
            (b"a", "y", "1"),
            (b"a", "x", "2"),
            (b"a", "x1"),
        )
    ]
    assert draws[0] == draws[1] and len(set(draws)) == 5


def test_each_step_of_each_work_meets_inputs_of_its_own():
    def draws(secret, work):
        seen = []
        oracle.judged(
            [Step("check", 1, "a step", lambda ask, rng: seen.append(rng.random()))] * 2,
            Made(None),
            secret,
            work,
        )
        return seen

    assert draws(b"s", "w") == draws(b"s", "w")
    assert len({*draws(b"s", "w"), *draws(b"t", "w"), *draws(b"s", "v")}) == 6


def test_seeds_that_are_asked_for_are_none_that_a_notebook_uses():
    seeds = {oracle.seed_of(np.random.default_rng(number)) for number in range(200)}
    assert len(seeds) > 190 and min(seeds) >= 1000


@pytest.mark.parametrize(
    "draw, words",
    [
        (lambda seed, before: seed, None),
        (lambda seed, before: before, "two trainings with the same seed have different"),
        (
            lambda seed, before: seed + 10**7 * before,
            "two trainings with the same seed have different",
        ),
        (lambda seed, before: 0, "two trainings with different seeds have the same"),
    ],
    ids=range(4),
)
@pytest.mark.parametrize("part", ["first weights", "batches"])
def test_a_seed_fixes_all_chance_whatever_came_before(part, draw, words):
    def ask(source, seed, steps, before):
        parts = {"first weights": seed, "batches": seed, part: draw(seed, before)}
        return [[np.array([parts["first weights"]])]], [np.array([parts["batches"]])], []

    with pytest.raises(WrongAnswer, match=f"{words} {part}") if words else contextlib.nullcontext():
        training_steps.judge_seed(ask, np.random.default_rng(0), "first weights", "batches")


@pytest.fixture(scope="module")
def images():
    from aecourse.data import load_images

    return load_images(device="cpu", quiet=True).train.numpy()


def linear(weights, x):
    return (
        (x @ weights[0].T @ weights[2].T - x).square().mean()
        + weights[1].square().sum()
        + weights[3].square().sum()
    )


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda run: None, None),
        (lambda run: run.update(batches=run["batches"][:-1]), "number of steps"),
        (
            lambda run: run.update(batches=[batch + np.float32(0.01) for batch in run["batches"]]),
            "not in images.train",
        ),
        (
            lambda run: run.update(batches=[batch[:32] for batch in run["batches"]]),
            "does not hold BATCH images",
        ),
        (
            lambda run: run.update(
                batches=[batch[:6].repeat(11, 0)[:64] for batch in run["batches"]]
            ),
            "a part of images.train",
        ),
        (
            lambda run: run.update(batches=[batch.astype(np.float64) for batch in run["batches"]]),
            "does not hold BATCH images",
        ),
        (lambda run: run.update(end=run["end"][:2]), "are not those of the task"),
        (lambda run: run["end"].__setitem__(2, run["start"][2]), "not those that Adam reaches"),
        (
            lambda run: run["end"].__setitem__(0, run["end"][0] + 1e-3),
            "not those that Adam reaches",
        ),
    ],
    ids=range(9),
)
def test_a_training_is_judged_by_its_steps_its_batches_and_its_weights(change, words, images):
    rng = np.random.default_rng(0)
    start = [
        rng.normal(0, 0.1, shape).astype(np.float32) for shape in ((4, 784), (4,), (784, 4), (784,))
    ]

    def ask(source, seed, steps, before):
        run = {
            "start": start,
            "batches": [images[np.linspace(0, len(images) - 1, 64).astype(int)]] * steps,
        }
        run["end"] = [
            weight.astype(np.float32)
            for weight in training_steps.adam_steps(start, run["batches"], linear, 1e-3)
        ]
        change(run)
        return [start], run["batches"], run["end"]

    with pytest.raises(WrongAnswer, match=words) if words else contextlib.nullcontext():
        training_steps.judge_budget(ask, rng, (784, 4, 784), 64, 1e-3, linear)


def test_the_key_is_made_once_is_private_and_can_be_given(tmp_path, monkeypatch):
    monkeypatch.delenv("AECOURSE_KEY", raising=False)
    monkeypatch.delenv("AECOURSE_KEY_FILE", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    first = oracle.key()
    assert len(first) == 64 and oracle.key() == first
    assert (tmp_path / "aecourse" / "grading.key").stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("AECOURSE_KEY_FILE", str(tmp_path / "other"))
    assert oracle.key() not in (first, b"")
    monkeypatch.setenv("AECOURSE_KEY", "mine")
    assert oracle.key() == b"mine"


def test_of_two_processes_that_make_the_key_the_first_has_its_way(tmp_path, monkeypatch):
    monkeypatch.delenv("AECOURSE_KEY", raising=False)
    monkeypatch.setenv("AECOURSE_KEY_FILE", str(tmp_path / "key"))
    first = oracle.key()
    monkeypatch.setattr(oracle.Path, "exists", lambda path: False)
    assert oracle.key() == first


def test_an_empty_key_is_none(tmp_path, monkeypatch):
    monkeypatch.delenv("AECOURSE_KEY", raising=False)
    monkeypatch.setenv("AECOURSE_KEY_FILE", str(tmp_path / "key"))
    (tmp_path / "key").write_text("\n")
    with pytest.raises(ValueError, match="is empty.*delete the file"):
        oracle.key()
    monkeypatch.setattr(command, "grade", lambda **rest: oracle.key())
    with pytest.raises(SystemExit, match="is empty.*delete the file"):
        command.main(["grade", "small"])


def test_a_wrong_shape_is_never_broadcast():
    with pytest.raises(WrongAnswer, match="shape"):
        oracle.close(np.ones((3, 1)), np.ones(3))


def test_one_number_is_a_number_or_a_list_of_one():
    assert oracle.number(2) == oracle.number([2.0]) == 2
    for value in ([[2.0]], [2.0, 2.0], []):
        with pytest.raises(WrongAnswer, match="expected a single number"):
            oracle.number(value)


def test_roundings_of_float32_are_right_and_an_error_in_the_fourth_digit_is_not():
    oracle.close(np.float32(1 / 3), 1 / 3)
    with pytest.raises(WrongAnswer, match="is wrong"):
        oracle.close(1.0005, 1.0)
