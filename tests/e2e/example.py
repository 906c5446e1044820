"""What an example for a CI says for itself, whether it is valid, and what an engine is known not to understand."""

import re
from pathlib import Path

ISSUER = re.compile(r"^#   Issuer  (\S+)$", re.MULTILINE)
CLAIM = re.compile(r"^#   Claim   (\S+) = (.+)$", re.MULTILINE)
OIDC_WITH_AUDIENCES = "oidc:\n            audiences:\n              - https://huggingface.co"


def issuer(text: str) -> str:
    """The issuer of the publisher that the example's comment asks for."""
    (url,) = re.findall(ISSUER, text)
    return str(url)


def claims(text: str) -> dict[str, str]:
    """The claims of that publisher."""
    return dict(CLAIM.findall(text))


def plain_oidc(text: str) -> str:
    """Bitbucket's form with audiences as the older `oidc: true`, for those who know no other."""
    return text.replace(OIDC_WITH_AUDIENCES, "oidc: true")


def assert_valid(schema: str, file: Path) -> None:
    """The file is right by check-jsonschema's schema of this name. What is wrong, it prints."""
    # Loading it takes seconds, in each process that collects the tests; so would a process for each file.
    from check_jsonschema import main  # type: ignore[import-untyped]  # noqa: PLC0415

    assert main.main(["--builtin-schema", f"vendor.{schema}", str(file)], standalone_mode=False) == 0
