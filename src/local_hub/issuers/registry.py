"""All CIs besides GitHub."""

from __future__ import annotations

from local_hub.issuers import (
    aws,
    bitbucket,
    buildkite,
    circleci,
    codefresh,
    forgejo,
    gitlab,
    google,
    jenkins,
    kubernetes,
    terraform,
)
from local_hub.issuers.base import Ci

CIS: tuple[Ci, ...] = (
    forgejo.CI,
    gitlab.CI,
    circleci.CI,
    bitbucket.CI,
    buildkite.CI,
    codefresh.CI,
    jenkins.CI,
    terraform.CI,
    google.CI,
    aws.CI,
    kubernetes.CI,
)
BY_NAME = {ci.name: ci for ci in CIS}
