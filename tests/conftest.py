"""What holds for the whole test run."""

import signal

# A shell ignores SIGINT and SIGQUIT in what it starts in the background, and nohup SIGHUP; a process hands that on to
# what it starts in turn, and none would reach the processes under test. What is set here is not handed on.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
