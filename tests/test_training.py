"""The loop: it does what a loop written by hand does, tells what it saw, and does not wait for the device."""
import copy
import itertools

import pytest
import torch
from sklearn.decomposition import PCA
from torch.utils._python_dispatch import TorchDispatchMode

from aecourse import training
from aecourse.losses import bce, mse
from aecourse.models import Autoencoder
from aecourse.training import fit

DATA = torch.rand(40, 6, generator=torch.Generator().manual_seed(1))


def start(output="sigmoid"):
    torch.manual_seed(0)
    return Autoencoder(6, (4,), 2, output=output)


def squared(model, x, generator):
    return {"fit": mse(model(x)[0], x)}


def noisy(model, x, generator):
    return {"fit": mse(model(x + 0.1 * torch.randn(x.shape, generator=generator))[0], x)}


def two_terms(model, x, generator):
    return squared(model, x, generator) | {"code": 0.1 * model.encode(x).abs().mean()}


def run(objective=two_terms, model=None, data=DATA, **options):
    return fit(model or start(), data, objective, **{"steps": 20, "batch_size": 16, "device": "cpu", **options})


@pytest.mark.parametrize("options, by_hand", [({}, torch.optim.Adam), ({"optimizer": torch.optim.RMSprop}, torch.optim.RMSprop)])
def test_it_does_what_a_loop_written_by_hand_does(options, by_hand):
    model = start()
    twin, losses = copy.deepcopy(model), []
    history = run(squared, model, steps=60, batch_size=40, lr=0.01, **options)
    update = by_hand(twin.parameters(), lr=0.01)
    for _ in range(60):
        loss = (twin(DATA)[0] - DATA).pow(2).mean()
        losses.append(loss.item())
        update.zero_grad(), loss.backward(), update.step()
    assert history.terms["loss"] == pytest.approx(losses, rel=1e-4)
    for ours, theirs in zip(model.parameters(), twin.parameters()):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


def test_a_linear_autoencoder_comes_near_the_optimum_of_pca():
    """Within a ten-thousandth, and never below it."""
    data = torch.randn(200, 8, generator=torch.Generator().manual_seed(0)).double() * torch.linspace(3, 0.4, 8) + 1
    optimum = PCA(svd_solver="full").fit(data).explained_variance_[3:].sum() * 199 / 200
    torch.manual_seed(0)
    model = Autoencoder(8, (), 3, output="linear").double()
    run(lambda model, x, generator: {"fit": mse(model(x)[0], x, "batchmean")}, model, data, steps=1000, batch_size=200, lr=0.01)
    assert -1e-12 < mse(model(data)[0], data, "batchmean").item() / optimum - 1 < 1e-4


def test_a_seed_settles_the_run_and_another_seed_changes_it():
    first = run(noisy, seed=3).terms
    torch.rand(5)  # the global generator has no say
    assert run(noisy, seed=3).terms == first
    assert run(squared, seed=3).terms != run(squared, seed=4).terms, "the order of the data"
    one, other = (run(noisy, seed=seed, batch_size=40, steps=1).terms["loss"] for seed in (3, 4))
    assert one != pytest.approx(other, rel=1e-5), "the objective's noise"


@pytest.mark.parametrize("steps", [1, 49, 50, 51, 120])
def test_history_has_every_term_at_every_step_and_their_sum(steps):
    count = itertools.count(1)
    history = run(lambda *given: two_terms(*given) | {"step": torch.tensor(float(next(count)))}, steps=steps)
    fits, codes, counted, losses = history.terms.values()
    assert list(history.terms) == ["fit", "code", "step", "loss"] and history.steps == counted == list(range(1, steps + 1))
    assert losses == pytest.approx([sum(terms) for terms in zip(fits, codes, counted, strict=True)], rel=1e-6)


def test_a_term_keeps_its_name_when_the_objective_changes_their_order():
    count = itertools.count()
    assert run(lambda *given: dict(list(two_terms(*given).items())[::(-1)**next(count)])).terms == run(two_terms).terms


def test_the_model_trains_in_training_mode_and_is_left_in_evaluation_mode():
    modes, model = [], start().eval()
    run(lambda model, *given: modes.append(model.training) or two_terms(model, *given), model, steps=3)
    assert modes == [True] * 3 and not model.training


@pytest.mark.parametrize("n, batch_size, size, a_pass", [(10, 4, 4, 2), (12, 4, 4, 3), (5, 8, 5, 1), (7, 7, 7, 1), (3, 1, 1, 3)])
def test_a_pass_visits_each_sample_at_most_once(n, batch_size, size, a_pass):
    stream = training.batches(torch.arange(n)[:, None], batch_size, torch.Generator().manual_seed(0))
    passes = [torch.cat([next(stream) for _ in range(a_pass)]).flatten().tolist() for _ in range(40)]
    assert all(len(visited) == len(set(visited)) == size * a_pass for visited in passes)
    assert set().union(*passes) == set(range(n)), "every sample has its turn"
    assert len(set(map(tuple, passes))) > 1, "each pass has its own order"


class Readings(TorchDispatchMode):
    """Counts how often the loop waits for a value."""

    count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += function in (torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default)
        return function(*args, **(kwargs or {}))


def test_values_are_read_every_50_steps_and_no_oftener(monkeypatch):
    calls, readings = [], []
    for name in ("cpu", "tolist", "numpy"):
        method = getattr(torch.Tensor, name)
        monkeypatch.setattr(torch.Tensor, name, lambda *given, method=method: calls.append(1) or method(*given))
    for steps in (50, 250):
        with Readings() as mode:
            run(lambda model, x, generator: {"fit": bce(model.logits(model.encode(x)), x)}, steps=steps)
        readings.append(mode.count + len(calls))
        calls.clear()
    assert readings[0] <= 12 and 4 <= readings[1] - readings[0] <= 4 * 4, "four more times, a few calls each"


def test_cross_entropy_checks_its_data_in_the_first_step_only():
    def too_large_from(step):
        count = itertools.count(1)
        return lambda model, x, generator: {"fit": bce(model.logits(model.encode(x)), x + 5 * (next(count) >= step))}

    run(too_large_from(2), steps=3)
    with pytest.raises(ValueError, match="x runs from 5"):
        run(too_large_from(1), steps=3)


@pytest.mark.parametrize("cuda, mps, kind", [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")])
def test_the_device_is_cuda_then_mps_then_the_cpu(monkeypatch, cuda, mps, kind):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert training.pick_device().type == kind and training.pick_device("meta").type == "meta"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_a_gpu_learns_what_a_cpu_learns():
    """All data make one batch, so that both see the same whatever their generators draw."""
    models = {device: start() for device in ("cpu", "cuda")}
    cpu, cuda = (run(model=model, steps=100, batch_size=40, lr=0.01, device=device) for device, model in models.items())
    assert cuda.terms["loss"] == pytest.approx(cpu.terms["loss"], abs=1e-4)
    for ours, theirs in zip(models["cuda"].parameters(), models["cpu"].parameters()):
        assert ours.is_cuda
        torch.testing.assert_close(ours.cpu(), theirs, rtol=0, atol=1e-4)
