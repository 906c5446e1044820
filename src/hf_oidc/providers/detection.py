"""Which provider a job belongs to, by its environment: all providers in one table.

It is the one list of providers that everything else is built from or checked against. A name is also the provider's
folder, the value of `--provider`, and the `provider` of an error. It imports no other module of ours, so that
detection loads no provider.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

# A CI runs the job. A platform is what a job, or a CI's runner, runs on.
Kind = Literal["supplied", "ci", "platform"]
IsHere = Callable[[Mapping[str, str]], bool]


def _has(*variables: str) -> IsHere:
    return lambda env: any(env.get(variable, "").strip() for variable in variables)


def _is_true(variable: str) -> IsHere:
    return lambda env: env.get(variable) == "true"


# In the order in which documents list them, and in which `AmbiguousProvider` names them. A kind takes precedence over
# those after it: a user sets HF_OIDC_ID_TOKEN on purpose, and a CI's runner on Kubernetes belongs to that CI.
DETECTION: Mapping[Kind, Mapping[str, IsHere]] = {
    "supplied": {"supplied": _has("HF_OIDC_ID_TOKEN")},
    "ci": {
        # Forgejo's runner sets GitHub's variable too. So do act and Gitea, which imitate GitHub.
        "github": lambda env: env.get("GITHUB_ACTIONS") == "true" and env.get("FORGEJO_ACTIONS") != "true",
        "forgejo": _is_true("FORGEJO_ACTIONS"),
        "gitlab": _is_true("GITLAB_CI"),
        "circleci": _is_true("CIRCLECI"),
        "bitbucket": _has("BITBUCKET_BUILD_NUMBER"),
        "buildkite": _is_true("BUILDKITE"),
        "codefresh": _has("CF_BUILD_ID"),
        "jenkins": _has("JENKINS_URL"),
        "terraform": _has("TFC_RUN_ID"),
        "azure": lambda env: env.get("TF_BUILD", "").lower() == "true",
        "semaphore": _is_true("SEMAPHORE"),
        "spacelift": _has("SPACELIFT_OIDC_TOKEN", "TF_VAR_spacelift_run_id"),
    },
    "platform": {
        # Cloud Run (services and jobs), Cloud Build, and users with another metadata server. A virtual machine has none
        # of these variables: there the user names the provider.
        "google": _has("K_SERVICE", "CLOUD_RUN_JOB", "BUILDER_OUTPUT", "GCE_METADATA_HOST"),
        # CodeBuild. Elsewhere on AWS no variable is certain, and the user names the provider.
        "aws": _has("CODEBUILD_BUILD_ID"),
        "kubernetes": _has("KUBERNETES_SERVICE_HOST"),
    },
}
NAMES = tuple(name for providers in DETECTION.values() for name in providers)

# The Hub accepts no ID token of these: their audience cannot be chosen. A login with one fails with an explanation.
WITH_FIXED_AUDIENCE = frozenset({"azure", "semaphore", "spacelift"})


def matching(env: Mapping[str, str]) -> list[str]:
    """The providers that `env` may belong to, all of one kind. If there are several, nothing tells them apart."""
    for providers in DETECTION.values():
        if here := [name for name, is_here in providers.items() if is_here(env)]:
            return here
    return []
