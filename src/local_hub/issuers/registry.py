"""All issuers, and the one place that finds the issuer of a job."""

from __future__ import annotations

from local_hub.fields import FieldError, mapping, text
from local_hub.issuers import (
    aws,
    bitbucket,
    buildkite,
    circleci,
    codefresh,
    forgejo,
    github,
    gitlab,
    google,
    jenkins,
    kubernetes,
    terraform,
)
from local_hub.issuers.base import Issuer, Job

ISSUERS: tuple[Issuer, ...] = (
    github.ISSUER,
    forgejo.ISSUER,
    gitlab.ISSUER,
    circleci.ISSUER,
    bitbucket.ISSUER,
    buildkite.ISSUER,
    codefresh.ISSUER,
    jenkins.ISSUER,
    terraform.ISSUER,
    google.ISSUER,
    aws.ISSUER,
    kubernetes.ISSUER,
)
BY_NAME = {issuer.name: issuer for issuer in ISSUERS}


def read_job(description: object, where: str = "job") -> Job:
    """Read a job description; `ci` names its issuer, which is GitHub by default."""
    given = mapping(description, where)
    name = text(given.get("ci", "github"), f"{where}.ci")
    if name not in BY_NAME:
        raise FieldError(f"{where}.ci", f"must be one of {', '.join(BY_NAME)}")
    return BY_NAME[name].read_job(BY_NAME[name], given, where)
