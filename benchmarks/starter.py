"""Starts what is timed, and is small: a process begins its life with the memory of the one that starts it.

One line of JSON in, the command; one line out: seconds by the clock, seconds of CPU, bytes of memory at the highest,
and the status that it ended with. Its environment is the command's. Nothing more than these four modules is imported.
"""

import json
import os
import sys
import time


def run(command: "list[str]") -> "tuple[float, float, int, int]":
    """One process, with nothing on its standard streams."""
    quiet = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)]
    began = time.perf_counter()
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=quiet)
    _, status, usage = os.wait4(pid, 0)
    return time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, status


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)
