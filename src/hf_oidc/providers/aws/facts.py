"""What is known about AWS and its outbound identity federation.

https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html
"""

from hf_oidc.providers.facts import Instruction, ProviderFacts, having

FACTS = ProviderFacts(
    title="AWS",
    section="aws",
    issuer="your account's issuer: aws iam get-outbound-web-identity-federation-info",
    claims={"sub": "the role's ARN: arn:aws:iam::123456789012:role/name"},
    declare=Instruction("Let hf-oidc request an ID token from AWS:", "build:\n  commands:\n    - {run}"),
    failed=Instruction(
        "Check that the `aws` command is installed, is recent, has credentials, and knows its region: the global "
        "endpoint issues no ID tokens. Turn on ID tokens for the account, once, and let the role call "
        "`sts:GetWebIdentityToken`:",
        "aws iam enable-outbound-web-identity-federation\n"
        "aws iam put-role-policy --role-name ROLE --policy-name hugging-face --policy-document '{\n"
        '  "Version": "2012-10-17",\n  "Statement": [{\n    "Effect": "Allow",\n'
        '    "Action": "sts:GetWebIdentityToken",\n    "Resource": "*"\n  }]\n}\'',
        "sh",
    ),
    cautions=(
        (
            "The ID token names the role, not the build: everything that runs with the role can publish. Use the role "
            "for nothing else."
        ),
    ),
    issuer_pattern=r"https://[^/]+\.tokens\.sts\.global\.api\.aws",
    has_claims=having("https://sts.amazonaws.com/"),
    identifying=("sub",),
)
