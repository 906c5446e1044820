"""The Hub's rules for the files of a push or a commit, and the words with which it rejects one.

The words are those that users report (huggingface_hub#91, qdonnars/ohmywind#289, huggingface/diffusers#6285), so that a
search finds them. How the Hub recognizes a binary file is not known. It knows no git and no HTTP.
"""

from collections.abc import Mapping, Sequence
from enum import Enum

from local_hub.repositories.lfs import POINTER_LIMIT, Objects, read_pointer

REGULAR_LIMIT = 10 * 1024 * 1024
SAMPLE = 512  # the bytes of each file that huggingface_hub sends to preupload
SHOWN = 100


class Fault(Enum):
    """Why the Hub rejects a file that is in git itself, in the order in which it looks."""

    TOO_LARGE = (
        "Your push was rejected because it contains files larger than 10 MiB.",
        "Please use https://git-lfs.github.com/ to store large files.",
        "See also: https://hf.co/docs/hub/repositories-getting-started#terminal",
    )
    BINARY = (
        "Your push was rejected because it contains binary files.",
        "Please use https://huggingface.co/docs/hub/xet to store binary files.",
        "See also: https://huggingface.co/docs/hub/xet/using-xet-storage#git",
    )
    DANGLING = (
        "Your push was rejected because an LFS pointer pointed to a file that does not exist.",
        "For instance, this can happen if you used git push --no-verify to push your changes.",
    )


class Rejected(ValueError):
    """The Hub rejects this commit; the message has the lines that say why."""

    def __init__(self, lines: Sequence[str]) -> None:
        """Join the lines."""
        super().__init__("\n".join(line for line in lines if line))


def is_binary(sample: bytes) -> bool:
    """Return whether a file that begins like this is binary: as git decides it, or a PDF."""
    return b"\0" in sample[:SAMPLE] or sample.startswith(b"%PDF-")


def fault_of(size: int, start: bytes, objects: Objects) -> Fault | None:
    """Return what is wrong with a file of this size; `start` has its first `POINTER_LIMIT` bytes."""
    if size > REGULAR_LIMIT:
        return Fault.TOO_LARGE
    if is_binary(start):
        return Fault.BINARY
    pointer = read_pointer(start) if size < POINTER_LIMIT else None
    return Fault.DANGLING if pointer and not objects.has(pointer) else None


def rejection(faults: Mapping[Fault, Sequence[str]], refs: str = "") -> list[str]:
    """Return the lines that reject a push, for the first kind of fault that has paths; none without faults."""
    for fault in Fault:
        if paths := faults.get(fault):
            # Of pointers without a file, the one known report has this heading for many, and names no ref.
            heading = "Offending file:" if fault is Fault.DANGLING else "Offending files:"
            where = f" (ref: {refs})" if refs and fault is not Fault.DANGLING else ""
            # A line for each path, whatever characters it has.
            shown = ["".join(one if one.isprintable() else "?" for one in path) for path in paths[:SHOWN]]
            listed = [f"  - {path}{where}" for path in shown]
            more = [f"  and {len(paths) - SHOWN} more"] if len(paths) > SHOWN else []
            return [*fault.value, "", heading, *listed, *more]
    return []
