"""Bills of materials, in CycloneDX 1.6. The one of hf-oidc.pyz names its parts from the lock. It downloads nothing."""

from __future__ import annotations

import argparse
import hashlib
import json
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from release.lock import LOCK, Locked, locked


class Package(NamedTuple):
    """Name, version, and package URL."""

    name: str
    version: str
    purl: str


def main() -> None:
    """Write the bill of materials of a zipapp."""
    parser = argparse.ArgumentParser(prog="python -m release.sbom", description=main.__doc__)
    parser.add_argument("version")
    parser.add_argument("pyz", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    packages = locked(LOCK.read_text(encoding="utf-8"))
    write(arguments.out, bill(arguments.version, arguments.pyz.read_bytes(), packages))


def write(path: Path, document: dict[str, Any]) -> None:
    """Write a document, as the same bytes on every system."""
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8", newline="\n")


def bill(version: str, pyz: bytes, packages: list[Locked]) -> dict[str, Any]:
    """The document of a zipapp. The same zipapp gives the same, its serial number too."""
    zipapp = {"type": "application", "bom-ref": "hf-oidc", "name": "hf-oidc.pyz", "version": version}
    parts = [Package(each.name, each.version, f"pkg:pypi/{each.name}@{each.version}") for each in packages]
    return document(hashlib.sha256(pyz).hexdigest(), zipapp, parts)


def document(digest: str, product: dict[str, str], parts: Sequence[Package]) -> dict[str, Any]:
    """The document of a product of ours with this digest, made of `parts`."""
    licensed = {
        **product,
        "licenses": [{"license": {"id": "Apache-2.0"}}],
        "hashes": [{"alg": "SHA-256", "content": digest}],
    }
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, digest)}",
        "version": 1,
        "metadata": {"component": licensed},
        # No hashes: what is known are those of the packages' files, and these are here unpacked.
        "components": [
            {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
            for name, version, purl in parts
        ],
        "dependencies": [{"ref": product["bom-ref"], "dependsOn": [purl for _, _, purl in parts]}],
    }


if __name__ == "__main__":
    main()
