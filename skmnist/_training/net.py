"""The skorch net that trains: its epoch, steps and hooks."""

import math

import torch
from skorch.callbacks import Callback, EpochTimer, PrintLog
from skorch.exceptions import SkorchTrainingImpossibleError

from skmnist._training.ambient import (
    draw_int,
    drawing_from,
    in_own_torch_state,
)
from skmnist._training.augment import as_steps, changed_at_random
from skmnist._training.batches import Batches
from skmnist._training.callback_checks import check_callbacks, missing_figure
from skmnist._training.callback_state import CallbackStates
from skmnist._training.dense_steps import find_dense_steps
from skmnist._training.freed_memory import keep_freed_memory
from skmnist._training.interrupts import raised_by_statement
from skmnist._training.micro_batches import (
    has_batch_norm,
    in_micro_batches,
)
from skmnist._training.modules import Dropout
from skmnist._training.optimizers import (
    SCHEDULES_BY_STEP,
    make_schedule,
    take_step,
)
from skmnist._training.predicting_net import PredictingNet
from skmnist._training.progress import EpochProgress
from skmnist._training.record import last, record_pass
from skmnist._training.tally import Tally

BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_grad_computed")
HOOKS_WITHIN_EPOCH = ("on_epoch_begin", *BATCH_HOOKS)


keep_freed_memory()


def _is_finite(weights):
    # A sum takes a tenth of the time and no memory; it is finite only if they all are.
    return bool(weights.detach().sum().isfinite() or weights.isfinite().all())


class StopRequested(Exception):
    """Ends an epoch before its end, at the request of a callback."""


class TrainingNet(PredictingNet):
    """skorch's classifier with an epoch of its own.

    The data are gathered in whole batches, the loss stays on the device and is
    read once an epoch. skorch's hooks of training and epoch always run, those of
    the batch when a callback has one.

    Parameters are those of `PredictingNet`, and

    augment : a key of TRANSFORMS, a callable on a batch, a list of these, or None
    micro_batch_size : int or "auto"
    shuffle : bool
    loss : Loss
    schedule, schedule_settings : the name of a learning-rate schedule, or None,
        and what it needs: "lr_decay", "tol"
    generator : torch.Generator on the device
        What shuffling, dropout and augmentation draw from.
    owner : str
        The name of the estimator, for errors.

    They, and all else that is not skorch's, have names with an underscore before them:
    other names on the net are the callbacks' to take.
    """

    def __init__(
        self,
        *args,
        augment=None,
        micro_batch_size="auto",
        shuffle=True,
        loss=None,
        schedule=None,
        schedule_settings=None,
        generator=None,
        owner="the estimator",
        **kwargs,
    ):
        super().__init__(*args, **kwargs)
        self._augment = as_steps(augment)
        self._micro_batch_size = micro_batch_size
        self._shuffle = shuffle
        self._loss = loss
        self._schedule = schedule
        self._schedule_settings = schedule_settings
        self._generator = generator
        self._owner = owner

    def _get_param_names(self):
        return [name for name in super()._get_param_names() if name[0] != "_"]

    def initialize_optimizer(self):
        """A new optimiser has a new schedule."""
        self._scheduler = None
        self.stop_requested_ = False
        self._saved_callbacks = None
        super().initialize_optimizer()
        for group in self.optimizer_.param_groups:
            # torch's schedulers look for it when a training goes on.
            group.setdefault("initial_lr", group["lr"])
        return self

    @property
    def _default_callbacks(self):
        shown = []
        if self.verbose == 1:
            shown = [("progress_bar", EpochProgress(self._owner))]
        elif self.verbose:
            shown = [("print_log", PrintLog())]
        return [("epoch_timer", EpochTimer()), *shown]

    def fit_loop(self, *args, **kwargs):
        """Refuse to train: labels, weights and seeds are the estimator's affair."""
        raise SkorchTrainingImpossibleError(
            f"This net is trained by its estimator: call fit or partial_fit of "
            f"{self._owner}. To train the network by skorch alone, make a "
            "NeuralNetClassifier of its module_."
        )

    fit = partial_fit = fit_loop

    # -- what a fit is made of --

    def _train(self, train, valid=None, *, epochs):
        """Train for so many epochs; the hooks come in skorch's order.

        Returns
        -------
        interrupt : KeyboardInterrupt or None
            Ctrl-C, which ends the training as it stands. It is for the caller to raise.
        """
        self.max_epochs = epochs  # where skorch's callbacks look for it
        self._restore_callbacks()
        check_callbacks(self.callbacks_, self._schedule, valid is not None, self._owner)
        self._epochs_left = epochs
        batches, valid_batches = self._make_batches(train, valid)
        self._check_batches(len(train), len(batches))
        self._loss.check(len(self.classes_), batches.device, batches.dtype)
        self._begin_training(train, len(batches) * epochs)
        self._lend(self._generator)
        interrupt = None
        try:
            while self._epochs_left > 0 and not self.stop_requested_:
                self._train_epoch(batches, valid_batches, train, valid)
        except StopRequested:
            self._check_finite()
        except KeyboardInterrupt as error:
            interrupt = error
        finally:
            self._set_training(False)
            self._lend(None)
            self._dense_steps = None  # and the memory that they keep
        try:
            self.notify("on_train_end", X=train, y=None)
        except KeyboardInterrupt as error:
            interrupt = interrupt or error
        return interrupt

    def _restore_callbacks(self):
        """Have the callbacks of a net that was loaded, as they were then.

        Not on loading, because callbacks may make folders and connections.
        """
        if self._saved_callbacks is not None:
            self._initialize_callbacks()
            if self._saved_callbacks:
                CallbackStates(self, self.callbacks_).load(self._saved_callbacks)
            self._saved_callbacks = None

    def _begin_training(self, train, n_steps):
        """What comes before the first epoch."""
        self.stop_requested_ = False
        self._micro_batch = self._choose_micro_batch()
        self._weights = list(self.module_.parameters())
        if self._scheduler is None:
            self._start_schedule(n_steps)
        self._batch_hooks = any(
            getattr(type(callback), hook) is not getattr(Callback, hook)
            for _, callback in self.callbacks_
            for hook in BATCH_HOOKS
        )
        self.notify("on_train_begin", X=train, y=None)
        if self._schedule in SCHEDULES_BY_STEP:
            # An optimiser that a callback has loaded is at the end of its schedule.
            rates = self._scheduler.get_last_lr()
            for group, rate in zip(self.optimizer_.param_groups, rates, strict=True):
                group["lr"] = rate

    def _train_epoch(self, batches, valid_batches, train, valid):
        datasets = {"dataset_train": train, "dataset_valid": valid}
        self._begin_epoch(datasets)
        self._dense_steps = self._find_dense_steps()
        self._run_pass(batches, True, "train", self._train_step)
        self._check_finite()
        self._set_training(False)
        self._run_pass(valid_batches, False, "valid", self._validation_step)
        self._epochs_left -= 1
        self._end_epoch(datasets)

    def _begin_epoch(self, datasets):
        """What comes before the first batch."""
        self.notify("on_epoch_begin", **datasets)
        self.history.record("lr", self.optimizer_.param_groups[0]["lr"])

    def _end_epoch(self, datasets):
        if self._schedule == "plateau":
            loss = last(self.history, "valid_loss", last(self.history, "train_loss"))
            self._scheduler.step(loss)
        elif self._schedule == "exponential":
            self._scheduler.step()
        self.notify("on_epoch_end", **datasets)

    def _close_epoch(self, n_batches, loss, accuracy, datasets):
        """What comes after the last batch of an epoch whose steps another has taken."""
        self._record_training(n_batches, loss, accuracy)
        self._check_finite()
        self._end_epoch(datasets)

    def notify(self, method_name, **cb_kwargs):
        """Call a hook of all callbacks; one that interrupts ends the training.

        skorch's callbacks stop a training by raising KeyboardInterrupt, which is
        also what Ctrl-C raises. The former is a request that waits until every
        callback has had its turn, and no longer; the latter goes to the caller.
        """
        getattr(self, method_name)(self, **cb_kwargs)
        for name, callback in self.callbacks_:
            try:
                getattr(callback, method_name)(self, **cb_kwargs)
            except KeyboardInterrupt as interrupt:
                if not raised_by_statement(interrupt):
                    raise
                self.stop_requested_ = True
            except KeyError as error:
                if repr(getattr(callback, "monitor", None)) in str(error):
                    raise missing_figure(name, callback) from error
                raise
        if self.stop_requested_ and method_name in HOOKS_WITHIN_EPOCH:
            raise StopRequested

    def _make_batches(self, train, valid=None):
        """The batches of the training, and those of the validation or None."""
        device = torch.device(self.device)
        dtype = self._dtype
        generator = self._generator if self._shuffle else None
        batches = Batches(train, self.batch_size, device, dtype, generator)
        if valid is None:
            return batches, None
        return batches, Batches(valid, self._rows_at_once(), device, dtype)

    def _check_batches(self, n_images, n_batches):
        if n_images // n_batches < self.module_.smallest_batch:
            raise ValueError(
                "Batch normalisation of one value for each image (of maps of a single "
                f"pixel, or dense units) needs two images: {self._owner} trains on "
                f"batches of two images or more. Got {n_images} with batch_size="
                f"{self.batch_size} instead, which leaves one image alone: raise "
                "batch_size to 3 or more, and pass several images at once."
            )

    def _lend(self, generator):
        for layer in self.module_.modules():
            if isinstance(layer, Dropout):
                layer.generator = generator

    def _run_pass(self, iterator, training, prefix, step_fn):
        """One pass over the batches; records the mean loss and the accuracy."""
        if iterator is None:
            return
        tally = Tally(self._loss)
        self._set_training(training)
        for batch in iterator:
            step = self._step_with_hooks(batch, training, prefix, step_fn)
            tally.add(step, *batch[1:])
        record = self._record_training if training else self._record_validation
        record(len(iterator), *tally.means())

    def _record_training(self, n_batches, loss, accuracy):
        if not self._batch_hooks:
            # One row for all batches: skorch's Checkpoint looks at the last one.
            self.history.new_batch()
        record_pass(self.history, "train", n_batches, loss, accuracy)

    def _record_validation(self, n_batches, loss, accuracy):
        record_pass(self.history, "valid", n_batches, loss, accuracy)

    def _step_with_hooks(self, batch, training, prefix, step_fn):
        if not self._batch_hooks:
            return step_fn(batch)
        pair = batch[:2]
        self.notify("on_batch_begin", batch=pair, training=training)
        self._set_training(training)
        # The hook before may have hung something into the network.
        self._dense_steps = self._find_dense_steps()
        step = step_fn(batch)
        loss_sum = step.get("loss_sum")
        if loss_sum is None:
            loss_sum = self._loss.sum(step["y_pred"], *batch[1:])
        step["loss"] = loss_sum / step["weight"]
        self.history.record_batch(f"{prefix}_loss", step["loss"].item())
        self.history.record_batch(f"{prefix}_batch_size", len(pair[1]))
        self.notify("on_batch_end", batch=pair, training=training, **step)
        return step

    def _train_step(self, batch):
        """One step of the optimiser on one batch."""
        images, targets, weights = batch
        images = self._augmented(images)
        if self._dense_steps:
            return self._dense_step(images, batch)
        if self.module_.draws_globally:
            # One for the batch, so that the parts it is worked through in do not
            # change what is drawn after it.
            self._batch_seed = draw_int(self._generator)
        # Optimisers that evaluate more than once a step (LBFGS) are judged by the
        # first evaluation, as in skorch.
        steps = []

        def closure():
            self._zero_grad()
            steps.append(self._accumulate_gradients(images, targets, weights))
            self._show_gradients(batch)
            return steps[-1]["loss_sum"] / steps[-1]["weight"]

        self._take_step(closure)
        return steps[0]

    def _find_dense_steps(self):
        """Steps without torch's graph, where the network and its training allow it."""
        on_cpu = torch.device(self.device).type == "cpu"
        if not on_cpu or self._autocast_dtype is not None:
            return None
        return find_dense_steps(self.module_, self._loss, self.optimizer_)

    def _dense_step(self, images, batch):
        """One step of the optimiser without torch's graph."""
        _, targets, weights = batch
        total = len(targets) if weights is None else weights.sum()
        one_part = len(targets) <= self._micro_batch
        steps = self._dense_steps
        if steps.descent and one_part and not self._batch_hooks:
            logits = steps.descend(images, targets, weights, total)
            return {"weight": total, "y_pred": logits}
        self._zero_grad()
        parts = in_micro_batches(self._micro_batch, images, targets, weights)
        logits = [steps.add_gradients(*part, total) for part in parts]
        self._show_gradients(batch)
        self._take_step()
        return {"weight": total, "y_pred": logits[0] if one_part else torch.cat(logits)}

    def _show_gradients(self, batch):
        if self._batch_hooks:
            self.notify(
                "on_grad_computed",
                named_parameters=list(self.get_all_learnable_params()),
                batch=batch[:2],
                training=True,
            )

    def _take_step(self, closure=None):
        """A step of the optimiser, and of a schedule that goes by steps."""
        take_step(self.optimizer_, closure)
        if self._schedule in SCHEDULES_BY_STEP:
            self._scheduler.step()

    def _zero_grad(self):
        # The optimiser's own method also records itself for torch's profiler, which
        # takes longer than the rest.
        for weights in self._weights:
            weights.grad = None

    def _validation_step(self, batch):
        """The loss and the answers on one batch."""
        images, targets, weights = batch
        with torch.no_grad():
            logits = self._forward(images)
        return {
            "loss_sum": self._loss.sum(logits, targets, weights),
            "weight": len(targets) if weights is None else weights.sum(),
            "y_pred": logits,
        }

    def _accumulate_gradients(self, images, targets, weights):
        """Forward and back in micro-batches; the gradients are the batch's own."""
        total = len(targets) if weights is None else weights.sum()
        while True:
            try:
                return self._forward_and_back(images, targets, weights, total)
            except torch.OutOfMemoryError:
                self._micro_batch = min(self._micro_batch, len(targets)) // 2
                if self._micro_batch == 0 or has_batch_norm(self.module_):
                    raise
                self._zero_grad()

    def _forward_and_back(self, images, targets, weights, total):
        losses, y_pred = [], []
        parts = in_micro_batches(self._micro_batch, images, targets, weights)
        for number, (part, labels, part_weights) in enumerate(parts):
            logits = self._forward_in_training(part, number)
            loss = self._loss.sum(logits, labels, part_weights)
            # As (loss / total).backward(), with a few kernels less.
            loss.backward(torch.ones_like(loss) / total)
            losses.append(loss.detach())
            y_pred.append(logits.detach())
        whole = len(losses) == 1
        return {
            "loss_sum": losses[0] if whole else torch.stack(losses).sum(),
            "weight": total,
            "y_pred": y_pred[0] if whole else torch.cat(y_pred),
        }

    def _choose_micro_batch(self):
        if has_batch_norm(self.module_):
            # Its statistics are the whole batch's.
            return self.batch_size
        if self._micro_batch_size != "auto":
            return int(self._micro_batch_size)
        if torch.device(self.device).type != "cpu":
            return self.batch_size
        return self._rows_at_once()

    def _forward_in_training(self, images, number):
        """Logits of a part of the batch, which is given by its number."""
        if not self.module_.draws_globally:
            return self._forward(images)
        with drawing_from(self._batch_seed + number, images.device):
            return self._forward(images)

    def _augmented(self, images):
        """The images of a batch, changed at random where that is asked for."""
        if not self._augment:
            return images
        images = images.to(self._dtype)
        return changed_at_random(images, self._augment, self._generator)

    def _start_schedule(self, n_steps=0):
        """Begin the schedule of the learning rate, over so many steps if it counts."""
        self._scheduler = make_schedule(
            self._schedule, self.optimizer_, n_steps, **self._schedule_settings
        )

    def _check_finite(self):
        # An epoch that a callback broke off has no loss.
        loss = last(self.history, "train_loss", 0.0)
        finite = math.isfinite(loss)
        if finite and all(_is_finite(p) for p in self.module_.parameters()):
            return
        found = "the weights are not finite" if finite else f"the loss is {loss}"
        raise ValueError(
            f"The training diverged: after epoch {len(self.history)} {found}. Most "
            "likely the learning rate is too high for pixels of this scale: try a "
            f"lower lr (it is {self.lr:g}), or pixel_scaling='standard' if it is not."
            f"{self._loss.advice}"
        )

    # -- where it runs --

    @in_own_torch_state
    def _move(self, device):
        """Go on, or predict, on another device."""
        if str(device) == self.device:
            return
        self.module_.to(device)
        # Loading casts the optimiser's state to where its weights are now.
        self.optimizer_.load_state_dict(self.optimizer_.state_dict())
        self._generator = torch.Generator(device).manual_seed(draw_int(self._generator))
        self.device = str(device)
