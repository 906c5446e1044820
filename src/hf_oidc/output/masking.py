"""Which part of a token a runner is told to hide, where the line that tells it may itself become public."""

from __future__ import annotations

from hf_oidc.secret import Secret

# Characters. A last segment that is shorter is no signature: the smallest, HMAC with SHA-256, has 43.
SHORTEST_SEGMENT = 16


def worthless_part(secret: Secret) -> Secret:
    """The second half of a token's last segment; of one without segments, the second half of the token.

    A command shares its output with what ran before it in the step. The line that masks is shown instead of obeyed
    after `::stop-commands::` (a commit's title that somebody printed is enough), and where each line gets a prefix
    (`2>&1 | sed`); and `| tee` copies it to a file. So it says no more than whoever reads it may know.

    Half of a JWT would be too much: header and claims are public facts, which anybody can put in front of a signature.
    Of the signature at least half stays untold, and nothing short is ever told, which would hide every `true` of a log.
    """
    value = secret.reveal()
    last = value.rpartition(".")[2]
    text = last if len(last) >= SHORTEST_SEGMENT else value
    return Secret(text[(len(text) + 1) // 2 :])


def mask_command(secret: Secret) -> str:
    """Returns the workflow command that makes GitHub's runner hide `secret`, in the form that it has in a shared log.

    The runner decodes `%25`, `%0D` and `%0A` (ActionCommand.cs of actions/runner).
    """
    text = worthless_part(secret).reveal()
    return "::add-mask::" + text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
