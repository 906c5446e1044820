"""Makes the tree that a release tag holds: what a user's runner needs, and nothing else.

On main, action.yml has each job build the image; here it names the image that was built, by its digest, so that the
commit that a user pins also pins the code that runs. Changes are made in the text: comments are kept.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from release import pyz
from release.lock import ROOT

IMAGE = "ghcr.io/org/hf-oidc-action"
# The registry's own grammar, without a port or a tag.
IMAGE_NAME = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)+")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
BUILT = "\n  image: Dockerfile\n"
COPIED = ("LICENSE", "native/action.yml", "native/launch.py", "native/find_python.py")
SOURCES = "https://github.com/org/hf-oidc-action/blob/main/"
LINK = re.compile(r"\]\((?!https?://|#|LICENSE\))([^)]+)\)")


def main() -> None:
    """Make the tree of a release in a folder, in place of what is there."""
    parser = argparse.ArgumentParser(prog="python -m release.dist", description=main.__doc__)
    parser.add_argument("--digest", required=True, help="the image's: sha256: and 64 hexadecimal digits")
    parser.add_argument("--image", default=IMAGE, help="the image's name, without a tag (default: %(default)s)")
    parser.add_argument("out", type=Path)
    pyz.add_pythons(parser)
    arguments = parser.parse_args()
    try:
        make(arguments.out, arguments.image, arguments.digest, arguments.pythons)
    except ValueError as error:
        sys.exit(f"release.dist: {error}")


def make(out: Path, image: str, digest: str, pythons: Sequence[str] = (sys.executable,)) -> None:
    """Make the tree at `out`, its zipapp with the byte-code of `pythons`.

    Raises `ValueError` if `image` or `digest` is not of its form.
    """
    action = pinned((ROOT / "action.yml").read_text(encoding="utf-8"), image, digest)
    shutil.rmtree(out, ignore_errors=True)
    (out / "native").mkdir(parents=True)
    write(out / "action.yml", action)
    write(out / "README.md", with_links_to_sources((ROOT / "README.md").read_text(encoding="utf-8")))
    for name in COPIED:
        write(out / name, (ROOT / name).read_text(encoding="utf-8"))
    pyz.build(out / "native/hf-oidc.pyz", pythons)


def pinned(action: str, image: str, digest: str) -> str:
    """action.yml with the image of this digest in place of the Dockerfile."""
    if not DIGEST.fullmatch(digest):
        raise ValueError(f"not a digest (sha256: and 64 hexadecimal digits): {digest!r}")
    if not IMAGE_NAME.fullmatch(image):
        raise ValueError(f"not an image's name (such as {IMAGE}): {image!r}")
    if action.count(BUILT) != 1:
        raise ValueError("action.yml does not say `image: Dockerfile` in one place")
    return action.replace(BUILT, f"\n  image: docker://{image}@{digest}\n")


def with_links_to_sources(readme: str) -> str:
    """The README, with links to the files that the tree does not hold turned to where they are."""
    return LINK.sub(lambda link: f"]({SOURCES}{link[1]})", readme)


def write(path: Path, text: str) -> None:
    """The same bytes on every system."""
    path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
