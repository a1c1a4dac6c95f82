"""Where users find a name, which is what pickles say of it. No torch."""

from itertools import takewhile
from typing import Any, TypeVar

Named = TypeVar("Named", bound=Any)


def public(thing: Named) -> Named:
    """Have a class or function say that it lives where users import it from.

    The nearest folder without an underscore: pickles, skops files, reprs and
    tracebacks then do not know in which private module it is, so that it can move.
    """
    parts = thing.__module__.split(".")
    thing.__module__ = ".".join(takewhile(lambda part: part[0] != "_", parts))
    return thing
