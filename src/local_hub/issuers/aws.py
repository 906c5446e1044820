"""AWS. A role requests the ID token from STS with the AWS CLI. Each account has its own issuer.

https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html
"""

from __future__ import annotations

from collections.abc import Mapping

from local_hub.issuers.base import Claims, Handout, Issuer
from local_hub.issuers.commands import ENDPOINT, variables


def claims(issuer: str) -> Claims:
    """The claims of a role."""
    return {
        "iss": issuer,
        "sub": "arn:aws:iam::123456789012:role/publish",
        "https://sts.amazonaws.com/": {
            "aws_account": "123456789012",
            "source_region": "us-east-1",
            "org_id": "o-abc1234567",
        },
    }


def environment(handout: Handout) -> Mapping[str, str]:
    """The environment of a CodeBuild job."""
    return {
        "CODEBUILD_BUILD_ID": "training:b1e6661e-e4f2-4156-9ab9-82a19EXAMPLE",
        "AWS_REGION": "us-east-1",
        "PATH": handout.path,
        **variables(handout),
    }


ISSUER = Issuer("aws", "aws/5f4e1c2d", claims, environment, endpoint=ENDPOINT)
