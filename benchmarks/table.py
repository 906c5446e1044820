"""Figures as Markdown: ratios and sizes, never a bare time. It neither measures nor writes."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

MIB = 1024 * 1024


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are figures."""
    rule = ["---", *["---:"] * (len(heading) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heading, rule, *rows))


def times(ratio: float) -> str:
    """A ratio: two digits behind the point where it is near 1."""
    return f"{ratio:.2f}" if ratio < 2 else f"{ratio:.1f}"


def mib(size: float) -> str:
    """A size of memory, in the unit of operating systems."""
    return f"{size / MIB:.1f} MiB"


def mb(size: float) -> str:
    """A size on a disk or a line, in the unit of registries."""
    return f"{size / 1e6:.1f} MB"


def machine(cpuinfo: str, cores: int) -> str:
    """What the figures were taken on, in one line, without a name by which it could be found."""
    model = re.search(r"^model name\s*: (.+)$", cpuinfo, re.MULTILINE)
    named = model[1].strip() if model else platform.machine()
    return f"{cores} cores ({named}), {platform.system()}, CPython {platform.python_version()}"


def cpuinfo() -> str:
    """What Linux says of its processors; nothing elsewhere."""
    path = Path("/proc/cpuinfo")
    return path.read_text(encoding="utf-8") if path.exists() else ""
