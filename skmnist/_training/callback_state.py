"""What callbacks have learned, as containers, numbers and tensors: no code."""

import hashlib
import inspect
import io
import logging
import pickle
import random
import weakref
from collections import Counter, OrderedDict, deque
from datetime import date, time, timedelta
from enum import Enum
from functools import partial
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

import numpy as np
import torch
from skorch.callbacks import EpochScoring
from torch.utils.hooks import RemovableHandle

# What torch reads back without running code, beside tensors.
PLAIN = {type(None), bool, int, float, complex, str, bytes}

# Marks a dict that stands for something else.
KIND = "skmnist: kind"
LEFT_ALONE = {KIND: "left alone"}
ABSENT = object()

# What skorch's EpochScoring collects in an epoch, and needs no more after it.
OF_ONE_EPOCH = ("y_trues_", "y_preds_")

# What no training changes, or what is no part of one.
STATELESS = (
    *(type, FunctionType, BuiltinFunctionType, MethodType, ModuleType, partial),
    *(np.ufunc, torch.dtype, torch.device, slice, range, Enum),
    *(PurePath, date, time, timedelta, io.IOBase, logging.Logger),
    *(weakref.ref, RemovableHandle),
)

CONTAINERS = {
    kind.__name__: kind for kind in (set, frozenset, deque, Counter, OrderedDict)
}

GENERATORS = {
    torch.Generator: (torch.Generator.get_state, torch.Generator.set_state),
    random.Random: (random.Random.getstate, random.Random.setstate),
    np.random.RandomState: (
        np.random.RandomState.get_state,
        np.random.RandomState.set_state,
    ),
    np.random.Generator: (
        lambda generator: generator.bit_generator.state,
        lambda generator, state: setattr(generator.bit_generator, "state", state),
    ),
}


class CannotSave(Exception):
    """What could not be made again from plain values, and where it is."""


class CallbackStates:
    """The states of callbacks, from the begin of a training on.

    A callback's state is what its methods ``state_dict`` and ``load_state_dict`` say,
    or else all of its attributes. Those that bear the name of an argument of its
    constructor are the user's, and part of the state once the training has changed
    them. skorch's callbacks that only tell the world of a training have none.

    Parameters
    ----------
    net : TrainingNet
        What belongs to it is saved elsewhere.
    callbacks : list of (name, callback)
        After their ``on_train_begin``.

    Raises
    ------
    ValueError
        For a callback with a state that could not be saved.
    """

    def __init__(self, net, callbacks):
        self.net = net
        self.callbacks = {
            # What another class learned under this name is none of its state.
            f"{name} ({type(callback).__qualname__})": callback
            for name, callback in callbacks
            if not _only_tells(callback)
        }
        self.digests, self.changed, self.objects = {}, {}, {}
        for key, callback in self.callbacks.items():
            self.digests[key], self.changed[key] = {}, set()
            places = set()
            for name in _arguments(callback):
                self.digests[key][name], objects = self._look_at(callback, name)
                places |= objects
            _, objects = self._encode(key)
            self.objects[key] = places | objects

    def save(self):
        """The states as they are now; a ValueError if one could not be restored."""
        states = {}
        for key in self.callbacks:
            states[key], objects = self._encode(key)
            for place in sorted(objects - self.objects[key]):
                raise self._error(key, f"{place}, an object made after on_train_begin")
        return states

    def load(self, states):
        """Go on from what `save` gave; a callback without a state there is as new."""
        coder = self._coder()
        for key in self.callbacks.keys() & states.keys():
            callback, state = self.callbacks[key], states[key]
            if state[KIND] == "object":
                self.changed[key] |= state["value"].keys() & self.digests[key].keys()
                for name in vars(callback).keys() - state["value"].keys():
                    if self._is_state(key, name):
                        delattr(callback, name)
            coder.fill(callback, state)

    def _encode(self, key):
        """The state of one callback, and the places of the objects in it."""
        callback = self.callbacks[key]
        coder = self._coder()
        try:
            if _has_state_dict(callback):
                return coder.encode_state(callback, "state_dict()"), set()
            names = [k for k in vars(callback) if self._is_state(key, k)]
            values = {name: vars(callback)[name] for name in names}
            state = {KIND: "object", "value": coder.encode_items(values, "")}
        except CannotSave as error:
            raise self._error(key, error) from error
        return state, coder.objects

    def _is_state(self, key, name):
        before = self.digests[key]
        if isinstance(self.callbacks[key], EpochScoring) and name in OF_ONE_EPOCH:
            return False
        if name not in before or name in self.changed[key]:
            return True
        digest, _ = self._look_at(self.callbacks[key], name)
        if digest == before[name]:
            return False
        self.changed[key].add(name)
        return True

    def _look_at(self, callback, name):
        """What tells whether an argument has changed, and where objects are in it."""
        coder, value = self._coder(), vars(callback)[name]
        try:
            content = pickle.dumps(coder.encode(value, name))
        except CannotSave:
            return id(value), set()
        return hashlib.blake2b(content).digest(), coder.objects

    def _coder(self):
        return _Coder(self.net, self.callbacks.values())

    def _error(self, key, found):
        return ValueError(
            f"The callback {key} has a state that a checkpoint cannot hold ({found}), "
            "so that a training resumed from it would be another one. Give the "
            "callback the methods state_dict(), which returns what matters in dicts, "
            "lists, numbers, strings, arrays and tensors ({} if nothing does), and "
            "load_state_dict(state); or use no checkpoint."
        )


def _only_tells(callback):
    bases = type(callback).__mro__
    return any(base.__module__ == "skorch.callbacks.logging" for base in bases)


def _arguments(callback):
    """The names of attributes that are those of arguments of the constructor."""
    names = {
        name
        for base in type(callback).__mro__
        if "__init__" in vars(base)
        for name in inspect.signature(base.__init__).parameters
    }
    return [name for name in vars(callback) if name in names]


def _has_state_dict(value):
    methods = ("state_dict", "load_state_dict")
    return all(callable(getattr(value, method, None)) for method in methods)


class _Coder:
    """Values as plain ones, and back; what belongs to the net is left alone.

    ``objects`` are the places where `encode` met what can be filled, not made.
    """

    def __init__(self, net, callbacks):
        self.device = net.device
        self.own = [net, net.history, net.criterion_, net.optimizer_, *callbacks]
        self.own += [net._generator, net._scheduler, *net.module_.modules()]
        self.own += [*net.module_.parameters(), *net.module_.buffers()]
        self.own_ids = {id(part) for part in self.own if part is not None}
        self.within = set()
        self.filled = set()
        self.objects = set()

    def encode(self, value, place):
        """The value in tensors and what is plain."""
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, torch.Size):
            value = tuple(value)
        if type(value) in PLAIN:
            return value
        known = id(value) in self.own_ids or id(value) in self.within
        if known or isinstance(value, STATELESS):
            return LEFT_ALONE
        self.within.add(id(value))
        try:
            return self._encode_parts(value, place)
        finally:
            self.within.remove(id(value))

    def _encode_parts(self, value, place):
        if isinstance(value, torch.Tensor):
            return self._encode_tensor(value)
        if isinstance(value, np.ndarray):
            return self._encode_array(value, place)
        if type(value) in CONTAINERS.values():
            kind, items = type(value).__name__, list(value)
            if isinstance(value, dict):
                items = [list(item) for item in value.items()]
            coded = {KIND: kind, "value": self.encode_items(items, place)}
            return coded | ({"maxlen": value.maxlen} if kind == "deque" else {})
        if type(value) in (list, dict, tuple):
            return self.encode_items(value, place)
        self.objects.add(place)
        if type(value) in GENERATORS or _has_state_dict(value):
            return self.encode_state(value, place)
        if isinstance(value, (list, dict)):
            return self.encode_items(value, place)
        builtin = isinstance(value, (tuple, set, frozenset, str, bytes, int, float))
        if hasattr(value, "__dict__") and not builtin:
            return {KIND: "object", "value": self.encode_items(vars(value), place)}
        if callable(value):
            return LEFT_ALONE
        raise CannotSave(f"{place}, a {type(value).__name__}")

    def _encode_array(self, value, place):
        try:
            return {KIND: "array", "value": torch.from_numpy(np.array(value))}
        except TypeError as error:
            kind = f"an array of dtype {value.dtype}"
            raise CannotSave(f"{place}, {kind}") from error

    def _encode_tensor(self, value):
        # A clone, as a view would take all that it is a view of into the file.
        coded = value.detach().clone().requires_grad_(value.requires_grad)
        if coded.device.type == "cpu":
            return coded
        return {KIND: "tensor on the device", "value": coded}

    def encode_items(self, items, place):
        """A list, tuple or dict of values."""
        if isinstance(items, dict):
            coded = {}
            for key, value in items.items():
                inside = f"{place}.{key}" if place else f"{key}"
                plain = key.item() if isinstance(key, np.generic) else key
                if type(plain) not in PLAIN:
                    raise CannotSave(f"{inside}, under a {type(key).__name__}")
                coded[plain] = self.encode(value, inside)
            return coded
        coded = [self.encode(v, f"{place}[{i}]") for i, v in enumerate(items)]
        return tuple(coded) if type(items) is tuple else coded

    def encode_state(self, value, place):
        """What an object says of its own state."""
        get = GENERATORS[type(value)][0] if type(value) in GENERATORS else None
        state = value.state_dict() if get is None else get(value)
        return {KIND: "state", "value": self.encode(state, place)}

    def decode(self, coded, current):
        """The value that was encoded, in the place of what is there now."""
        if isinstance(current, torch.Tensor) and id(current) in self.own_ids:
            current = ABSENT
        if isinstance(coded, torch.Tensor):
            return _in_place_of(current, coded)
        if type(coded) in (list, tuple):
            return self._decode_sequence(coded, current)
        if type(coded) is not dict:
            return coded
        kind = coded.get(KIND)
        if kind is None:
            return self._decode_dict(coded, current)
        if kind in ("left alone", "state", "object"):
            if kind != "left alone" and current is not ABSENT and current is not None:
                self.fill(current, coded)
            return current
        if kind == "array":
            return coded["value"].numpy()
        if kind == "tensor on the device":
            return _in_place_of(current, coded["value"].to(self.device))
        items = self.decode(coded["value"], ABSENT)
        maxlen = {"maxlen": coded["maxlen"]} if kind == "deque" else {}
        items = dict(items) if kind in ("Counter", "OrderedDict") else items
        return CONTAINERS[kind](items, **maxlen)

    def _decode_sequence(self, coded, current):
        known = type(current) is type(coded) and len(current) == len(coded)
        before = current if known else [ABSENT] * len(coded)
        items = [self.decode(*pair) for pair in zip(coded, before, strict=True)]
        items = [None if item is ABSENT else item for item in items]
        if type(coded) is tuple or not self._is_to_be_filled(current, list):
            return type(coded)(items)
        current[:] = items
        return current

    def _decode_dict(self, coded, current):
        before = current if isinstance(current, dict) else {}
        items = {k: self.decode(v, before.get(k, ABSENT)) for k, v in coded.items()}
        items = {k: None if v is ABSENT else v for k, v in items.items()}
        if not self._is_to_be_filled(current, dict):
            return items
        current.clear()
        current.update(items)
        return current

    def _is_to_be_filled(self, current, kind):
        # One that is now in two places may then have been two.
        taken = id(current) in self.filled or id(current) in self.own_ids
        if not isinstance(current, kind) or taken:
            return False
        self.filled.add(id(current))
        return True

    def fill(self, current, coded):
        """Give an object that is there the state that was encoded."""
        if coded[KIND] == "object":
            for name, value in coded["value"].items():
                value = self.decode(value, vars(current).get(name, ABSENT))
                if value is not ABSENT:
                    vars(current)[name] = value
        elif type(current) in GENERATORS:
            _, set_state = GENERATORS[type(current)]
            set_state(current, self.decode(coded["value"], ABSENT))
        else:
            template = current.state_dict()
            current.load_state_dict(self.decode(coded["value"], template))


def _in_place_of(current, tensor):
    """The tensor, in the memory of one that an optimiser may know."""
    trained = isinstance(current, torch.Tensor) and current.requires_grad
    if not trained or not current.is_leaf or current.shape != tensor.shape:
        return tensor
    current.data.copy_(tensor)
    return current
