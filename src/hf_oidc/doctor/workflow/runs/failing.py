"""Whether a script only prints something and fails, as in a step that stops runs for other branches.

It reads the text of a script, and knows no steps and no conditions.
"""

from __future__ import annotations

import re
from functools import lru_cache

MAX_SCRIPT = 2_000  # characters
# Each line is one command.
PRINTS = re.compile(r"#.*|(?:echo|printf|write-(?:host|output|error))\b[^&|<>]*(?<!\\)", re.IGNORECASE)
FAILS = re.compile(r"exit\s+(?:[1-9]\d{0,2}|-\d{1,3})\s*(?:#.*)?")


@lru_cache(maxsize=4_096)  # called for every run and every row of a matrix
def always_fails(script: str, shell: str) -> bool:
    """Returns whether `script` always fails. `shell`: as the step names it."""
    lines = [line.strip() for line in script[: MAX_SCRIPT + 1].splitlines() if line.strip()]
    if not lines or len(script) > MAX_SCRIPT:
        return False
    *printing, last = lines
    is_closed = all(line.count(quote) % 2 == 0 for line in printing for quote in "\"'`")
    fails = FAILS.fullmatch(last) or (last == "false" and shell in {"", "bash", "sh"})
    return bool(fails) and is_closed and all(map(PRINTS.fullmatch, printing))
