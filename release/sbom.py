"""The bill of materials of hf-oidc.pyz, in CycloneDX 1.6: its parts, from the lock. It downloads nothing."""

from __future__ import annotations

import argparse
import hashlib
import json
import uuid
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
    """The document. The same zipapp gives the same, its serial number too."""
    digest = hashlib.sha256(pyz).hexdigest()
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, digest)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "hf-oidc",
                "name": "hf-oidc.pyz",
                "version": version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
                "hashes": [{"alg": "SHA-256", "content": digest}],
            }
        },
        "components": [_component(package) for package in packages],
        "dependencies": [{"ref": "hf-oidc", "dependsOn": [_purl(package) for package in packages]}],
    }


def _component(package: Locked) -> dict[str, Any]:
    # No hashes: the lock has those of all the package's files, and one of these is in the zipapp, unpacked.
    return {
        "type": "library",
        "bom-ref": _purl(package),
        "name": package.name,
        "version": package.version,
        "purl": _purl(package),
    }


def _purl(package: Locked) -> str:
    return f"pkg:pypi/{package.name}@{package.version}"


if __name__ == "__main__":
    main()
