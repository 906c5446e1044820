"""What holds for the whole test run."""

import signal

# A shell ignores SIGINT in what it starts in the background, and a process hands that on to what it starts in turn:
# an interrupt would not reach the processes under test. A handler of our own is not handed on.
signal.signal(signal.SIGINT, signal.default_int_handler)
