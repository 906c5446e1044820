"""No command leaks on any CI: tokens are where they were asked for, and where a CI is told to hide them.

The search includes command lines: `run` is a process on every CI, and every command is one on Kubernetes. Elsewhere
`hf-oidc` runs inside the test process, and the search is of what it starts: a CI's command writes its arguments down,
and the servers look at all processes when they are asked.
"""

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from hf_oidc.output.masking import worthless_part
from hf_oidc.secret import Secret
from tests import engines
from tests.cli_process import CLI, CliRun, run_cli
from tests.cli_stage import PLAIN, Stage
from tests.contract.provider_table import FILE, REQUEST_TOKEN, ROWS, executable
from tests.leaks import leaks
from tests.scripted_server import scripted_server


@dataclass(frozen=True)
class Use:
    """A command, and where it is to put the token: on standard output, or in the file of this name."""

    arguments: tuple[str, ...]
    prints: bool = False
    file: str = ""
    variables: tuple[str, ...] = ()


USES = {
    "token": Use(("token", "acme/model", "-v"), prints=True),
    "env": Use(("env", "acme/model", "--format", "json"), prints=True),
    "env to a file": Use(("env", "acme/model", "--format", "dotenv", "--output", "../out"), file="out"),
    "env for CircleCI": Use(("env", "acme/model", "--format", "circleci"), file="out", variables=("BASH_ENV",)),
    "env for GitHub": Use(("env", "acme/model", "--format", "github"), file="out", variables=("GITHUB_ENV",)),
    "run": Use(("run", "acme/model", "--", "sh", "-c", 'test -n "$HF_TOKEN"')),
    "doctor": Use(("doctor", "--resource", "acme/model")),
    "doctor that tries": Use(("doctor", "--resource", "acme/model", "--try")),
}


def pod(token: Path) -> tuple[str, ...]:
    """`hf-oidc` where the kubelet's file is: the path is the pod's own, and so it is mounted for one process alone."""
    if not engines.has("unshare"):
        engines.missing("unshare (util-linux) is not here")
    options = "-m" if os.geteuid() == 0 else "-rm"
    quoted = {name: shlex.quote(str(path)) for name, path in {"folder": Path(FILE).parent, "token": token}.items()}
    mount = "mount -t tmpfs none /run && mkdir -p {folder} && cp {token} {folder}/token".format(**quoted)
    return ("unshare", options, "sh", "-c", f'{mount} && exec "$@"', "sh", *CLI)


def on(name: str, use: Use, stage: Stage, url: str) -> CliRun:
    """The command's run on that CI."""
    row, folder, allowed = ROWS[name], stage.tmp_path / "ci", []
    command = None
    folder.mkdir()
    if row.command:
        allowed.append(
            executable(folder, row.command, stdout=row.prints(stage.id_token)).with_name(f"{row.command}.out")
        )
    if row.source == "file":
        allowed.append(folder / "kubelet")
        allowed[-1].write_text(stage.id_token)
        command = pod(allowed[-1])
    out = stage.tmp_path / "out"
    if use.file:
        allowed.append(out)
        out.touch()
    files = dict.fromkeys(use.variables, str(out))
    return run_cli(
        stage.tmp_path,
        *use.arguments,
        env={
            "HF_ENDPOINT": stage.server.url,
            **row.here(url, stage.id_token),
            "PATH": f"{folder}:{os.environ['PATH']}",
            **files,
        },
        secrets=[stage.id_token, PLAIN, REQUEST_TOKEN],
        stdout_may_hold_them=use.prints,
        may_hold_them=allowed,
        command=command,
    )


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("use", USES)
def test_no_command_leaks_on_any_ci(name: str, use: str, stage: Stage) -> None:
    """The ID token is nowhere, and the Hub's where it was asked for; a runner of GitHub's kind masks both, in part."""
    row, wanted = ROWS[name], USES[use]
    with scripted_server({row.path: row.answer(stage.id_token)}) as ci:
        run = on(name, wanted, stage, ci.url)
    out = stage.tmp_path / "out"
    written = {"stdout": run.stdout.encode(), "file": out.read_bytes() if out.exists() else b""}
    started = {"command lines": b"\n".join(ci.command_lines + stage.server.command_lines)}
    assert run.exit_code == (1 if row.source == "none" else 0), run.stderr
    assert leaks([stage.id_token, REQUEST_TOKEN], written) == []
    assert leaks([stage.id_token, PLAIN, REQUEST_TOKEN], started) == []
    assert (PLAIN in run.stdout, PLAIN in written["file"].decode()) == (
        (False, False) if row.source == "none" else (wanted.prints, bool(wanted.file))
    )
    hidden = [worthless_part(Secret(token)).reveal() for token in (stage.id_token, PLAIN)]
    if name in {"github", "forgejo"}:
        # `--format github` masks in other CIs, too.
        assert list(dict.fromkeys(run.masks)) == (hidden[:1] if use == "doctor" else hidden)
    else:
        assert run.masks == (hidden[1:] if use == "env for GitHub" and row.source != "none" else [])


AGENT = """#!/bin/sh
echo "$*" >> {folder}/calls
case "$1" in
  oidc) cat {folder}/id-token ;;
  redactor) {redactor} ;;
esac
"""
OLD_AGENT = "printf 'Usage:\\n\\n  buildkite-agent <command> [options...]\\n'; exit 1"


def buildkite(stage: Stage, redactor: str, *arguments: str, env: Mapping[str, str] | None = None) -> CliRun:
    """A command's run in a job of Buildkite, whose agent hides tokens in this way."""
    folder = stage.tmp_path / "agent"
    folder.mkdir(exist_ok=True)
    (folder / "id-token").write_text(stage.id_token)
    (folder / "buildkite-agent").write_text(AGENT.format(folder=folder, redactor=redactor.format(folder=folder)))
    (folder / "buildkite-agent").chmod(0o755)
    job = {"BUILDKITE": "true", "PATH": f"{folder}:{os.environ['PATH']}", **(env or {})}
    allowed = [folder / "id-token", folder / "heard"]
    return stage.run(*arguments, env=job, stdout_may_hold_them=arguments[0] == "token", may_hold_them=allowed)


@pytest.mark.parametrize("arguments", [("token", "acme/model"), ("run", "acme/model", "--", "true")])
def test_buildkites_agent_hides_both_tokens(arguments: tuple[str, ...], stage: Stage) -> None:
    """It is told each on its standard input, before it is used: its arguments are for all to see."""
    run = buildkite(stage, "cat >> {folder}/heard; echo >> {folder}/heard", *arguments)
    folder = stage.tmp_path / "agent"
    assert (run.exit_code, "Warning" in run.stderr) == (0, False)
    assert (folder / "heard").read_text().split() == [stage.id_token, PLAIN]
    oidc, *redactor = (folder / "calls").read_text().splitlines()
    assert oidc.startswith("oidc request-token --audience ")
    assert redactor == ["redactor add --format none"] * 2


@pytest.mark.parametrize(
    ("redactor", "told"),
    [
        (OLD_AGENT, "failed (it needs agent 3.66 or newer). The log"),
        ("echo 'no Job API' >&2; exit 1", 'failed (it needs agent 3.66 or newer): "no Job API". The log'),
        ("cat >&2; exit 1", 'or newer): "***". The log'),
    ],
)
def test_an_agent_that_cannot_hide_is_warned_of(redactor: str, told: str, stage: Stage) -> None:
    """Once, and the job has its token all the same."""
    run = buildkite(stage, redactor, "token", "acme/model", "--quiet")
    assert (run.exit_code, run.stdout) == (0, f"{PLAIN}\n")
    assert run.stderr.startswith("hf-oidc: Warning: The command `buildkite-agent redactor add` ")
    assert (run.stderr.count("Warning"), told in run.stderr) == (1, True)


def test_a_job_without_the_agents_command_is_warned(stage: Stage) -> None:
    """In a container, say, with an ID token that was handed in."""
    env = {"BUILDKITE": "true", "HF_OIDC_ID_TOKEN": stage.id_token}
    run = stage.run("token", "acme/model", "-q", env=env, stdout_may_hold_them=True)
    assert (run.exit_code, run.stdout) == (0, f"{PLAIN}\n")
    assert run.stderr.startswith("hf-oidc: Warning: The command `buildkite-agent` is not on PATH. The log would show")
