"""What the doctor advises about logins, permissions and structure, done by a program, leaves nothing to say."""

from __future__ import annotations

import re

import pytest

from hf_oidc.doctor.advice import words
from hf_oidc.doctor.workflow.findings import WorkflowFinding
from tests.doctor_report import examined

START = """\
on:
  push:
    branches: [main]
permissions:
  contents: read
  id-token: write
jobs:
  publish:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v7
      - uses: org/hf-oidc-action@v1
        with:
          resource: acme/model
"""


def applied(text: str, finding: WorkflowFinding) -> str:
    """The file after the advice about its line was followed: "Remove", "Write `better`", or the lines in its place."""
    assert finding.line
    lines, said = text.splitlines(), words(finding)
    line = lines[finding.line - 1]
    indent = re.match(r"[ -]*", line)[0]  # type: ignore[index] # it matches any line
    key, colon, value = line[len(indent) :].partition(":")
    if better := re.search(r"^(?:Write|Did you mean) `?([^`.?]+)`?", said.do):
        word = better[1].split(",")[0].split(" or ")[0]
        # The name or the value, whichever the finding is about.
        line = (
            f"{indent}{key}: {word}"
            if finding.code in {"unknown-access", "invalid-resource"}
            else f"{indent}{word}{colon}{value}"
        )
        lines[finding.line - 1] = line
    elif said.lines:
        assert said.lines.startswith(("uses:", "id:", "permissions:"))
        lines[finding.line - 1 : finding.line] = [
            f"{indent if not at else ' ' * len(indent)}{each}" for at, each in enumerate(said.lines.splitlines())
        ]
    else:
        assert "Remove" in said.do or "Leave" in said.do
        del lines[finding.line - 1]
    return "\n".join(lines) + "\n"


MISTAKES = {
    "empty-block": START.replace("    runs-on", "    env:\n    runs-on"),
    "unknown-key": START.replace("    runs-on:", "    run-on:"),
    "unknown-key, of unknown meaning": START.replace("    runs-on", "    colour: red\n    runs-on"),
    "unknown-key, of an event": START.replace("branches:", "branch:"),
    "key-elsewhere": START.replace("    runs-on", "    shell: bash\n    runs-on"),
    "key-beside": START.replace("        with:", "        shell: bash\n        with:"),
    "no-version": START.replace("hf-oidc-action@v1", "hf-oidc-action"),
    "no-version, of another action": START.replace("checkout@v7", "checkout"),
    "unknown-scope": START.replace("id-token:", "id_token:"),
    "unknown-scope, of unknown meaning": START.replace("  id-token", "  colour: write\n  id-token"),
    "unknown-access": START.replace("contents: read", "contents: reed"),
    "local-path": START.replace("      - uses: org", "      - uses: .github/actions/x\n      - uses: org"),
    "other-audience": START + "          audience: sts.amazonaws.com\n",
    "own-audience": START + "          audience: https://hub.example\n",
    "id-token-written-out": START + "          id-token: eyJ\n",
    "invalid-resource": START.replace("acme/model", "https://huggingface.co/acme/model"),
    "unknown-input": START + "          hub_url: https://hub.example\n",
    "needs-linux": START.replace("ubuntu-latest", "macos-15"),
    "workflow-place": START + "  second:\n    uses: acme/x/y.yml@v1\n",
    "local-version": START + "  second:\n    uses: ./.github/workflows/y.yml@main\n",
}


@pytest.mark.parametrize(("name", "text"), MISTAKES.items(), ids=MISTAKES)
def test_what_is_advised_makes_the_finding_go_away(name: str, text: str) -> None:
    """And no other one appears."""
    finding = next(each for each in examined(text).all_findings if each.code == name.partition(",")[0])
    assert [each.code for each in examined(applied(text, finding)).all_findings if each.severity != "note"] == []
