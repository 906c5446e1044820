"""What the documents say is so: tables, commands, links and examples are held against what they speak of."""

import ast
import re
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from hf_oidc.providers.detection import NAMES
from hf_oidc.providers.facts import all_facts
from hf_oidc.providers.registry import provider_of
from local_hub.issuers.registry import BY_NAME as LOCAL_HUB
from tests.contract.provider_table import ROWS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
FACTS = all_facts()
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def table(heading: str) -> list[list[str]]:
    """The rows of the first table under a heading of the README."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def test_the_table_of_inputs_is_that_of_the_action() -> None:
    """Names, defaults and meanings, in order."""
    expected = []
    for name, spec in ACTION["inputs"].items():
        default = "required" if spec["required"] else f"`{spec['default']}`" if spec["default"] else "empty"
        expected.append([f"`{name}`", default, " ".join(spec["description"].split())])
    assert table("Inputs") == expected


def test_the_table_of_outputs_is_that_of_the_action() -> None:
    """Names and meanings, in order."""
    assert table("Outputs") == [[f"`{name}`", spec["description"]] for name, spec in ACTION["outputs"].items()]


def test_the_tests_pass_the_defaults_that_the_runner_passes() -> None:
    """The harness and action.yml agree."""
    from tests.action_process import DEFAULTS  # noqa: PLC0415 - the one test here that needs it

    assert {name: spec["default"] for name, spec in ACTION["inputs"].items() if not spec["required"]} == DEFAULTS


def test_the_readme_is_short_and_begins_with_what_works() -> None:
    """Under 250 lines, and the first screen has YAML."""
    assert len(README.splitlines()) < 250
    assert "uses: org/hf-oidc-action@v1" in "\n".join(README.splitlines()[:25])


def test_the_readme_leads_to_every_example_for_github() -> None:
    """The table of ways to use the action has each file once."""
    linked = re.findall(r"\]\((examples/github/[\w-]+\.\w+)\)", " ".join(map(str, table("Ways to use it"))))
    assert sorted(linked) == sorted(str(path.relative_to(ROOT)) for path in (ROOT / "examples" / "github").iterdir())


@pytest.mark.parametrize("block", re.findall(r"```yaml\n(.*?)```", README, re.DOTALL))
def test_yaml_in_the_readme_uses_inputs_that_there_are(block: str) -> None:
    """Each step of ours names inputs of action.yml and none besides, and outputs likewise."""
    document = yaml.safe_load(block)
    steps = document.get("steps", []) if isinstance(document, dict) else document
    ours = [step for step in steps if str(step.get("uses", "")).startswith("org/hf-oidc-action@")]
    assert ours or "hf-oidc run" in block  # another CI's
    assert all(set(step["with"]) <= set(ACTION["inputs"]) for step in ours)
    assert set(re.findall(r"steps\.hf\.outputs\.([\w-]+)", block)) <= set(ACTION["outputs"])


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    """Every relative link and every path in backticks that looks like one of ours is a file here."""
    text = path.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", text)
    paths = re.findall(r"`((?:docs|tests|src|examples|requirements)/[\w./-]+)`", text)
    paths += re.findall(r"`([\w.-]+/[\w./-]+\.py)`", text)
    missing = [link for link in links if not (path.parent / link).exists()]
    missing += [name for name in paths if not (ROOT / name).exists()]
    assert missing == []


def test_commands_of_the_readme_are_in_the_makefile() -> None:
    """`make demo` and `make test`."""
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(re.findall(r"make ([a-z]+)", README)) <= set(targets)


def test_the_changelog_keeps_its_form() -> None:
    """Keep a Changelog: an Unreleased section, and known kinds of changes."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in text
    assert set(re.findall(r"^### (.*)$", text, re.MULTILINE)) <= {
        "Added",
        "Changed",
        "Deprecated",
        "Removed",
        "Fixed",
        "Security",
    }


def test_the_readme_says_whether_there_is_a_release() -> None:
    """Until the changelog has one, `uses:` and `pip install` lead nowhere."""
    released = re.findall(r"^## \[\d", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert ("Nothing is released" in README) is not bool(released)


COMPARED = (ROOT / "docs" / "compared-with-hf.md").read_text(encoding="utf-8")


def anchor(heading: str) -> str:
    """The fragment that GitHub gives a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_the_first_screen_says_when_to_use_which() -> None:
    """Within 40 lines: what can be used today, the YAML, and each row of the comparison, which is a section."""
    screen = "\n".join(README.splitlines()[:40])
    assert screen.index("Nothing is released") < screen.index("uses: org/hf-oidc-action@v1")
    sections = [anchor(each) for each in re.findall(r"^## (.+)$", COMPARED, re.MULTILINE) if each != "Try it"]
    assert re.findall(r"\(docs/compared-with-hf\.md#([\w-]+)\)", screen) == sections


def test_each_row_of_the_comparison_is_a_test_and_has_commands() -> None:
    """The test has the section's name, and the section has a command for either side."""
    path = ROOT / "tests" / "scenario" / "test_side_by_side.py"
    tests = {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}
    for section in COMPARED.split("\n## ")[2:]:
        heading, _, text = section.partition("\n")
        assert f"test_{anchor(heading).replace('-', '_')}" in tests
        (block,) = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
        assert ("hf upload" in block or "HF_OIDC_RESOURCE=" in block, "hf-oidc " in block) == (True, True)


def test_the_readme_counts_the_other_cis() -> None:
    """Those whose ID tokens the Hub can accept, besides GitHub."""
    others = [name for name in NAMES if provider_of(name).audience != "fixed" and name not in ("github", "supplied")]
    assert f"the same command in {len(others)} CIs and clouds" in README


def test_every_provider_has_its_section() -> None:
    """In the registry's order, under the CI's own name, with its example if the Hub accepts its ID tokens."""
    text = (ROOT / "docs" / "providers.md").read_text(encoding="utf-8")
    sections = re.findall(
        r"^## (.+)\n\n`--provider (\w+)`(?: · \[example\]\(\.\./examples/(\w+)/)?", text, re.MULTILINE
    )
    assert [name for _, name, _ in sections] == [name for name in NAMES if name != "supplied"]
    for title, name, example in sections:
        assert re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") == FACTS[name].section
        assert example == ("" if provider_of(name).audience == "fixed" else name)


def test_the_readme_names_providers_as_they_are() -> None:
    """Each example under its provider's title, or the first part of it; and each provider that cannot work."""
    section = README.split("\n## Other CIs\n")[1].split("\n## ")[0]
    linked = re.findall(r"\[([^\]]+)\]\(examples/((?!shell)\w+)\)", section)
    assert {"gitlab", "circleci", "bitbucket"} <= {name for _, name in linked}
    assert [name for text, name in linked if not FACTS[name].title.startswith(text)] == []
    cannot = " ".join(README.split(" do not work:")[0].rpartition(". ")[2].split())
    fixed = [FACTS[name].title for name in NAMES if provider_of(name).audience == "fixed"]
    assert cannot == f"{', '.join(fixed[:-1])} and {fixed[-1]}"


def test_contributing_names_providers_to_start_from() -> None:
    """One for each source of ID tokens that it speaks of; each has the files that it lists."""
    recipe = CONTRIBUTING.split("\n### Add a provider\n")[1].split("\n### ")[0]
    named = re.findall(r"`(\w+)` \((?:a variable|an endpoint|a command)\)", recipe)
    assert [ROWS[name].source for name in named] == ["variable", "endpoint", "command"]
    for name in named:
        paths = [path.replace("<name>", name) for path in re.findall(r"`([\w./]*<name>[\w./]*)`", recipe)]
        assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("path", [ROOT / "README.md", *(ROOT / "docs").glob("*.md")], ids=lambda path: path.name)
def test_no_document_names_a_provider_that_there_is_not(path: Path) -> None:
    """After `--provider`, and in the jobs and publishers of Local Hub."""
    text = path.read_text(encoding="utf-8")
    assert set(re.findall(r"--provider ([a-z]+)", text)) <= set(NAMES)
    assert set(re.findall(r"\b(?:ci|issuer): ([a-z]+)[,}]", text)) <= set(LOCAL_HUB)


def test_every_command_is_in_its_document() -> None:
    """Each of `hf-oidc`, and each option of a login."""
    from hf_oidc.cli.app import cli  # noqa: PLC0415 - likewise
    from hf_oidc.cli.token import token  # noqa: PLC0415 - likewise

    text = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    missing = [name for name in cli.list_commands(click.Context(cli)) if f"hf-oidc {name}" not in text]
    missing += [option for each in token.params for option in each.opts if option[:2] == "--" and option not in text]
    assert missing == []


SECURITY = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
# Each claim: the last cell of a row of the table, or an item of "What is not".
CLAIMS = [line for line in SECURITY.splitlines() if line.startswith("| ")][1:]
CLAIMS += re.findall(r"^- .*(?:\n  .*)*", SECURITY.split("\n## What is not\n")[1], re.MULTILINE)


def missing_tests(text: str) -> list[str]:
    """The tests that `text` names and that are not there; `::name` alone is in the file that was named before."""
    missing = []
    file = ""
    for path, name in re.findall(r"`(tests/[\w/]+\.\w+)?(?:::(\w+))?`", text):
        file = path or file
        content = (ROOT / file).read_text(encoding="utf-8") if file and (ROOT / file).is_file() else None
        names = {node.name for node in ast.walk(ast.parse(content or "")) if isinstance(node, ast.FunctionDef)}
        if content is None or (name and name not in names):
            missing.append(f"{file}::{name}")
    return missing


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim[2:40])
def test_each_claim_about_security_names_tests_that_there_are(claim: str) -> None:
    """What no test can show says so."""
    assert missing_tests(claim) == []
    shown_by = claim.rstrip(" |").rpartition(" | " if claim.startswith("|") else " [")[2]
    assert "`tests/" in shown_by or "no test here" in shown_by


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("`tests/test_documents.py`, `::missing_tests`", []),
        ("`tests/test_documents.py::missing_tests`", []),
        ("`tests/test_documents.py`, `::test_nothing`", ["tests/test_documents.py::test_nothing"]),
        ("`tests/test_none.py::test_nothing`", ["tests/test_none.py::test_nothing"]),
        ("`tests/test_none.py`", ["tests/test_none.py::"]),
        ("`::missing_tests`", ["::missing_tests"]),
    ],
)
def test_a_test_that_is_not_there_is_found(text: str, missing: list[str]) -> None:
    """A wrong file, and a wrong name in a file that is there."""
    assert missing_tests(text) == missing
