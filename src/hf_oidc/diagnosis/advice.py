"""The next step for each way a login can fail. Sentences for people; `errors` has the facts."""

from __future__ import annotations

from hf_oidc.errors import AudienceMismatch, InvalidInput, InvalidResource, LoginError

RESOURCE_FORMS = (
    "write namespace/name for a model, datasets/namespace/name, spaces/…, kernels/… or buckets/… for the others, "
    "or a user name for that user's gated reads"
)

ADVICE = {
    "insecure-url": "use https; plain http is accepted for localhost alone.",
    "no-provider": "run this in a CI job that issues ID tokens, or pass one as the `id-token` input.",
    "id-token-permission-missing": (
        "add `permissions: id-token: write` (and `contents: read`) to the job; a reusable workflow's caller must "
        "grant it too."
    ),
    "id-token-request-failed": "run the job again; if it stays so, see https://www.githubstatus.com.",
    "id-token-malformed": "pass the ID token itself, a JWT that begins with `eyJ`, as your CI issued it.",
    "id-token-expired": "mint the ID token just before this step, and check the clock of the machine.",
    "exchange-invalid-request": "check `resource` and `hub-url`; if both are right, report the request id to the Hub.",
    "exchange-rejected": (
        "on the Hub, in the settings of the resource under Trusted Publishers (of a user: Authentication, CI/CD "
        "access), compare issuer, repository, branch and workflow with this job's; each must be exactly the same."
    ),
    "hub-unavailable": (
        "run the job again, and see https://status.huggingface.co; unless you set `hub-url`, nothing is wrong with "
        "your configuration."
    ),
    "rate-limited": "run the job again in five minutes; runners share their addresses with others.",
    "unexpected-response": "check that `hub-url` is the Hub and that no proxy answers in its place.",
    "redirected": "set `hub-url` to the final address: a token is never sent on to where a redirect points.",
    "tls-failed": "if a private certificate authority signed the certificate, pass it as `ca-bundle`.",
    "delivery-failed": "run this as a step of a workflow; outside of one there is nobody to hand the token to.",
}


def next_step(error: LoginError) -> str:
    """What the reader of `error` can do about it, in one sentence."""
    if isinstance(error, InvalidResource):
        return f"did you mean {error.suggestion}?" if error.suggestion else f"{RESOURCE_FORMS}."
    if isinstance(error, InvalidInput):
        return f"write {error.expected}."
    if isinstance(error, AudienceMismatch):
        return f"let your CI issue the ID token for the audience {error.expected}."
    return ADVICE[error.code]
