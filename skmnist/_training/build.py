"""What a net is built from: the settings, on a device, around a module."""

from types import SimpleNamespace

import numpy as np
import torch

from skmnist._training.devices import find_precision
from skmnist._training.losses import Loss
from skmnist._training.net import TrainingNet
from skmnist._training.optimizers import optimizer_arguments

# The parameters that a net is made of; those left out matter to `fit` alone.
NET_SETTINGS = (
    *("optimizer", "optimizer_params", "lr", "weight_decay", "momentum"),
    *("lr_schedule", "lr_decay", "tol", "batch_size", "shuffle"),
    *("loss", "label_smoothing"),
    *("augment", "precision", "micro_batch_size"),
)


def build_net(
    module, settings, *, n_classes, device, seed, callbacks=(), verbose=0, owner
):
    """A net around the module, ready to train.

    Parameters
    ----------
    module : torch.nn.Module
        Moved to the device.
    settings : dict
        A value for each of `NET_SETTINGS`.
    n_classes : int
    device : torch.device
    seed : int
        Of the generator that shuffling, dropout and augmentation draw from.
    callbacks : list of skorch callbacks
    verbose : int
    owner : str
        The name of the estimator, for errors.
    """
    settings = SimpleNamespace(**settings)
    dtype, autocast_dtype = find_precision(settings.precision, device, owner)
    optimizer, arguments = optimizer_arguments(settings, owner)
    net = TrainingNet(
        module.to(device, dtype),
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=optimizer,
        lr=settings.lr,
        **{f"optimizer__{name}": value for name, value in arguments.items()},
        batch_size=int(settings.batch_size),
        train_split=None,
        classes=np.arange(n_classes),
        callbacks=callbacks,
        verbose=verbose,
        device=str(device),
        autocast_dtype=autocast_dtype,
        augment=settings.augment,
        micro_batch_size=settings.micro_batch_size,
        shuffle=settings.shuffle,
        loss=Loss(settings.loss, settings.label_smoothing, owner),
        schedule=settings.lr_schedule,
        schedule_settings={"lr_decay": settings.lr_decay, "tol": settings.tol},
        generator=torch.Generator(device).manual_seed(seed),
        owner=owner,
    )
    return net.initialize()
