"""The house keeps its law: who imports whom, who reads the world, where a secret comes out."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hf_oidc.providers.base import Provider
from hf_oidc.providers.detection import NAMES
from hf_oidc.providers.facts import ProviderFacts, facts_of
from hf_oidc.providers.registry import provider_of

ROOT = Path(__file__).parents[1]
CLIENT = ROOT / "src" / "hf_oidc"
DOORS = {"action.py", "__main__.py", "entry_point.py"}
# Request building, reading the ID token, what a command of a CI's has printed, sinks; and the commands of ours whose
# result is a token.
REVEALING = {
    "id_token.py",
    "hub/exchange.py",
    "providers/base.py",
    "providers/endpoint.py",
    "providers/google/mint.py",
    "output/command_files.py",
    "output/github_commands.py",
    "output/shell.py",
    "output/masking.py",
    "output/token_folder.py",
    "cli/agent.py",
    "cli/env.py",
    "cli/run_renewing.py",
    "cli/run.py",
    "cli/token.py",
}
MODULES = sorted(path.relative_to(CLIENT) for path in CLIENT.rglob("*.py"))


def calls_and_names(path: Path) -> set[str]:
    """The dotted names that a module uses, and the names that it calls."""
    tree = ast.parse((CLIENT / path).read_text())
    return {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, (ast.Attribute, ast.Name))}


def test_the_import_law_is_kept() -> None:
    """.importlinter holds the law; this runs it."""
    lint = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize(
    "path", [path for path in MODULES if path.name not in DOORS and path.parts[0] != "cli"], ids=str
)
def test_only_doors_touch_the_world(path: Path) -> None:
    """Environment, printing and exiting belong to the doors; the clock is a parameter."""
    worldly = {"os.environ", "os.getenv", "sys.exit", "print", "datetime.now", "time.time"}
    assert not calls_and_names(path) & worldly


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_a_secret_is_revealed_only_where_it_is_used(path: Path) -> None:
    """The list is short, and this test holds it."""
    if any(name.endswith(".reveal") for name in calls_and_names(path)):
        assert path.as_posix() in REVEALING


def test_every_folder_of_a_provider_is_registered() -> None:
    """One list of names; each has the two modules that are looked for by name."""
    folders = {path.parent.name for path in (CLIENT / "providers").glob("*/__init__.py")}
    assert set(NAMES) == folders
    for name in NAMES:
        assert isinstance(provider_of(name), Provider)
        assert isinstance(facts_of(name), ProviderFacts)
    assert facts_of("unknown") is None


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_every_module_opens_with_its_rules(path: Path) -> None:
    """A docstring that says what lives here."""
    assert ast.get_docstring(ast.parse((CLIENT / path).read_text()))


def test_no_test_replaces_a_part_of_ours() -> None:
    """Real fakes, no mocks."""
    forbidden = re.compile("unittest" + r"\.mock|Magic" + r"Mock|mocker\.|monkeypatch" + r"\.setattr")
    tests = [path for path in (ROOT / "tests").rglob("*.py") if forbidden.search(path.read_text())]
    assert tests == []
