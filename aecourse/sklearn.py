"""Every model as a scikit-learn estimator, for pipelines, cross-validation and grid search.

The interface: Pedregosa and others (2011).
"""

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array, check_is_fitted, validate_data
from torch import nn

from aecourse import validation
from aecourse.metrics.anomaly import anomaly_score
from aecourse.models.autoencoder import Autoencoder
from aecourse.objectives.regularization import reconstruction
from aecourse.search.grid import built
from aecourse.training import History, fit
from aecourse.types import Objective, Shape

unbounded = partial(Autoencoder, output="linear")  # the model by default
ELBO_SAMPLES = 16  # of the code of each row


def as_codes(z: torch.Tensor | tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    """The codes of a model as a tuple, even if it has only one."""
    return z if isinstance(z, tuple) else (z,)


class Estimator(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """A model and its objective, trained on the rows of an array.

    Computation and results have the dtype of the model's weights: float32, unless `build` returns
    ``model.double()``. With ``random_state=0`` the result is that of ``torch.manual_seed(0)``,
    `build`, and :func:`~aecourse.training.fit` with ``seed=0``.

    Scale columns of different units first, with ``StandardScaler`` and a model of unbounded output:
    the default one, or a VAE with ``likelihood="gaussian"``. ``MinMaxScaler(clip=True)`` would
    bring each outlier into the range of the others, where no score can find it.

    A search by :meth:`score` compares models by the ELBO if they have one, and else by the squared
    error of the reconstruction. No penalty lowers that error: a search over the weight of one
    always chooses the smallest, unless its ``scoring=`` measures what the penalty is for.

    To pickle an estimator, or to send it to other processes, define its functions with ``def``.

    Args:
        build: ``(shape, latent_dim=) -> model``: the class of a model, or
            ``functools.partial(VAE, hidden=(64,))``; by default an
            :class:`~aecourse.models.Autoencoder` with linear output.
        objective: ``weight -> objective``, such as :func:`~aecourse.objectives.beta_vae`; by
            default the squared error, which takes no weight.
        latent_dim: units of the code, passed to `build`.
        weight: passed to `objective`; None calls it without an argument.
        shape: of one sample, such as (1, 28, 28), into which each row is reshaped: all pixels of
            the first channel come first. None leaves rows flat.
        steps, batch_size, lr: as for :func:`~aecourse.training.fit`.
        training: further arguments of :func:`~aecourse.training.fit`, such as
            ``{"max_grad_norm": 1.0, "progress": False}``.
        random_state: an integer; a ``numpy.random.RandomState`` from which one is drawn; None for a
            different one at each call.
        device: as for :func:`~aecourse.training.fit`.

    Attributes:
        model_: the trained model, in evaluation mode.
        history_: :class:`~aecourse.training.History`.
        code_shapes_: the shape of each code of a sample: one, or for a hierarchy one for each
            level.
        n_features_in_, feature_names_in_: as in scikit-learn.

    Raises:
        ValueError: (in `fit`) If the number of columns does not match `shape`, or
            :func:`~aecourse.training.fit` rejects an argument.

    Source:
        Pedregosa and others (2011).
    """

    model_: nn.Module
    history_: History
    code_shapes_: list[tuple[int, ...]]

    def __init__(
        self,
        build: Callable[..., nn.Module] | None = None,
        objective: Callable[..., Objective] | None = None,
        *,
        latent_dim: int | Any = 2,
        weight: float | None = None,
        shape: Shape | None = None,
        steps: int = 1000,
        batch_size: int = 128,
        lr: float = 1e-3,
        training: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
        device: str | torch.device = "auto",
    ):
        self.build = build
        self.objective = objective
        self.latent_dim = latent_dim
        self.weight = weight
        self.shape = shape
        self.steps = steps
        self.batch_size = batch_size
        self.lr = lr
        self.training = training
        self.random_state = random_state
        self.device = device

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # results have the model's dtype
        return tags

    def __getstate__(self):
        """The state for a pickle, with the model on the CPU, so that any machine can load it."""
        state = dict(super().__getstate__())
        if "model_" in state:
            state["model_"] = copy.deepcopy(self.model_).cpu()
        return state

    @property
    def _n_features_out(self) -> int:
        return sum(map(math.prod, self.code_shapes_))

    def fit(self, X: Any, y: Any = None) -> "Estimator":
        """Build a model and train it on `X`, (N, columns), finite. `y` is ignored."""
        X = validate_data(self, X, dtype=(np.float64, np.float32))
        shape = (X.shape[1],) if self.shape is None else validation.sizes("shape", self.shape)
        if math.prod(shape) != X.shape[1]:
            raise ValueError(
                f"X has {X.shape[1]} columns and shape is {shape}; expected {math.prod(shape)}, "
                "one for each value of a sample: pass the shape of your samples, or None"
            )
        if self.objective is None and self.weight is not None:
            raise ValueError(
                f"weight is {self.weight!r} without an objective; expected None: "
                "pass objective=, such as sparse_l1"
            )
        weight = () if self.weight is None else (self.weight,)
        seed = self._seed()
        self.model_ = built(
            lambda k: (self.build or unbounded)(shape, latent_dim=k), self.latent_dim, seed
        )
        x = self._samples(X, shape)
        try:
            self.history_ = fit(
                self.model_,
                x,
                (self.objective or reconstruction)(*weight),
                steps=self.steps,
                batch_size=self.batch_size,
                lr=self.lr,
                seed=seed,
                device=self.device,
                **{"progress": False} | (self.training or {}),
            )
        except BaseException:  # also Ctrl-C: the estimator is not fitted
            del self.model_
            raise
        with torch.no_grad():
            z = self.model_.encode(x[:1].to(self._parameter.device))
        self._shape = shape
        self._several = isinstance(z, tuple)
        self.code_shapes_ = [tuple(code.shape[1:]) for code in as_codes(z)]
        return self

    def _seed(self) -> int:
        """`random_state`, or an integer drawn from it."""
        if isinstance(self.random_state, (int, np.integer)):
            return int(self.random_state)
        return check_random_state(self.random_state).randint(2**31 - 1)

    @property
    def _parameter(self) -> nn.Parameter:
        return next(self.model_.parameters())

    def _samples(self, X: np.ndarray, shape: Sequence[int]) -> torch.Tensor:
        """Rows as samples of the model's dtype: (N, columns) -> (N, *shape)."""
        X = np.ascontiguousarray(X)  # PyTorch has no negative strides
        return torch.tensor(X, dtype=self._parameter.dtype).unflatten(1, shape)

    @torch.no_grad()
    def _map(self, function: Callable, rows: torch.Tensor) -> np.ndarray:
        """`function` of 1024 rows at a time, on the model's device: (N, ...) -> array (N, ...)."""
        parts = [function(part.to(self._parameter.device)).cpu() for part in rows.split(1024)]
        return torch.cat(parts).numpy()

    def _check(self, X: Any) -> torch.Tensor:
        check_is_fitted(self, "model_")
        X = validate_data(self, X, dtype=(np.float64, np.float32), reset=False)
        return self._samples(X, self._shape)

    def transform(self, X: Any) -> np.ndarray:
        """The codes of `X`, (N, columns) -> (N, units); several codes or a grid are flattened."""
        return self._map(
            lambda x: torch.cat([z.flatten(1) for z in as_codes(self.model_.encode(x))], 1),
            self._check(X),
        )

    def inverse_transform(self, X: Any) -> np.ndarray:
        """The reconstructions from codes of :meth:`transform`, (N, units) -> (N, columns)."""
        check_is_fitted(self, "model_")
        X = check_array(X, dtype=(np.float64, np.float32), input_name="X")
        Z = torch.tensor(np.ascontiguousarray(X), dtype=self._parameter.dtype)
        sizes = [math.prod(shape) for shape in self.code_shapes_]
        if Z.shape[1] != sum(sizes):
            raise ValueError(
                f"X has {Z.shape[1]} columns; expected {sum(sizes)}, one for each unit, "
                "as transform returns them"
            )

        def decode(rows):
            codes = tuple(
                z.unflatten(1, shape)
                for z, shape in zip(rows.split(sizes, 1), self.code_shapes_, strict=True)
            )
            return self.model_.decode(codes if self._several else codes[0]).flatten(1)

        return self._map(decode, Z)

    def score_samples(self, X: Any) -> np.ndarray:
        """How well the model explains each sample: (N,). Low values are anomalous.

        For a model with a likelihood (a VAE, LinearVAE or LadderVAE) the ELBO in nats, from 16
        samples of the code whose noise is the same for all rows, so that the score of a row does
        not depend on the others. For other models minus the squared error averaged over columns,
        from 0 down: minus :func:`~aecourse.metrics.anomaly_score` of the reconstruction.
        """
        x = self._check(X)
        has_elbo = hasattr(self.model_, "negative_elbo_terms")
        return self._map(self._elbo if has_elbo else self._minus_error, x)

    def _minus_error(self, x: torch.Tensor) -> torch.Tensor:
        return -anomaly_score(self.model_(x)[0], x)

    def _elbo(self, x: torch.Tensor) -> torch.Tensor:
        """The ELBO of each row, (B,), with common random numbers."""
        validation.within("X", x, *self.model_.output_range)

        def elbo_of(row):
            many = row.expand(ELBO_SAMPLES, *row.shape)
            return -sum(self.model_.negative_elbo_terms(many).values())

        with torch.random.fork_rng(devices=[x.device] if x.is_cuda else []):
            torch.manual_seed(0)
            return torch.vmap(elbo_of, randomness="same", chunk_size=64)(x)

    def score(self, X: Any, y: Any = None) -> float:
        """The mean of :meth:`score_samples`: higher is better, as a grid search expects."""
        return float(self.score_samples(X).mean(dtype=np.float64))
