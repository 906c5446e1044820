"""GitHub's expression language, computed with values that are not known."""

import pytest

from hf_oidc.doctor.workflow.expressions import UNKNOWN, SomeText, Status, Value, condition

STATUS = Status(success=True, failure=False, cancelled=False)
BRANCH = SomeText("refs/heads/", excluded=frozenset({"refs/heads/main"}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("github.ref == 'refs/heads/main'", False),
        ("github.ref == 'refs/heads/dev'", None),
        ("startsWith(github.ref, 'refs/tags/')", False),
        ("${{ github.actor == 'x' && false }}", False),
        ("failure()", False),
        ("github.actor == 'x' || always()", True),
    ],
)
def test_a_condition(text: str, expected: bool | None) -> None:
    """What is not known stays unknown, unless the result is the same for every value."""
    github: dict[str, Value] = {"ref": BRANCH, "actor": UNKNOWN}
    assert condition(text, {"github": github}, STATUS) is expected
