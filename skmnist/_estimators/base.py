"""The estimator that owns a skorch net: fit, partial_fit, pickled state."""

from __future__ import annotations

import copy
import math
from abc import ABCMeta, abstractmethod
from typing import TYPE_CHECKING, Any, Literal, Self

import torch
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    ClassNamePrefixFeaturesOutMixin,
)

from skmnist._estimators.documentation import DocumentedOnSite
from skmnist._estimators.failed_fits import unchanged_on_failure
from skmnist._estimators.fitted_network import FittedNetwork
from skmnist._estimators.flat_parameters import FlatParameters
from skmnist._estimators.label_checks import check_partial_classes
from skmnist._estimators.looks_inside import LooksInside
from skmnist._estimators.one_training import one_training
from skmnist._estimators.parameters import TRAINING_RULES
from skmnist._estimators.pickling import VersionedPickle
from skmnist._estimators.predictions import Predictions
from skmnist._estimators.rules import check_parameters
from skmnist._estimators.scaling import find_pixel_scaling
from skmnist._estimators.seeds import draw_seed, spread_seed
from skmnist._estimators.task_callbacks import (
    CallbackSupportMixin,
    callback_data,
    with_callbacks,
)
from skmnist._estimators.training_data import (
    check_training_data,
    check_validation_data,
    hold_out,
    with_loss_weights,
)
from skmnist._estimators.training_warnings import LEAST_STEPS, warn_of_training
from skmnist._training.ambient import in_own_torch_state
from skmnist._training.build import NET_SETTINGS, build_net
from skmnist._training.checkpoint import (
    Checkpointer,
    check_same_run,
    describe_run,
    owned_checkpoint,
    read_checkpoint,
)
from skmnist._training.devices import find_device
from skmnist._training.early_stopping import StopEarly
from skmnist._training.epoch_tasks import EpochTasks
from skmnist._training.modules import initialize_weights
from skmnist._training.state import (
    load_portable_state,
    portable_state,
    rolled_back_on_failure,
)
from skmnist._warn import warn

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from torch.optim import Optimizer

    from skmnist._estimators.parameters import Augment, Callbacks, Loss
    from skmnist._typing import (
        ClassWeight,
        FilePath,
        OptimizerName,
        PixelScaling,
        Precision,
        RandomState,
        Schedule,
    )


class NetworkClassifier(
    CallbackSupportMixin,
    ClassNamePrefixFeaturesOutMixin,
    Predictions,
    FittedNetwork,
    LooksInside,
    ClassifierMixin,
    VersionedPickle,
    DocumentedOnSite,
    FlatParameters,
    BaseEstimator,
    metaclass=ABCMeta,
):
    """What the classifiers that are networks share: all but the network.

    A subclass names its torch module, says which arguments it takes, and adds the
    rules of its own parameters.
    """

    _rules = TRAINING_RULES
    _module_class: type[torch.nn.Module]
    _usual_epochs: int  # of max_epochs="auto", on as many images as MNIST has
    _usual_smoothing = 0.0  # of label_smoothing="auto"

    @abstractmethod
    def __init__(
        self,
        *,
        optimizer: OptimizerName | type[Optimizer],
        optimizer_params: dict[str, Any] | None,
        lr: float,
        weight_decay: float,
        momentum: float,
        lr_schedule: Schedule,
        lr_decay: float,
        batch_size: int,
        max_epochs: int | Literal["auto"],
        loss: Loss,
        label_smoothing: float | Literal["auto"],
        shuffle: bool,
        class_weight: ClassWeight,
        early_stopping: bool,
        validation_fraction: float,
        n_iter_no_change: int,
        tol: float,
        pixel_scaling: PixelScaling,
        augment: Augment,
        device: str | torch.device,
        precision: Precision,
        micro_batch_size: int | Literal["auto"],
        callbacks: Callbacks | None,
        checkpoint: FilePath | None,
        warm_start: bool,
        random_state: RandomState,
        verbose: int,
    ) -> None:
        self.optimizer = optimizer
        self.optimizer_params = optimizer_params
        self.lr = lr
        self.weight_decay = weight_decay
        self.momentum = momentum
        self.lr_schedule = lr_schedule
        self.lr_decay = lr_decay
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.loss = loss
        self.label_smoothing = label_smoothing
        self.shuffle = shuffle
        self.class_weight = class_weight
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.pixel_scaling = pixel_scaling
        self.augment = augment
        self.device = device
        self.precision = precision
        self.micro_batch_size = micro_batch_size
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    @abstractmethod
    def _module_arguments(self, image_shape, n_classes):
        """The arguments of the module class, from the parameters.

        Raises ValueError for layers that do not fit the images.
        """

    # -- fitting --

    @one_training
    @with_callbacks
    @in_own_torch_state
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: ArrayLike | None = None,
        y_val: ArrayLike | None = None,
    ) -> Self:
        """Train the network on images and their labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), \
                (n_samples, height, width) or (n_samples, channels, height, width)
            Images, in any real dtype: an array, memory map, data frame, list or
            tensor. uint8 pixels stay uint8 until they are in a batch.
            Channels may come last where the last side is 1 or 3 and the second is
            not.
        y : array-like of shape (n_samples,)
            Labels: ints, strings or bools, of at least two classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights in the loss, not negative. A zero is the same as leaving the
            row out, an integer the same as repeating it.
        X_val : array-like in one of the shapes of X, default=None
            Images to score after every epoch. With ``early_stopping=True`` they
            take the place of the rows that would be held out of ``X``.
        y_val : array-like of shape (n_val_samples,), default=None
            Their labels, all among those in ``y``.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            Before any training: for a parameter or an array that is not as
            documented, data of a single class, an unavailable device, a checkpoint
            that belongs to another run or is in use, or a callback that cannot do
            its work. During training: when the loss or the weights stop being
            finite.
        RuntimeError
            While another thread trains this estimator.
        OSError
            For a checkpoint that cannot be written: before training where its folder
            is missing or read-only, after an epoch where the disk is full.
        KeyboardInterrupt
            After Ctrl-C, which ends the training at once. The estimator is then fitted
            as far as it came, which ``n_epochs_`` says.

        Warns
        -----
        ConvergenceWarning
            If the loss ends no lower than that of guessing.
        UserWarning
            If ``early_stopping`` ends the training at a learning rate that
            "onecycle" or "cosine" have not brought down yet.
        """
        check_parameters(self, self._rules)
        warm = self.warm_start and hasattr(self, "net_")
        fit_task, data = (
            self._init_callback_context(),
            callback_data(X, y, sample_weight),
        )
        with unchanged_on_failure(self), owned_checkpoint(self.checkpoint):
            saved = self._read_checkpoint(warm)
            seeds = self._draw_seeds(saved)
            train = check_training_data(self, X, y, sample_weight, reset=not warm)
            valid = check_validation_data(self, X_val, y_val)
            if valid is None and self.early_stopping:
                train, valid = hold_out(self, train, seeds.split)
            weighted = with_loss_weights(self, train)
            n_epochs = self._find_n_epochs(weighted)
            fit_task.max_subtasks = n_epochs
            fit_task.call_on_fit_task_begin(estimator=self, **data)
            history = self.history_ if warm else ()
            module = self._copied_module() if warm else self._new_module(train, seeds)
            callbacks = self._own_callbacks(train, valid, seeds, saved, len(history))
            callbacks.append(EpochTasks(self, fit_task, data))
            self._start(module, seeds, history, callbacks)
            interrupt = self.net_._train(weighted, valid, epochs=n_epochs)
            self.best_epoch_ = self._find_best_epoch()
        if interrupt:
            raise interrupt
        warn_of_training(self, len(history) + n_epochs)
        fit_task.call_on_fit_task_end(
            estimator=self, **data, reconstruction_attributes={}
        )
        return self

    def _start(self, module, seeds, history=(), callbacks=()):
        """A net with the parameters as they are now, for a fit from the beginning."""
        self._settings = self._current_settings()
        self.net_ = self._build_net(module, seeds.training, history, callbacks)
        self._is_open, self.best_epoch_ = False, None

    @one_training
    @in_own_torch_state
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train for one more epoch on these images, from where the model stands.

        Optimiser, generators and history carry over from call to call, with the
        training parameters of the first call; the first call after `fit` starts a
        new optimiser. A stream has no known end, so "onecycle" and "cosine" do not
        apply: the rate stays at ``lr``. Nothing is held out. Pixels are scaled by
        the statistics of the first call's images, which should therefore be like
        those to come.

        Parameters
        ----------
        X : array-like
            Images, in one of the shapes that `fit` takes.
        y : array-like of shape (n_samples,)
            Labels.
        classes : array-like of shape (n_classes,), default=None
            All labels that will ever occur. Required in the first call; optional,
            and the same, in later ones.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights in the loss, not negative.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            As in `fit`, and for missing or changed ``classes``.
        RuntimeError
            As in `fit`.
        """
        check_parameters(self, self._rules)
        with unchanged_on_failure(self):
            first = not hasattr(self, "net_")
            classes = check_partial_classes(self, classes, first)
            train = check_training_data(
                self, X, y, sample_weight, reset=first, classes=classes
            )
            if first or not self._is_open:
                self.net_ = self._open_stream(train, first)
            self._is_open, self.best_epoch_ = True, None
            self._move_if_asked()
            with rolled_back_on_failure(self.net_):
                weighted = with_loss_weights(self, train)
                if interrupt := self.net_._train(weighted, epochs=1):
                    raise interrupt
        return self

    def _open_stream(self, train, first):
        seeds = self._draw_seeds()
        module = self._new_module(train, seeds) if first else self.module_
        history = () if first else self.history_
        self._settings = self._current_settings(endless=True)
        return self._build_net(module, seeds.training, history, self.callbacks)

    def _find_n_epochs(self, train):
        if self.max_epochs != "auto":
            return int(self.max_epochs)
        n_steps = math.ceil(len(train) / self.batch_size)
        return max(self._usual_epochs, math.ceil(LEAST_STEPS / n_steps))

    def _draw_seeds(self, saved=None):
        """The seeds of a fit; of one that is resumed, those that it began with."""
        return spread_seed(saved["seed"] if saved else draw_seed(self.random_state))

    def _new_module(self, train, seeds):
        """A module with new weights, and the scaling of the training images."""
        self._module_settings = self._module_arguments(
            self.image_shape_, len(self.classes_)
        )
        # In float64, so that every precision starts from the same numbers.
        module = self._initial_module(seeds.weights).to(torch.float64)
        shift, factor = find_pixel_scaling(
            self.pixel_scaling,
            train.images.flatten(1),
            self.image_shape_[0],
            train.rows,
            None if train.weights is None else train.weights.numpy(),
            train.memory_map,
        )
        module.scaling.set(shift, factor)
        return module

    def _initial_module(self, seed):
        """A module with weights that are drawn from a seed."""
        module = self._empty_module(torch.float64)
        initialize_weights(module, torch.Generator().manual_seed(seed))
        return module

    def _empty_module(self, dtype=torch.float32):
        """A module to be filled with weights."""
        # Made without memory first: modules that draw their own first weights
        # would do it twice, and from the global generator.
        with torch.device("meta"):
            module = self._module_class(**self._module_settings)
        return module.to(dtype).to_empty(device="cpu").eval()

    def _copied_module(self):
        """The module of the previous fit, to go on with a copy of it."""
        now = self._module_arguments(self.image_shape_, len(self.classes_))
        if now != self._module_settings:
            changed = [key for key in now if now[key] != self._module_settings[key]]
            raise ValueError(
                f"With warm_start=True, {type(self).__name__} continues training the "
                f"network of the previous fit, but {changed} changed since. Restore "
                "them, or set warm_start=False."
            )
        return copy.deepcopy(self.module_)

    def _net_parameters(self):
        """The parameters that a net is made of, as they are now."""
        parameters = {name: getattr(self, name) for name in NET_SETTINGS}
        if isinstance(self.label_smoothing, str):  # "auto"
            smooths = isinstance(self.loss, str)  # as a loss of one's own does itself
            parameters["label_smoothing"] = self._usual_smoothing if smooths else 0.0
        return parameters

    def _current_settings(self, endless=False):
        """What the net is made of, kept so that it can be made again on loading."""
        settings = self._net_parameters()
        if endless and self.lr_schedule in ("onecycle", "cosine"):
            settings["lr_schedule"] = None
        return settings

    def _find_device(self):
        return find_device(self.device, type(self).__name__)

    def _build_net(self, module, seed, history=(), callbacks=None, device=None):
        """A net around the module, ready to train with the settings."""
        self._placed = self.device
        net = build_net(
            module,
            self._settings,
            n_classes=len(self.classes_),
            device=self._find_device() if device is None else device,
            seed=seed,
            callbacks=list(callbacks or ()),
            verbose=self.verbose,
            owner=type(self).__name__,
        )
        net.history.extend(history)
        return net

    def _move_if_asked(self):
        """Follow a `device` that was set after the fit."""
        if self.device != self._placed:
            self.net_._move(self._find_device())
            self._placed = self.device

    def _read_checkpoint(self, warm):
        saved = None if self.checkpoint is None else read_checkpoint(self.checkpoint)
        if saved and warm and len(saved["training"]["history"]) == self.n_epochs_:
            # The end of the previous fit, which is where a warm start begins.
            return None
        return saved

    def _own_callbacks(self, train, valid, seeds, saved, epochs_before):
        """The user's callbacks, then those behind our own parameters."""
        callbacks = list(self.callbacks or ())
        if self.early_stopping:
            callbacks.append(StopEarly(self.n_iter_no_change, self.tol))
        if self.checkpoint is not None:
            kind = self._find_device().type
            run = describe_run(self, kind, [train, valid], epochs_before)
            if saved is not None:
                check_same_run(self.checkpoint, saved["run"], run)
            callbacks.append(Checkpointer(self.checkpoint, run, seeds.root, saved))
        return callbacks

    def _find_best_epoch(self):
        for _, callback in self.net_.callbacks_:
            if isinstance(callback, StopEarly):
                return callback.best_epoch_
        scored = [row for row in self.history_ if "valid_acc" in row]
        best = max(scored, key=lambda row: row["valid_acc"], default={"epoch": None})
        return best["epoch"]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = []
        return tags

    # -- persistence --

    def __getstate__(self):
        state = super().__getstate__()
        net = state.pop("net_", None)
        if net is not None:
            state["_net_state"] = portable_state(net, with_optimizer=self._is_open)
        return state

    @in_own_torch_state
    def _restore(self, state):
        net_state = state.pop("_net_state", None)
        super()._restore(state)
        if net_state is not None:
            self._settings = {**self._net_parameters(), **self._settings}
            device = self._device_on_arrival(net_state["device"])
            self.net_ = self._build_net(self._empty_module(), seed=0, device=device)
            self.net_.callbacks = list(self.callbacks or ())
            load_portable_state(self.net_, net_state)

    def _device_on_arrival(self, saved):
        """The device of an unpickled model: another one, with a warning, if need be."""
        try:
            find_device(saved, type(self).__name__)
            return self._find_device()
        except ValueError as error:
            device = find_device("auto" if self.device == "auto" else "cpu")
            warn(
                f"{error} The model was saved on another device; it is loaded onto "
                f"{str(device)!r}."
            )
            return device
