"""What is inside an image, from `docker save`: a manifest to read, and a bill of materials. It uses no network.

What is true of the image is read from the image: its labels, Debian's notes in /var/lib/dpkg/status.d, and the metadata
of its Python packages. release/image.py put them there.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
import tarfile
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from release import sbom
from release.sbom import Package

DEBIAN = re.compile(r"(\./)?var/lib/dpkg/status\.d/[^/]+")
PYPI = re.compile(r".*/site-packages/[^/]+\.dist-info/METADATA")
LABEL = "org.opencontainers.image."


@dataclass(frozen=True)
class Contents:
    """An image: its config's digest and labels, the packages in it, and its files' sizes in bytes."""

    digest: str
    architecture: str
    labels: dict[str, str]
    packages: list[Package]
    files: dict[str, int]


def main() -> None:
    """Print the manifest of the image that `docker save` writes to standard input; write its bill of materials."""
    parser = argparse.ArgumentParser(prog="docker save IMAGE | python -m release.contents", description=main.__doc__)
    parser.add_argument("--sbom", type=Path, help="where to write the bill of materials, CycloneDX 1.6")
    arguments = parser.parse_args()
    contents = read(io.BytesIO(sys.stdin.buffer.read()))
    print(manifest(contents))
    if arguments.sbom:
        sbom.write(arguments.sbom, bill(contents))


def read(saved: IO[bytes]) -> Contents:
    """The contents of the one image in an archive of `docker save`."""
    with tarfile.open(fileobj=saved) as archive:
        (image,) = json.loads(_member(archive, "manifest.json"))
        config = json.loads(_member(archive, image["Config"]))
        layers = [_member(archive, layer) for layer in image["Layers"]]
    packages: list[Package] = []
    files: dict[str, int] = {}
    for layer in layers:
        with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
            files |= {member.name: member.size for member in archive if member.isfile() or member.issym()}
            names = archive.getnames()
            packages += [_debian(_member(archive, name)) for name in names if DEBIAN.fullmatch(name)]
            packages += [_pypi(_member(archive, name)) for name in names if PYPI.fullmatch(name)]
    return Contents(
        digest=re.sub(r".*/|\.json$", "", image["Config"]),
        architecture=config["architecture"],
        labels=config["config"]["Labels"] or {},
        packages=sorted(packages),
        files=dict(sorted(files.items())),
    )


def manifest(contents: Contents) -> str:
    """Packages with their versions, and every file with its size in bytes; a link has none."""
    lines = [f"{contents.labels.get(LABEL + 'title', 'image')}, {contents.architecture}"]
    for heading, kind in (("Debian", "pkg:deb/"), ("PyPI", "pkg:pypi/")):
        lines += ["", f"{heading}:"]
        lines += [f"  {name} {version}" for name, version, purl in contents.packages if purl.startswith(kind)]
    lines += ["", "Files:", *(f"  {size:>10,}  /{name}" for name, size in contents.files.items())]
    return "\n".join([*lines, f"  {sum(contents.files.values()):>10,}  in {len(contents.files)} files and links"])


def bill(contents: Contents) -> dict[str, Any]:
    """The bill of materials, in CycloneDX 1.6. The same image gives the same."""
    image = {
        "type": "container",
        "bom-ref": "image",
        "name": contents.labels.get(LABEL + "title", "image"),
        "version": contents.labels.get(LABEL + "version", ""),
    }
    return sbom.document(contents.digest, image, contents.packages)


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if not file:
        raise ValueError(f"not a file: {name}")
    return file.read()


def _debian(text: bytes) -> Package:
    of = BytesHeaderParser().parsebytes(text)
    purl = f"pkg:deb/debian/{of['Package']}@{quote(of['Version'])}?arch={of['Architecture']}"
    return Package(of["Package"], of["Version"], purl)


def _pypi(text: bytes) -> Package:
    of = BytesHeaderParser().parsebytes(text)
    name = re.sub(r"[-_.]+", "-", of["Name"]).lower()
    return Package(of["Name"], of["Version"], f"pkg:pypi/{name}@{of['Version']}")


if __name__ == "__main__":
    main()
