"""Every model as an estimator of scikit-learn (Pedregosa and others, 2011): pipelines, cross-validation, grid search."""

import copy
import math
from functools import partial

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from aecourse import validation
from aecourse.metrics.anomaly import anomaly_score
from aecourse.models.autoencoder import Autoencoder
from aecourse.objectives.regularization import reconstruction
from aecourse.search.grid import built
from aecourse.training import fit

unbounded = partial(Autoencoder, output="linear")  # the model by default


def as_codes(z):
    """Codes in a tuple, whether the model has several or one."""
    return z if isinstance(z, tuple) else (z,)


class Estimator(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """A model and its objective, trained on the rows of an array.

    Numbers are computed, and returned, in the type of the model's weights: single precision, unless `build` returns
    ``model.double()``. Columns of unlike size want a scaler before them; where the model's output lies in [0, 1],
    ``MinMaxScaler(clip=True)``. ``random_state=0`` gives the numbers of
    ``torch.manual_seed(0)``, `build`, and :func:`~aecourse.training.fit` with ``seed=0``.

    To pickle an estimator, or to send it to other processes, name its functions with ``def``.

    Args:
        build: ``(shape, latent_dim=) -> model``: the class of a model, or ``functools.partial(VAE, hidden=(64,))``; by
            default an :class:`~aecourse.models.Autoencoder` with linear output.
        objective: ``weight -> objective``, such as :func:`~aecourse.objectives.beta_vae`; by default the squared error,
            which takes no weight.
        latent_dim: units of the code, or whatever `build` makes of it.
        weight: of the objective; None calls `objective` without one.
        shape: of one sample, such as (1, 28, 28), into which each row is put; None for the row as it is.
        steps, batch_size, lr: as for :func:`~aecourse.training.fit`.
        training: further settings of :func:`~aecourse.training.fit`, such as ``{"clip": 1.0, "progress": False}``.
        random_state: an integer; a ``numpy.random.RandomState`` to draw one from; None, another one at each call.
        device: as for :func:`~aecourse.training.fit`.

    Attributes:
        model_: the trained model, in evaluation mode.
        history_: :class:`~aecourse.training.History`.
        code_shapes_: the shape of each code of a sample: one, or for a hierarchy one a level.
        n_features_in_, feature_names_in_: as scikit-learn has them.

    Raises:
        ValueError: (in `fit`) where the columns don't fill `shape`, or what :func:`~aecourse.training.fit` refuses.

    Source:
        Pedregosa and others (2011).
    """

    def __init__(
        self,
        build=None,
        objective=None,
        *,
        latent_dim=2,
        weight=None,
        shape=None,
        steps=1000,
        batch_size=128,
        lr=1e-3,
        training=None,
        random_state=None,
        device="auto",
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
        self.random_state, self.device = random_state, device

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # it is the model's
        return tags

    def __getstate__(self):
        """A pickle holds the model on the CPU, so that a machine without this one's device can read it."""
        state = dict(super().__getstate__())
        if "model_" in state:
            state["model_"] = copy.deepcopy(self.model_).cpu()
        return state

    @property
    def _n_features_out(self):
        return sum(map(math.prod, self.code_shapes_))

    def fit(self, X, y=None):
        """Build a model, and train it on `X`, (N, columns), finite. `y` is not looked at. Returns the estimator."""
        X = validate_data(self, X, dtype=(np.float64, np.float32))
        shape = (X.shape[1],) if self.shape is None else validation.sizes("shape", self.shape)
        if math.prod(shape) != X.shape[1]:
            raise ValueError(
                f"X has {X.shape[1]} columns and shape is {shape}; expected {math.prod(shape)}: one a value of a sample"
            )
        if self.objective is None and self.weight is not None:
            raise ValueError(
                f"weight is {self.weight!r} without an objective; expected None: pass objective=, such as sparse_l1"
            )
        seed, weight = self.random_state, () if self.weight is None else (self.weight,)
        seed = (
            int(seed)
            if isinstance(seed, (int, np.integer))
            else check_random_state(seed).randint(2**31 - 1)
        )
        self.model_ = built(
            lambda k: (self.build or unbounded)(shape, latent_dim=k), self.latent_dim, seed
        )
        x = self._samples(X, shape)
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
        with torch.no_grad():
            z = self.model_.encode(x[:1].to(self._parameter.device))
        self._shape = shape
        self._several = isinstance(z, tuple)
        self.code_shapes_ = [tuple(code.shape[1:]) for code in as_codes(z)]
        return self

    @property
    def _parameter(self):
        return next(self.model_.parameters())

    def _samples(self, X, shape):
        """Rows as samples, of the type of the model: (N, columns) -> (N, *shape)."""
        return torch.tensor(X, dtype=self._parameter.dtype).unflatten(1, shape)

    @torch.no_grad()
    def _map(self, function, rows):
        """`function` of 1024 rows at a time, on the device of the model: (N, ...) -> an array (N, ...)."""
        return torch.cat(
            [function(part.to(self._parameter.device)).cpu() for part in rows.split(1024)]
        ).numpy()

    def _check(self, X):
        check_is_fitted(self)
        return self._samples(
            validate_data(self, X, dtype=(np.float64, np.float32), reset=False), self._shape
        )

    def transform(self, X):
        """The codes of `X`, several or a grid side by side: (N, columns) -> (N, units)."""
        return self._map(
            lambda x: torch.cat([z.flatten(1) for z in as_codes(self.model_.encode(x))], 1),
            self._check(X),
        )

    def inverse_transform(self, X):
        """The reconstructions from codes `X` that :meth:`transform` returned: (N, units) -> (N, columns)."""
        check_is_fitted(self)
        Z = torch.tensor(
            check_array(X, dtype=(np.float64, np.float32), input_name="X"),
            dtype=self._parameter.dtype,
        )
        sizes = [math.prod(shape) for shape in self.code_shapes_]
        if Z.shape[1] != sum(sizes):
            raise ValueError(
                f"X has {Z.shape[1]} columns; expected {sum(sizes)}, one a unit, as transform returns them"
            )

        def decode(rows):
            codes = tuple(
                z.unflatten(1, shape) for z, shape in zip(rows.split(sizes, 1), self.code_shapes_)
            )
            return self.model_.decode(codes if self._several else codes[0]).flatten(1)

        return self._map(decode, Z)

    def score_samples(self, X):
        """How normal each sample is: *minus* its squared error, averaged over columns, so that low is strange; (N,), at most 0.

        It is minus :func:`~aecourse.metrics.anomaly_score` of the reconstruction.
        """
        return self._map(lambda x: -anomaly_score(self.model_(x)[0], x), self._check(X))

    def score(self, X, y=None):
        """The mean of :meth:`score_samples`: minus the mean squared error. Higher is better, as a grid search takes it."""
        return float(self.score_samples(X).mean(dtype=np.float64))
