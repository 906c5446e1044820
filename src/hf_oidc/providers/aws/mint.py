"""AWS: the job's role requests an ID token from AWS STS, through the AWS command line.

An administrator has to allow this once in each account, and each account has its own issuer.
https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html
"""

from __future__ import annotations

import json

from hf_oidc.login_context import LoginContext
from hf_oidc.providers.base import CanMint, Provider
from hf_oidc.providers.command import token_from_command
from hf_oidc.secret import Secret
from hf_oidc.strict_json import read_object


def mint(audience: str, context: LoginContext) -> Secret:
    """From the command `aws`, which finds the role's credentials by itself."""
    # As JSON: version 1 of the command fetches an argument that is a URL, and would take the page as the audience.
    asked = json.dumps({"Audience": [audience], "SigningAlgorithm": "RS256"})
    command = ("aws", "sts", "get-web-identity-token", "--cli-input-json", asked, "--output", "json")
    return token_from_command(
        context, command, lambda output: (read_object(output.encode()) or {}).get("WebIdentityToken")
    )


PROVIDER = Provider(lambda _env: CanMint(mint), audience="chosen")
