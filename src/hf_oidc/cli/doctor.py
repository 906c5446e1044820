"""`hf-oidc doctor`: finds out why a job cannot log in.

In a CI job, it requests an ID token and sends nothing to the Hub. With `--workflow`, it reads a file. Exit codes: 0 no
problem was found, 1 a login would fail, 2 the arguments are wrong.
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

from hf_oidc import command
from hf_oidc.cli.masks import mask_for
from hf_oidc.cli.migration import migrated
from hf_oidc.cli.options import AMBIENT, LoginCommand, Settings, asks_for_id_token
from hf_oidc.cli.repository_files import MAX_BYTES, reader
from hf_oidc.cli.session import now
from hf_oidc.doctor import json_report, text
from hf_oidc.doctor.job import JobReport, Question, with_claims
from hf_oidc.errors import DeliveryFailed, LoginError, UsageError
from hf_oidc.explain.entry_point import COMMAND
from hf_oidc.explain.report import diagnose, enter
from hf_oidc.explain.text import annotation
from hf_oidc.http.client import trusting
from hf_oidc.hub.resource import Resource
from hf_oidc.login import obtain_id_token
from hf_oidc.login_context import LoginContext, read_file
from hf_oidc.providers.registry import choose
from hf_oidc.sanitize import sanitize, sanitize_line
from hf_oidc.settings import DEFAULT_HUB_URL, hub_url
from hf_oidc.token_request import from_single

GIT_TIMEOUT = 10.0  # seconds
NO_YAML = "Checking a workflow needs PyYAML: pip install PyYAML"
# The options that apply only to a job, or only to a file, by their names in click.
OF_A_JOB = ("resource", "expect", "provider", "audience", "id_token_file", "ca_bundle", "timeout")
OF_A_FILE = ("repository",)


EPILOG = """\b
Examples:
  hf-oidc doctor --resource acme/awesome-model --expect branch=main
  hf-oidc doctor --workflow .github/workflows/publish.yml
  hf-oidc doctor --json

"""


@click.command(cls=LoginCommand, epilog=EPILOG, short_help="Find out why a job cannot log in.")
@click.option(
    "--resource",
    metavar="R",
    help="Your repository on the Hub: namespace/name, datasets/namespace/name, …  [default: $HF_OIDC_RESOURCE]",
)
@click.option(
    "--expect",
    multiple=True,
    metavar="NAME=VALUE",
    help="A value that this job must have, such as branch=main. Repeat it for more.",
)
@click.option("--workflow", metavar="FILE", help="Check this workflow file before you push it. Works on any machine.")
@click.option(
    "--repository", metavar="OWNER/NAME", help="The workflow's repository on GitHub.  [default: git's remote origin]"
)
@click.option("--migrate", is_flag=True, help="With --workflow: show how it logs in instead of using a stored token.")
@click.option("--write", is_flag=True, help="With --migrate: change the file.")
@click.argument("misplaced", metavar="", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
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
    migrate: bool,
    write: bool,
    as_json: bool,
    misplaced: tuple[str, ...],
    **given: Any,
) -> None:
    """Find out why a CI job cannot log in to the Hub, and which publisher to add there.

    In a CI job, it shows the CI, whether this job gets an ID token, the claims of the ID token, and a publisher that
    fits. It sends nothing to the Hub.

    With --workflow, it checks a workflow file, on any machine.

    Exit codes: 0 no problem was found, 1 a login would fail, 2 the arguments are wrong.
    """
    env = dict(os.environ)
    if misplaced:  # as other commands take a resource
        option = "--workflow" if misplaced[0].lower().endswith((".yml", ".yaml")) else "--resource"
        raise click.UsageError(f"Did you mean `hf-oidc doctor {option} {sanitize_line(misplaced[0], 200)}`?")
    if (migrate and workflow is None) or (write and not migrate):
        raise click.UsageError("--migrate needs --workflow FILE, and --write needs --migrate")
    try:
        if workflow is not None and migrate:
            _no_use(context, OF_A_JOB[1:], "with --workflow")  # --resource does: some steps do not show theirs
            url = hub_url(given["hub_url"], env, "--hub-url")
            # GitHub computes an expression, such as `${{ vars.MODEL }}`.
            computed = resource is None or "${{" in resource
            wanted = (resource or "") if computed else str(_resource(resource, {}))
            path = Path(workflow)
            found, is_left = migrated(
                path,
                _file(path),
                repository=repository,
                remote=_remote(path.parent),
                given=wanted,
                hub_url=url,
                write=write,
                as_json=as_json,
            )
            click.echo(_json(found) if isinstance(found, dict) else found)
            raise click.exceptions.Exit(1 if is_left else 0)
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
        _, message = annotation(diagnose(error, None, DEFAULT_HUB_URL, entry_point=COMMAND, env=env))
        raise click.UsageError(message) from None


def _check_job(question: Question, settings: Settings, env: Mapping[str, str], *, as_json: bool) -> None:
    context = LoginContext.create(env, trusting(settings.ca_bundle, "--ca-bundle"), settings.timeout, now)
    report = _examined(question, settings, env, context)
    _write(json_report.job(report) if as_json else text.job(report), fails=report.fails)


def _examined(question: Question, settings: Settings, env: Mapping[str, str], context: LoginContext) -> JobReport:
    report, id_token = JobReport("", question), None
    try:
        chosen = choose(env, read_file, id_token=settings.id_token, named=settings.provider)
        report = JobReport(chosen.provider, question)
        id_token = obtain_id_token(chosen, question.audience, context, mask_for(settings.hub_url, env))
        report = with_claims(report, id_token.unverified_claims, id_token.unverified_expiry)
        id_token.check(question.audience, now())
    except LoginError as error:
        error.provider = error.provider or report.provider
        error.unverified_claims = id_token.unverified_claims if id_token else None
        problem = diagnose(
            error, question.resource, question.hub_url, entry_point=COMMAND, audience=question.audience, env=env
        )
        if isinstance(error, DeliveryFailed):  # no ID token was requested: report what is known without one
            problem = replace(problem, enter=enter(report.ci, env), page=question.page)
        report = replace(report, provider=error.provider, problem=problem)
    return report


def _check_workflow(path: Path, repository: str | None, hub_url: str, *, as_json: bool) -> None:
    try:
        from hf_oidc.doctor.workflow import examine  # noqa: PLC0415 - needs PyYAML, which nothing else does
        from hf_oidc.doctor.workflow.yaml_text import UnreadableYaml  # noqa: PLC0415 - likewise
    except ImportError:
        raise click.UsageError(NO_YAML) from None
    if repository is not None and not examine.REPOSITORY.fullmatch(repository):
        raise click.UsageError(f"--repository must be owner/name, as on GitHub: {sanitize_line(repository, 100)!r}")
    try:
        report = examine.examine(
            _file(path),
            path.name,
            repository or examine.repository_of(_remote(path.parent)),
            reader(path),
        )
    except UnreadableYaml as error:
        place = f", line {error.line}" if error.line else ""
        raise click.UsageError(f"{sanitize_line(str(path), 200)}{place}: {sanitize_line(error.what)}.") from None
    found = json_report.workflow(report, hub_url) if as_json else text.workflow(report, hub_url)
    _write(found, fails=report.fails)


def _write(found: dict[str, Any] | Iterable[str], *, fails: bool) -> None:
    click.echo(_json(found) if isinstance(found, dict) else sanitize("\n".join(found)))
    raise click.exceptions.Exit(1 if fails else 0)


def _json(found: dict[str, Any]) -> str:
    # These two occur only inside strings. Escaped, a program reads the same, and a CI finds no command in its log.
    return json.dumps(found, indent=2).replace("#", r"\u0023").replace("::", r":\u003a")


def _no_use(context: click.Context, options: Sequence[str], where: str) -> None:
    for name in options:
        if context.get_parameter_source(name) == ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name.replace('_', '-')} does not work {where}")


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
            raise click.UsageError(
                f"--expect must be NAME=VALUE, such as branch=main, with each name once: {sanitize_line(pair, 100)!r}"
            )
        expected[name] = value
    return expected


def _file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        return content.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
    raise click.UsageError(f"{sanitize_line(str(path), 200)} cannot be read: {reason}")


def _remote(folder: Path) -> str:
    """Returns the URL of git's remote `origin`, or an empty string."""
    # git accepts a folder with HEAD, objects and refs as a repository, with its configuration. A commit can contain
    # such a folder, but nothing named `.git`. So git starts where that is.
    place = folder.resolve()
    top = next((each for each in (place, *place.parents) if os.access(each / ".git", os.F_OK)), None)
    if top is None:
        return ""
    done = command.run(["git", "-C", str(top), "remote", "get-url", "origin"], os.environ, GIT_TIMEOUT)
    return done.stdout.strip() if isinstance(done, command.Finished) and done.exit_code == 0 else ""
