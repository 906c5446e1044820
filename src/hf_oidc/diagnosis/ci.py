"""What is to be known of each CI, as data: what to write in its file, and which publisher to enter on the Hub.

Under the names that errors carry as their `provider`. The facts are those of docs/providers.md, which says where each
is from; `ci_advice` makes sentences of them. `{audience}`, `{resource}`, `{command}` and `{run}` stand for
the user's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

# How Markdown calls the language of lines to copy.
Language = Literal["yaml", "groovy", "hcl", "sh"]
PERMISSIONS = "permissions:\n  contents: read\n  id-token: write"
PUBLIC_ISSUER = "The Hub must be able to reach the issuer: it reads the keys there."


AGAIN = "Run the job again: this is usually temporary."


@dataclass(frozen=True)
class Todo:
    """What to do, and the lines that belong to it."""

    words: str
    lines: str = ""
    language: Language = "yaml"


@dataclass(frozen=True)
class Ci:
    """A CI, a platform, or whoever else gives the ID token.

    `section`: of docs/providers.md. `issuer` and `claims`: the publisher to enter on the Hub, with what its values are.
    `declare`: how a job gets an ID token for the Hub. `failed`: where it was asked for one and gave none; `passing`:
    where it may give one at the next try. `expired`: where it was too old. `given`: it is in a variable or a file
    before anybody asks. `own`: of `issuer` and `claims`, what the job's variables say, as templates of their names.
    """

    title: str
    section: str
    issuer: str
    claims: Mapping[str, str]
    declare: Todo
    failed: Todo
    expired: str
    cautions: tuple[str, ...] = ()
    given: bool = False
    passing: str = f"{AGAIN} If it keeps failing, check the CI's status page."
    own: Mapping[str, str] = field(default_factory=dict)


REQUEST_TOKEN = (
    "Run the job again: what it asks with, `ACTIONS_ID_TOKEN_REQUEST_TOKEN`, is that one job's, and lives for some "
    "hours. Where Local Hub plays the CI, take the variables of its newest ready line, or of a new job."
)
FRESH = "The ID token was issued a moment ago, so a clock is wrong. Set the clock of this machine."
OWN_TOKEN = (
    "Run this job in another CI, or let an identity provider of your own issue an ID token for {audience}, and hand "
    "that over:"
)
ODD_VARIABLE = "What `{}` holds is not an ID token. Check that nothing else sets this variable."
FORM = (
    "The Hub has a form of its own for {ci}, and which claims its fields are compared with is not documented: a "
    "publisher with the issuer's URL and these claims is sure."
)
EVERYBODY = "All of {whose} share this issuer: without `{claim}`, a publisher accepts anybody's."

CIS: Mapping[str, Ci] = {
    "supplied": Ci(
        "An ID token of your own",
        "any-other",
        "the ID token's claim `iss`",
        {"sub": "whom the ID token says that this job is"},
        Todo("Let whoever issued this ID token issue one for {audience}, and hand that over in its place."),
        Todo("See that what was handed over is an ID token."),
        "Get the ID token just before this step, for it lives a few minutes only. If it is fresh, set the clock of "
        "this machine.",
    ),
    "github": Ci(
        "GitHub Actions",
        "github-actions",
        "the provider GitHub Actions",
        {"repository": "owner/name", "branch": "main", "workflow": "the workflow's file name, such as publish.yml"},
        Todo("Let the job ask GitHub for an ID token: give it these permissions, and keep the others:", PERMISSIONS),
        Todo(f"{REQUEST_TOKEN} If it stays, see https://www.githubstatus.com for news."),
        FRESH,
        passing=f"{AGAIN} If it keeps failing, check https://www.githubstatus.com.",
        own={"repository": "{GITHUB_REPOSITORY}"},
    ),
    "forgejo": Ci(
        "Forgejo Actions",
        "forgejo-actions",
        "your instance's URL and /api/actions",
        {"repository": "owner/name", "ref": "refs/heads/main"},
        Todo(
            "In the workflow file, beside `on:` or in the job, let it have ID tokens; GitHub's `permissions:` do "
            "nothing here. If the line is there, this Forgejo or its runner is too old: version 15 has it.",
            "enable-openid-connect: true",
        ),
        Todo(f"{REQUEST_TOKEN} If it stays, ask whoever runs this Forgejo."),
        FRESH,
        ("The issuer is this Forgejo, and not GitHub: the provider GitHub Actions on the Hub never accepts its jobs.",),
        own={"issuer": "{GITHUB_SERVER_URL}/api/actions", "repository": "{GITHUB_REPOSITORY}"},
    ),
    "gitlab": Ci(
        "GitLab CI/CD",
        "gitlab-cicd",
        "https://gitlab.com, or your instance's URL",
        {"project_path": "group/project", "ref_type": "branch", "ref": "main", "ref_protected": "true"},
        Todo(
            "In `.gitlab-ci.yml`, in the job, declare an ID token for the Hub under the name HF_ID_TOKEN:",
            "id_tokens:\n  HF_ID_TOKEN:\n    aud: {audience}\nscript:\n  - {run}",
        ),
        Todo(ODD_VARIABLE.format("HF_ID_TOKEN")),
        "GitLab issues the ID token as the job begins, and it lives for the job's `timeout`, or five minutes without "
        "one. Give the job a `timeout`, or publish in a job of its own, after the long one.",
        (
            (
                "`ref_protected`, a text and not a boolean, keeps out branches that anybody may push to. In a merge "
                "request's pipeline `project_path` may be the project that it comes from."
            ),
            FORM.format(ci="GitLab"),
        ),
        given=True,
        own={"issuer": "{CI_SERVER_URL}", "project_path": "{CI_PROJECT_PATH}"},
    ),
    "circleci": Ci(
        "CircleCI",
        "circleci",
        "https://oidc.circleci.com/org/ and your organization's id",
        {
            "oidc.circleci.com/project-id": "the project's id, of Project Settings",
            "oidc.circleci.com/vcs-origin": "github.com/owner/name",
            "oidc.circleci.com/vcs-ref": "refs/heads/main",
        },
        Todo(
            "Do not hand over `CIRCLE_OIDC_TOKEN_V2`, which is for your organization unless the project sets another "
            "audience. In `.circleci/config.yml` let hf-oidc get an ID token for the Hub:",
            "- run: {run}",
        ),
        Todo(
            "Run this in a step of a CircleCI job, which has the command `circleci`. A container that the step starts "
            "does not: there, set the project's audience to {audience}, and pass `CIRCLECI` and "
            "`CIRCLE_OIDC_TOKEN_V2` to the container. A fork's build gets an ID token only if the project passes "
            "secrets to such builds. To see whether it works, in the job:",
            '- run: |\n    circleci run oidc get --claims \'{"aud": "{audience}"}\' > /dev/null',
        ),
        (
            "CircleCI issues the ID token in `CIRCLE_OIDC_TOKEN_V2` as the job begins. Publish in a job of its own, or "
            "in a step that has the command `circleci`, which gives a new one. If it is fresh, set the clock of this "
            "machine."
        ),
        (
            (
                "Without `oidc.circleci.com/vcs-origin` a publisher may accept a fork's build, where the project "
                "builds forks and passes secrets to them."
            ),
            (
                "An ID token that was made with `--root-issuer` has another issuer, which all organizations share. "
                "hf-oidc asks without it."
            ),
            (
                "Whoever runs a job again with SSH can have its ID token, which then has `true` in "
                "`oidc.circleci.com/ssh-rerun`."
            ),
            (
                "A pipeline that a custom webhook starts has neither `vcs-origin` nor `vcs-ref`: no such publisher "
                "fits it."
            ),
            FORM.format(ci="CircleCI"),
        ),
        own={
            "issuer": "https://oidc.circleci.com/org/{CIRCLE_ORGANIZATION_ID}",
            "oidc.circleci.com/project-id": "{CIRCLE_PROJECT_ID}",
        },
    ),
    "bitbucket": Ci(
        "Bitbucket Pipelines",
        "bitbucket-pipelines",
        "https://api.bitbucket.org/2.0/workspaces/YOUR-WORKSPACE/pipelines-config/identity/oidc",
        {"repositoryUuid": "{the UUID, in braces}", "branchName": "main"},
        Todo(
            "In `bitbucket-pipelines.yml`, in the step, ask for an ID token for the Hub. `oidc: true` alone gives one "
            "for your workspace:",
            "- step:\n    oidc:\n      audiences:\n        - {audience}\n    script:\n      - {run}",
        ),
        Todo(ODD_VARIABLE.format("BITBUCKET_STEP_OIDC_TOKEN")),
        "Bitbucket issues the ID token as the step begins. Publish in a step of its own, after the long one.",
        (
            (
                "The UUID has its braces: {…}. In the repository's settings, the page OpenID Connect shows it, with "
                "the issuer."
            ),
            FORM.format(ci="Bitbucket"),
        ),
        given=True,
        own={
            "issuer": "https://api.bitbucket.org/2.0/workspaces/{BITBUCKET_WORKSPACE}/pipelines-config/identity/oidc",
            "repositoryUuid": "{BITBUCKET_REPO_UUID}",
        },
    ),
    "buildkite": Ci(
        "Buildkite",
        "buildkite",
        "https://agent.buildkite.com",
        {"organization_slug": "your organization", "pipeline_slug": "your pipeline", "build_branch": "main"},
        Todo(
            "In `pipeline.yml` let hf-oidc ask the agent for an ID token, by itself:",
            "steps:\n  - label: Publish\n    branches: main\n    command: {run}",
        ),
        Todo(
            "Run this where the agent's command is: in a container of the docker plugin it is only with "
            "`mount-buildkite-agent: true`. To see whether it works, in the step:",
            "- command: buildkite-agent oidc request-token --audience {audience} > /dev/null",
        ),
        FRESH,
        (
            EVERYBODY.format(whose="Buildkite's organizations", claim="organization_slug"),
            (
                "Where the pipeline builds pull requests from forks, switch on that their branch names get a prefix: "
                "else a fork's branch may be called main, too."
            ),
        ),
        own={"organization_slug": "{BUILDKITE_ORGANIZATION_SLUG}", "pipeline_slug": "{BUILDKITE_PIPELINE_SLUG}"},
    ),
    "codefresh": Ci(
        "Codefresh",
        "codefresh",
        "https://oidc.codefresh.io",
        {
            "account_id": "your account's id",
            "pipeline_id": "the pipeline's id",
            "scm_repo_url": "https://github.com/owner/name",
            "scm_ref": "main",
        },
        Todo(
            "Run this in a step of the pipeline itself: Codefresh gives its variables `CF_OIDC_REQUEST_URL` and "
            "`CF_OIDC_REQUEST_TOKEN` to every step, and a container that the step starts has to be given them:",
            "publish:\n  image: python:3.13-slim\n  commands:\n    - {run}",
        ),
        Todo(AGAIN),
        FRESH,
        (
            EVERYBODY.format(whose="Codefresh's accounts", claim="account_id"),
            (
                "`scm_ref` is a branch or a tag, and of a pull request its own branch: name `scm_repo_url`, and let no "
                "trigger start the pipeline for pull requests."
            ),
            "A build that a schedule starts has no `scm_…` claims: no such publisher fits it.",
        ),
    ),
    "jenkins": Ci(
        "Jenkins",
        "jenkins",
        "the credential's, by default the Jenkins URL and /oidc",
        {"sub": "the job's URL: https://jenkins.example/job/name/, of a multibranch job …/job/name/job/main/"},
        Todo(
            "In Jenkins, add a credential of the kind `OpenID Connect id token` (plugin oidc-provider) with the "
            "audience {audience}, and bind it to HF_ID_TOKEN in the Jenkinsfile:",
            "withCredentials([string(credentialsId: 'hugging-face', variable: 'HF_ID_TOKEN')]) {\n    sh '{run}'\n}",
            "groovy",
        ),
        Todo(ODD_VARIABLE.format("HF_ID_TOKEN")),
        "Jenkins issues the ID token where `withCredentials` begins, for an hour unless Security, OpenID Connect, says "
        "otherwise. Put `withCredentials` around the step that publishes, and nothing before it.",
        (
            PUBLIC_ISSUER,
            (
                "The ID token says which job it is, and no branch unless the job is a multibranch one: whoever can "
                "change what the job runs can publish."
            ),
        ),
        given=True,
    ),
    "terraform": Ci(
        "HCP Terraform",
        "hcp-terraform",
        "https://app.terraform.io, or your Terraform Enterprise's URL",
        {
            "terraform_organization_name": "your organization",
            "terraform_workspace_name": "your workspace",
            "terraform_run_phase": "apply",
        },
        Todo(
            "Give the workspace this environment variable, by hand or as HCL; its runs then have "
            "`TFC_WORKLOAD_IDENTITY_TOKEN_HF`:",
            'resource "tfe_variable" "hugging_face" {\n  workspace_id = tfe_workspace.training.id\n'
            '  category     = "env"\n  key          = "TFC_WORKLOAD_IDENTITY_AUDIENCE_HF"\n'
            '  value        = "{audience}"\n}',
            "hcl",
        ),
        Todo(ODD_VARIABLE.format("TFC_WORKLOAD_IDENTITY_TOKEN_HF` or `TFC_WORKLOAD_IDENTITY_TOKEN")),
        "HCP Terraform issues the ID token as a plan or an apply begins, and it lives as long as that may take. Let "
        "the workspace's timeout be longer, or set the clock of this machine.",
        (
            EVERYBODY.format(whose="HCP Terraform's organizations", claim="terraform_organization_name"),
            "Without `terraform_run_phase` a plan fits as well, and a pull request may start one.",
        ),
        given=True,
    ),
    "azure": Ci(
        "Azure Pipelines",
        "azure-pipelines",
        "your identity provider's",
        {"sub": "whom your identity provider says that this job is"},
        Todo(
            OWN_TOKEN, '- script: hf-oidc run --id-token-file "$(Agent.TempDirectory)/id-token" {resource} -- {command}'
        ),
        Todo(AGAIN),
        FRESH,
        (
            (
                "A service connection does not help: what it gives is for Microsoft Entra (api://AzureADTokenExchange) "
                "alone."
            ),
        ),
    ),
    "semaphore": Ci(
        "Semaphore",
        "semaphore",
        "your identity provider's",
        {"sub": "whom your identity provider says that this job is"},
        Todo(OWN_TOKEN, "commands:\n  - hf-oidc run --id-token-file /tmp/id-token {resource} -- {command}"),
        Todo(AGAIN),
        FRESH,
        ("`SEMAPHORE_OIDC_TOKEN` does not help: it is for your organization's own address.",),
    ),
    "spacelift": Ci(
        "Spacelift",
        "spacelift",
        "your identity provider's",
        {"sub": "whom your identity provider says that this job is"},
        Todo(OWN_TOKEN, "after_apply:\n  - hf-oidc run --id-token-file /tmp/id-token {resource} -- {command}"),
        Todo(AGAIN),
        FRESH,
        ("`SPACELIFT_OIDC_TOKEN` does not help: it is for your account's own address.",),
    ),
    "google": Ci(
        "Google Cloud",
        "google-cloud",
        "https://accounts.google.com",
        {"sub": "the service account's number, its unique id"},
        Todo(
            "Let hf-oidc ask Google for an ID token, by itself. In Cloud Build and on a virtual machine, name Google:",
            "- name: python:3.13-slim\n  entrypoint: sh\n  args:\n    - -ec\n    - {run --provider google}",
        ),
        Todo(
            "Give the job a service account of its own. Cloud Build has no ID tokens at its metadata server: there the "
            "account must be allowed to make its own, once:",
            "gcloud iam service-accounts add-iam-policy-binding ACCOUNT@PROJECT.iam.gserviceaccount.com \\\n"
            "  --member serviceAccount:ACCOUNT@PROJECT.iam.gserviceaccount.com \\\n"
            "  --role roles/iam.serviceAccountOpenIdTokenCreator",
            "sh",
        ),
        FRESH,
        (
            EVERYBODY.format(whose="Google's accounts", claim="sub"),
            (
                "The ID token names the service account, and no build: whoever may use the account can publish. Its "
                "e-mail address, the claim `email`, can be given to another account after the first is deleted; `sub` "
                "cannot."
            ),
        ),
        passing="Google's metadata server is there on Google's machines alone. If this is one, run the job again: "
        "this is usually temporary. If it is not, leave out `--provider google`, or name another provider.",
    ),
    "aws": Ci(
        "AWS",
        "aws",
        "your account's: aws iam get-outbound-web-identity-federation-info",
        {"sub": "the role's ARN: arn:aws:iam::123456789012:role/name"},
        Todo("Let hf-oidc ask AWS for an ID token, by itself:", "build:\n  commands:\n    - {run}"),
        Todo(
            "See that the command `aws` is there, is a recent one, has credentials, and knows its region: the global "
            "endpoint has no ID tokens. Allow it for the account, once, and let the role call "
            "`sts:GetWebIdentityToken`:",
            "aws iam enable-outbound-web-identity-federation\n"
            "aws iam put-role-policy --role-name ROLE --policy-name hugging-face --policy-document '{\n"
            '  "Version": "2012-10-17",\n  "Statement": [{\n    "Effect": "Allow",\n'
            '    "Action": "sts:GetWebIdentityToken",\n    "Resource": "*"\n  }]\n}\'',
            "sh",
        ),
        FRESH,
        (
            (
                "The ID token names the role, and no build: whatever runs with the role can publish. Give it to "
                "nothing else."
            ),
        ),
    ),
    "kubernetes": Ci(
        "Kubernetes",
        "kubernetes",
        "your cluster's: kubectl get --raw /.well-known/openid-configuration",
        {"sub": "system:serviceaccount:NAMESPACE:NAME"},
        Todo(
            "In the pod's `spec:`, project a service account token for the Hub, and mount it in the container. The "
            "token that every pod has is for the cluster alone:",
            "containers:\n  - name: publish\n    volumeMounts:\n      - name: hugging-face\n"
            "        mountPath: /var/run/secrets/huggingface.co/serviceaccount\n        readOnly: true\n"
            "volumes:\n  - name: hugging-face\n    projected:\n      sources:\n        - serviceAccountToken:\n"
            "            path: token\n            audience: {audience}\n            expirationSeconds: 3600",
        ),
        Todo("See that the file holds the token and nothing else."),
        "Kubernetes replaces the file before the token expires: name that file, and no copy. A mount with `subPath` is "
        "never replaced. Otherwise set the clock of this machine.",
        (
            PUBLIC_ISSUER,
            (
                "The ID token names the service account: whoever can create a pod with it can publish. Use it for "
                "nothing else."
            ),
        ),
        given=True,
    ),
}
