"""AWS. The role asks STS, through the AWS command line; each account has an issuer of its own.

https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html
"""

from __future__ import annotations

from collections.abc import Mapping

from local_hub.issuers.base import Ci, Claims, Handout
from local_hub.issuers.commands import ENDPOINT, variables


def claims(issuer: str) -> Claims:
    """Those of a role."""
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
    """What a job is told."""
    return {
        "CODEBUILD_BUILD_ID": "training:b1e6661e-e4f2-4156-9ab9-82a19EXAMPLE",
        "AWS_REGION": "us-east-1",
        "PATH": handout.path,
        **variables(handout),
    }


CI = Ci("aws", "aws/5f4e1c2d", claims, environment, endpoint=ENDPOINT)
