"""The names of all providers: the one list that everything else is built from or checked against.

A name is also the provider's folder, the value of `--provider`, and the `provider` of an error. No import of ours, so
that reading the names loads no provider.
"""

# In the order in which documents list them, and in which `AmbiguousProvider` names them.
NAMES = (
    "supplied",
    "github",
    "forgejo",
    "gitlab",
    "circleci",
    "bitbucket",
    "buildkite",
    "codefresh",
    "jenkins",
    "terraform",
    "azure",
    "semaphore",
    "spacelift",
    "google",
    "aws",
    "kubernetes",
)
