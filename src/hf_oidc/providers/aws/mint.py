"""AWS: the job's role asks AWS STS for an ID token, through the AWS command line.

The account has to allow it once, and has an issuer of its own.
https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from hf_oidc.providers.base import CanMint, LoginContext, Provider
from hf_oidc.providers.sources import from_command, word
from hf_oidc.secret import Secret
from hf_oidc.strict_json import read_object


def is_here(env: Mapping[str, str]) -> bool:
    """Where CodeBuild runs a build. Elsewhere on AWS nothing sure shows it: there it is named."""
    return bool(env.get("CODEBUILD_BUILD_ID"))


def obtain(_env: Mapping[str, str]) -> CanMint:
    """By the command `aws`, which finds the role's credentials by itself."""
    return CanMint(_mint)


PROVIDER = Provider("aws", is_here, obtain, audience="chosen", kind="platform")


def _mint(audience: str, context: LoginContext) -> Secret:
    # As JSON: version 1 of the command fetches an argument that is a URL, and `--audience` would be the page there.
    asked = json.dumps({"Audience": [audience], "SigningAlgorithm": "RS256"})
    said = from_command(
        context, ("aws", "sts", "get-web-identity-token", "--cli-input-json", asked, "--output", "json")
    )
    member = (read_object(said.reveal().encode()) or {}).get("WebIdentityToken")
    return word(member, "The output of `aws sts get-web-identity-token`")
