"""Training many nets of one architecture at once: one batch, one product for all."""

from skmnist._training.modules import Dropout
from skmnist._training.tally import count_hits
from skmnist.model_selection._stacked_modules import StackedModule


def train_stacked(nets, train, epochs):
    """Train nets on the same images, all of them with every batch.

    Each ends as `TrainingNet._train` would have left it, up to rounding: with weights,
    optimiser, schedule, generator and history of its own, and its callbacks called.

    Parameters
    ----------
    nets : list of TrainingNet
        New ones of one architecture, without batch normalisation, on one device. They
        may differ in the numbers of the optimiser, its schedule and dropout, and in
        their seeds.
    train : ImageDataset
    epochs : int

    Returns
    -------
    failures : list of Exception or None
        What ended the training of each net early, if anything did.
    """
    # Nets with the same seed and dropout draw the same numbers: one draws for all.
    streams, leaders = _find_streams(nets)
    batches = [leader._make_batches(train)[0] for leader in leaders]
    n_steps = len(batches[0])
    for net in nets:
        net._begin_training(train, n_steps * epochs)
    stack = StackedModule(
        [net.module_ for net in nets],
        streams,
        [leader._generator for leader in leaders],
    )
    datasets = {"dataset_train": train, "dataset_valid": None}
    failures = [None] * len(nets)
    try:
        for _ in range(epochs):
            running = [
                i
                for i, net in enumerate(nets)
                if failures[i] is None and not net.stop_requested_
            ]
            if not running:
                break
            for i in running:
                nets[i]._begin_epoch(datasets)
            losses, accuracies = _run_epoch(stack, nets, running, leaders, batches)
            for i in running:
                try:
                    nets[i]._close_epoch(n_steps, losses[i], accuracies[i], datasets)
                except ValueError as error:
                    failures[i] = error
    finally:
        stack.part()
        for net, stream in zip(nets, streams, strict=True):
            net._generator.set_state(leaders[stream]._generator.get_state())
            net.module_.eval()
    for net, failure in zip(nets, failures, strict=True):
        if failure is None:
            net.notify("on_train_end", X=train, y=None)
    return failures


def _find_streams(nets):
    """The stream of random numbers of every net, and the first net of each stream."""
    streams, leaders = {}, []
    numbers = []
    for net in nets:
        rates = [m.p for m in net.module_.modules() if isinstance(m, Dropout)]
        key = (net._generator.get_state().numpy().tobytes(), *rates)
        if key not in streams:
            streams[key] = len(leaders)
            leaders.append(net)
        numbers.append(streams[key])
    return numbers, leaders


def _run_epoch(stack, nets, running, leaders, batches):
    """One pass over the images; the mean loss and the accuracy of every net."""
    loss = weight = hits = 0
    for parts in zip(*batches, strict=True):
        images, targets, weights = zip(*parts, strict=True)
        images = [a._augmented(b) for a, b in zip(leaders, images, strict=True)]
        images, targets = stack.distribute(images), stack.distribute(targets)
        weights = None if weights[0] is None else stack.distribute(weights)
        logits = leaders[0]._in_precision(stack.forward, images)
        hits = hits + count_hits(logits.detach(), targets, weights)
        losses, total = _losses(leaders[0]._loss, logits, targets, weights)
        losses.backward(1 / total)
        stack.share_gradients()
        for i in running:
            nets[i]._take_step()
        loss, weight = loss + losses.detach(), weight + total
    return (loss / weight).tolist(), (hits / weight).tolist()


def _losses(loss, logits, targets, weights):
    """The weighted sum of the losses of every net, and the sum of the weights."""
    n_nets, n_images, _ = logits.shape
    rows = loss.rows(logits.flatten(0, 1), targets.expand(n_nets, -1).flatten())
    rows = rows.view(n_nets, n_images)
    if weights is None:
        return rows.sum(1), rows.new_full((n_nets,), n_images)
    return (rows * weights).sum(1), weights.expand(n_nets, -1).sum(1)
