"""`hf-oidc doctor`: what would keep a job from logging in.

In a CI job it asks the CI for an ID token and sends nothing to the Hub; with `--workflow` it reads a file. Exit codes:
0 nothing is wrong, 1 something would fail, 2 the arguments are wrong.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from hf_oidc import command, hall
from hf_oidc.cli.options import AMBIENT, BY_CI, Settings, asks_for_id_token
from hf_oidc.cli.session import now, usual_mask
from hf_oidc.diagnosis import doctor_json, doctor_text, text
from hf_oidc.diagnosis.doctor import JobReport, Question, with_claims
from hf_oidc.diagnosis.door import COMMAND
from hf_oidc.diagnosis.report import diagnose, enter
from hf_oidc.errors import DeliveryFailed, LoginError, UsageError
from hf_oidc.login import mint
from hf_oidc.providers._base import Means
from hf_oidc.providers.registry import choose
from hf_oidc.resource import Resource
from hf_oidc.settings import DEFAULT_HUB_URL, hub_url
from hf_oidc.transport import trusting
from hf_oidc.untrusted_text import sanitize, shown
from hf_oidc.wanted import from_single

GIT_TIMEOUT = 10.0  # seconds
NO_YAML = "Reading a workflow needs PyYAML: pip install PyYAML"
MAX_BYTES = 1_048_576
# The options of a job and of a workflow's file, by the names that click gives them.
OF_A_JOB = ("resource", "expect", "provider", "audience", "id_token_file", "ca_bundle", "timeout")
OF_A_FILE = ("repository",)


EPILOG = """\b
Examples:
  hf-oidc doctor --resource acme/awesome-model --expect branch=main
  hf-oidc doctor --workflow .github/workflows/publish.yml
  hf-oidc doctor --json

"""


@click.command(epilog=EPILOG + BY_CI, short_help="Say what would keep a job from logging in.")
@click.option(
    "--resource",
    metavar="R",
    help="Your repository on the Hub: namespace/name, datasets/namespace/name, …; $HF_OIDC_RESOURCE unless given.",
)
@click.option(
    "--expect", multiple=True, metavar="NAME=VALUE", help="What the job should be: branch=main. May be repeated."
)
@click.option("--workflow", metavar="FILE", help="Judge this workflow file, before it is pushed; no CI is needed.")
@click.option("--repository", metavar="OWNER/NAME", help="Its repository on GitHub; git's remote origin unless given.")
@click.argument("misplaced", metavar="", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")
@asks_for_id_token
@click.pass_context
def doctor(
    context: click.Context,
    /,
    *,
    resource: str | None,
    expect: tuple[str, ...],
    workflow: str | None,
    repository: str | None,
    as_json: bool,
    misplaced: tuple[str, ...],
    **given: Any,
) -> None:
    """Say what would keep a CI job from logging in to the Hub, and what to enter there.

    In a CI job: which CI this is, whether it gives this job an ID token, what that says of the job, and which
    publisher on the Hub fits it. It sends nothing to the Hub.

    With --workflow: the same as far as a workflow file tells, on any machine.

    Exit codes: 0 nothing is wrong, 1 something would fail, 2 the arguments are wrong.
    """
    env = dict(os.environ)
    if misplaced:  # as other commands take a resource
        option = "--workflow" if misplaced[0].lower().endswith((".yml", ".yaml")) else "--resource"
        raise click.UsageError(f"Did you mean `hf-oidc doctor {option} {shown(misplaced[0], 200)}`?")
    try:
        if workflow is not None:
            _no_use(context, OF_A_JOB, "with --workflow")
            url = hub_url(given["hub_url"], env, "--hub-url")
            _check_workflow(Path(workflow), repository, url, as_json=as_json)
        else:
            _no_use(context, OF_A_FILE, "in a CI job, without --workflow")
            settings = Settings.read(given, env)
            question = Question(settings.hub_url, settings.audience, _resource(resource, env), _expected(expect))
            _check_job(question, settings, env, as_json=as_json)
    except UsageError as error:
        _, message = text.annotation(diagnose(error, None, DEFAULT_HUB_URL, door=COMMAND, env=env))
        raise click.UsageError(message) from None


def _check_job(question: Question, settings: Settings, env: Mapping[str, str], *, as_json: bool) -> None:
    means = hall.means(env, trusting(settings.ca_bundle, "--ca-bundle"), settings.timeout, now)
    report = _examined(question, settings, env, means)
    _write(doctor_json.job(report) if as_json else doctor_text.job(report), fails=report.fails)


def _examined(question: Question, settings: Settings, env: Mapping[str, str], means: Means) -> JobReport:
    report, id_token = JobReport("", question), None
    try:
        chosen = choose(env, hall.text_of, id_token=settings.id_token, named=settings.provider)
        report = JobReport(chosen.provider, question)
        id_token = mint(chosen, question.audience, means, usual_mask(settings, env))
        report = with_claims(report, id_token.unverified_claims, id_token.unverified_expiry)
        id_token.check(question.audience, now())
    except LoginError as error:
        error.provider = error.provider or report.provider
        error.unverified_claims = id_token.unverified_claims if id_token else None
        problem = diagnose(
            error, question.resource, question.hub_url, door=COMMAND, audience=question.audience, env=env
        )
        if isinstance(error, DeliveryFailed):  # no ID token was asked for: the report is what is known without one
            problem = replace(problem, enter=enter(report.ci, env), page=question.page)
        report = replace(report, provider=error.provider, problem=problem)
    return report


def _check_workflow(path: Path, repository: str | None, hub_url: str, *, as_json: bool) -> None:
    try:
        from hf_oidc.diagnosis.workflow import examine  # noqa: PLC0415 - needs PyYAML, which nothing else does
        from hf_oidc.diagnosis.workflow.yaml_text import UnreadableYaml  # noqa: PLC0415 - likewise
    except ImportError:
        raise click.UsageError(NO_YAML) from None
    if repository is not None and not examine.REPOSITORY.fullmatch(repository):
        raise click.UsageError(f"--repository is owner/name, as on GitHub, and not {shown(repository, 100)!r}")
    try:
        report = examine.examine(
            _file(path),
            path.name,
            repository or examine.repository_of(_remote(path.parent)),
            lambda name: hall.text_of(str(path.parent / name)),
        )
    except UnreadableYaml as error:
        place = f", line {error.line}" if error.line else ""
        raise click.UsageError(f"{shown(str(path), 200)}{place}: {shown(error.what)}.") from None
    found = doctor_json.workflow(report, hub_url) if as_json else doctor_text.workflow(report, hub_url)
    _write(found, fails=report.fails)


def _write(found: dict[str, Any] | Iterable[str], *, fails: bool) -> None:
    click.echo(_json(found) if isinstance(found, dict) else sanitize("\n".join(found)))
    raise click.exceptions.Exit(1 if fails else 0)


def _json(found: dict[str, Any]) -> str:
    # A program reads the same, and a CI, whose log this may be, no command: these two stand in strings alone.
    return json.dumps(found, indent=2).replace("#", r"\u0023").replace("::", r":\u003a")


def _no_use(context: click.Context, options: Sequence[str], where: str) -> None:
    for name in options:
        if context.get_parameter_source(name) == ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name.replace('_', '-')} has no use {where}")


def _resource(text: str | None, env: Mapping[str, str]) -> Resource | None:
    if text is None:
        ambient = env.get(AMBIENT, "").strip()
        return from_single(ambient, AMBIENT) if ambient else None
    return from_single(text, "--resource")


def _expected(pairs: tuple[str, ...]) -> dict[str, str]:
    expected: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not name or not equals or not value or name in expected:
            raise click.UsageError(f"--expect is NAME=VALUE, such as branch=main, each name once: {shown(pair, 100)!r}")
        expected[name] = value
    return expected


def _file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        return content.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
    raise click.UsageError(f"{shown(str(path), 200)} cannot be read: {reason}")


def _remote(folder: Path) -> str:
    """The URL of git's remote `origin`, empty if there is none."""
    # git would take a folder with HEAD, objects and refs for a repository, configuration and all. A commit can hold
    # such a folder, but nothing called .git: so git begins where that is.
    place = folder.resolve()
    top = next((each for each in (place, *place.parents) if os.access(each / ".git", os.F_OK)), None)
    if top is None:
        return ""
    done = command.run(["git", "-C", str(top), "remote", "get-url", "origin"], os.environ, GIT_TIMEOUT)
    return done.stdout.strip() if isinstance(done, command.Finished) and done.exit_code == 0 else ""
