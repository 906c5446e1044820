"""The presets of the publisher form: per CI, its issuer and the claims that identify a job.

Pure values. The Hub documents only the claim names of its GitHub preset; the other names are those of the CI.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from local_hub.hub.publishers import GITHUB_ISSUER, branch_of, workflow_of

Read = Callable[[Mapping[str, str]], str | None]


@dataclass(frozen=True)
class ClaimField:
    """A claim of a preset. `read`: derives the value from a token's claims; by default, the claim of the same name."""

    name: str
    example: str
    hint: str = ""
    required: bool = False
    read: Read | None = None

    def of(self, claims: Mapping[str, str]) -> str | None:
        """Return the value of this field for a token with these claims."""
        return self.read(claims) if self.read else claims.get(self.name)


@dataclass(frozen=True)
class Preset:
    """A CI. `issuer`: its real issuer URL; `issuers`: the common prefix of its issuer URLs."""

    name: str
    title: str
    issuer: str
    issuers: str
    fields: tuple[ClaimField, ...]


GITHUB = Preset(
    "github",
    "GitHub Actions",
    GITHUB_ISSUER,
    GITHUB_ISSUER,
    (
        ClaimField("repository", "acme/awesome-model-training", "The repository on GitHub.", required=True),
        ClaimField(
            "branch",
            "main",
            "Recommended. Only the name of the branch; tags and pull requests have none.",
            read=lambda claims: branch_of(claims.get("ref")),
        ),
        ClaimField(
            "workflow",
            "publish.yml",
            "Recommended. The file name of the workflow.",
            read=lambda claims: workflow_of(claims.get("workflow_ref")),
        ),
    ),
)
GITLAB = Preset(
    "gitlab",
    "GitLab CI",
    "https://gitlab.com",
    "https://gitlab.com",
    (
        ClaimField("project_path", "acme/training", "The project, with its group.", required=True),
        ClaimField("ref_type", "branch", "Recommended. branch or tag: a branch and a tag can have the same name."),
        ClaimField("ref", "main", "Recommended. The name of the branch or tag."),
    ),
)
CIRCLECI = Preset(
    "circleci",
    "CircleCI",
    "https://oidc.circleci.com/org/YOUR-ORGANIZATION-ID",
    "https://oidc.circleci.com/org/",
    (
        ClaimField("oidc.circleci.com/project-id", "3c8c1b4e-6b2e-4a30-9d3b-6a4b1f2f8a33", required=True),
        ClaimField(
            "oidc.circleci.com/vcs-origin",
            "github.com/acme/training",
            "Recommended. Without it, a build of a fork can match.",
        ),
        ClaimField("oidc.circleci.com/vcs-ref", "refs/heads/main", "Recommended."),
    ),
)
BITBUCKET = Preset(
    "bitbucket",
    "Bitbucket Pipelines",
    "https://api.bitbucket.org/2.0/workspaces/YOUR-WORKSPACE/pipelines-config/identity/oidc",
    "https://api.bitbucket.org/2.0/workspaces/",
    (
        ClaimField(
            "repositoryUuid", "{c0e4d2b1-0000-4000-8000-000000000001}", "The UUID with its braces.", required=True
        ),
        ClaimField("branchName", "main", "Recommended."),
    ),
)
ANY = Preset(
    "any",
    "Any issuer",
    "",
    "",
    (ClaimField("sub", "", "The subject of the ID token. Most issuers identify the job here."),),
)
PRESETS = (GITHUB, GITLAB, CIRCLECI, BITBUCKET, ANY)
BY_NAME = {preset.name: preset for preset in PRESETS}


def preset_of(issuer: str, own: Mapping[str, str]) -> Preset:
    """Return the preset of an issuer; `own` has the URLs of Local Hub's issuers by preset name."""
    named = (preset for preset in PRESETS if preset.name in own and own[preset.name] == issuer)
    begun = (preset for preset in PRESETS if preset.issuers and issuer.startswith(preset.issuers))
    return next(named, None) or next(begun, ANY)
