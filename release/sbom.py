"""The bill of materials of hf-oidc.pyz, in CycloneDX 1.6: its parts, from the lock. It downloads nothing."""

from __future__ import annotations

import argparse
import hashlib
import json
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from release.lock import LOCK, Locked, locked


def main() -> None:
    """Write the bill of materials of a zipapp."""
    parser = argparse.ArgumentParser(prog="python -m release.sbom", description=main.__doc__)
    parser.add_argument("version")
    parser.add_argument("pyz", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    document = bill(arguments.version, arguments.pyz.read_bytes(), locked(LOCK.read_text(encoding="utf-8")))
    arguments.out.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8", newline="\n")


def bill(version: str, pyz: bytes, packages: list[Locked]) -> dict[str, Any]:
    """The document of a zipapp. The same zipapp gives the same, its serial number too."""
    digest = hashlib.sha256(pyz).hexdigest()
    zipapp = {
        "type": "application",
        "bom-ref": "hf-oidc",
        "name": "hf-oidc.pyz",
        "version": version,
        "licenses": [{"license": {"id": "Apache-2.0"}}],
        "hashes": [{"alg": "SHA-256", "content": digest}],
    }
    return document(
        digest,
        zipapp,
        [(package.name, package.version, f"pkg:pypi/{package.name}@{package.version}") for package in packages],
    )


def document(digest: str, product: dict[str, Any], parts: Sequence[tuple[str, str, str]]) -> dict[str, Any]:
    """The document of a product of this digest, made of `parts`: name, version, package URL."""
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, digest)}",
        "version": 1,
        "metadata": {"component": product},
        # No hashes: what is known are those of the packages' files, and these are here unpacked.
        "components": [
            {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
            for name, version, purl in parts
        ],
        "dependencies": [{"ref": product["bom-ref"], "dependsOn": [purl for _, _, purl in parts]}],
    }


if __name__ == "__main__":
    main()
