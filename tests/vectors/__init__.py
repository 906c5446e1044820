"""Tables that test more than one thing: the client and Local Hub, each in its own direction."""

import json
from pathlib import Path
from typing import Any


def load(name: str) -> Any:
    """The table `name`, which is a JSON file beside this one."""
    return json.loads(Path(__file__).with_name(f"{name}.json").read_text(encoding="utf-8"))
