"""The CIs that the form knows: an issuer each, the claims that name a job, and how to read them off a token.

Pure values. The Hub does not document the claim names of its presets but GitHub's; the others here are the CIs' own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from local_hub.hub.publishers import GITHUB_ISSUER, branch_of, workflow_of

Read = Callable[[Mapping[str, str]], str | None]


@dataclass(frozen=True)
class ClaimField:
    """A claim that the form asks for. `read`: its value for a token's claims, if not the claim of that name."""

    name: str
    example: str
    hint: str = ""
    required: bool = False
    read: Read | None = None

    def of(self, claims: Mapping[str, str]) -> str | None:
        """Give what this field would be for a token with these claims."""
        return self.read(claims) if self.read else claims.get(self.name)


@dataclass(frozen=True)
class Preset:
    """A CI. `issuer`: its own in the world; `issuers`: what its issuers begin with."""

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
            "Recommended. Its plain name; a tag or a pull request has none.",
            read=lambda claims: branch_of(claims.get("ref")),
        ),
        ClaimField(
            "workflow",
            "publish.yml",
            "Recommended. The workflow's file name.",
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
        ClaimField("project_path", "acme/training", "The project with its group.", required=True),
        ClaimField("ref_type", "branch", "Recommended. branch or tag; both can have the same name."),
        ClaimField("ref", "main", "Recommended. The branch's or the tag's name."),
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
            "Recommended: without it a fork's build may fit.",
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
        ClaimField("repositoryUuid", "{c0e4d2b1-0000-4000-8000-000000000001}", "With its braces.", required=True),
        ClaimField("branchName", "main", "Recommended."),
    ),
)
ANY = Preset("any", "Any issuer", "", "", (ClaimField("sub", "", "Whose token it is; most issuers say it here."),))
PRESETS = (GITHUB, GITLAB, CIRCLECI, BITBUCKET, ANY)
BY_NAME = {preset.name: preset for preset in PRESETS}


def preset_of(issuer: str, own: Mapping[str, str]) -> Preset:
    """Tell whose issuer this is; `own` holds the issuers that Local Hub plays, by the presets' names."""
    named = (preset for preset in PRESETS if preset.name in own and own[preset.name] == issuer)
    begun = (preset for preset in PRESETS if preset.issuers and issuer.startswith(preset.issuers))
    return next(named, None) or next(begun, ANY)
