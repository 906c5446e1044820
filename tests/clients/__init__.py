"""The clients that people use with the Hub, run against Local Hub.

`programs` runs hf, git and git-lfs for any test. `table` has what each client should get for each operation;
tests/e2e/test_clients.py runs it, in the environments that `.ci/clients` installs.
"""

from tests.clients.programs import CLAIMS, JOB, SECONDS, Clients, Run, good, token_for, trust

__all__ = ["CLAIMS", "JOB", "SECONDS", "Clients", "Run", "good", "token_for", "trust"]
