"""What is known about an ID token that the user passes: little, as any identity provider may have issued it."""

from hf_oidc.providers.facts import Instruction, ProviderFacts

FACTS = ProviderFacts(
    title="An ID token that you pass",
    section="any-other",
    issuer="the ID token's claim `iss`",
    claims={"sub": "the ID token's claim `sub`"},
    declare=Instruction("Request an ID token for {audience} from your identity provider, and pass that one instead."),
    failed=Instruction("Check that the value you passed is an ID token."),
    expired=(
        "Get the ID token just before this step: it is valid for a few minutes only. If it is fresh, correct the clock "
        "of this machine."
    ),
)
