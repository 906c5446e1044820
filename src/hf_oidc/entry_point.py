"""What a process of ours does before it imports the rest, and when it ends. Only entry points call this.

It saves time that every job would wait for. It knows nothing of what the process does in between.
"""

from __future__ import annotations

import gc
import os
import sys
import typing
from contextlib import suppress


def skip_unneeded_work() -> None:
    """Call this first in a process that only logs in.

    It disables garbage collection, until `collect_garbage` enables it: imports create most of the objects of a run, and
    none of them is garbage. Searching them takes a fifth of the run's time.

    It also stops `typing` (before Python 3.14) from compiling the annotations of named tuples, which takes 5 % of the
    instructions. Nothing in a login evaluates them.
    """
    gc.disable()
    vars(typing)["compile"] = lambda *_given, **_named: _evaluated.__code__


def _evaluated() -> None:
    raise NotImplementedError("this process does not evaluate annotations")


def collect_garbage() -> None:
    """Enables garbage collection. It will not search what exists already: the modules."""
    gc.freeze()
    gc.enable()


def end(exit_code: int) -> typing.NoReturn:
    """Ends the process, without taking down all modules one by one: that takes 3 % of a login."""
    # If an output cannot be written, it is Python that says so, as always.
    with suppress(OSError):
        for stream in filter(None, (sys.stdout, sys.stderr)):  # there is none if it was closed at the start
            stream.flush()
        os._exit(exit_code)
    sys.exit(exit_code)
