"""What an example for a CI says for itself, and what an engine for it is known not to understand."""

import re

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
