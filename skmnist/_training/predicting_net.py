"""The skorch net as far as it computes: precision, parts, predictions."""

import torch
from skorch import NeuralNetClassifier

from skmnist._training.ambient import survive_fork
from skmnist._training.evaluation import any_in_training, in_evaluation
from skmnist._training.memory_map import PageReleaser
from skmnist._training.micro_batches import rows_at_once


class PredictingNet(NeuralNetClassifier):
    """skorch's classifier that computes logits, in a precision and within the cache.

    Parameters are skorch's, and

    autocast_dtype : torch.dtype or None
    """

    def __init__(self, *args, autocast_dtype=None, **kwargs):
        super().__init__(*args, **kwargs)
        self._autocast_dtype = autocast_dtype

    def forward_iter(self, *args, **kwargs):
        """Yield skorch's outputs by batches, in a forked process too."""
        survive_fork()
        return super().forward_iter(*args, **kwargs)

    @property
    def _dtype(self):
        """The dtype of images and logits; that of the weights."""
        return self.module_.scaling.factor.dtype

    def _rows_at_once(self):
        return rows_at_once(
            self.module_, self.device, self._autocast_dtype or self._dtype
        )

    def _forward(self, images):
        return self._in_precision(self.module_, images)

    def _in_precision(self, module, images):
        """Logits in the dtype of the weights, computed in the one asked for.

        That is not the one of an autocast that the caller is in. Nor are its copies
        of weights taken, which would be those of before the last step: it has them
        until the caller leaves it.
        """
        kind, dtype = torch.device(self.device).type, self._autocast_dtype
        if dtype is None and not torch.is_autocast_enabled(kind):
            return module(images)
        enabled = dtype is not None
        with torch.autocast(kind, dtype, enabled, cache_enabled=False):
            logits = module(images)
        return logits if dtype is None else logits.float()

    def _predicting_module(self, copied=False):
        """The module in evaluation mode, whatever mode it or a layer of it is in.

        Else dropout would change predictions, and they the statistics of batch
        normalisation. The module's own mode may be that of a training, in another
        thread, which predictions are not to end.
        """
        module = self.module_
        if copied or any_in_training(module):
            return in_evaluation(module)
        return module

    def _logits(self, images, memory_map=None):
        """Logits on the CPU, shape (n, n_classes), for images on any device."""
        module, n_classes = self._predicting_module(), len(self.classes_)
        return self._in_parts(module, images, n_classes, memory_map)

    @torch.inference_mode()
    def _in_parts(self, compute, images, n_columns, memory_map=None):
        """What is computed of images, part by part: (n, n_columns), on the CPU."""
        survive_fork()
        device, size = torch.device(self.device), self._rows_at_once()
        if len(images) <= size:
            return self._in_precision(compute, images.to(device)).cpu()
        whole = torch.empty((len(images), n_columns), dtype=self._dtype, device="cpu")
        pages, image_bytes = PageReleaser(memory_map), images[0].nbytes
        for part, out in zip(images.split(size), whole.split(size), strict=True):
            out.copy_(self._in_precision(compute, part.to(device)))
            pages.read(len(part), image_bytes)
        return whole
