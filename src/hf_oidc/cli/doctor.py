"""`hf-oidc doctor`: finds out why a job cannot log in.

In a CI job, it requests an ID token, and sends it to the Hub only with `--try`. `doctor_files` reads files. Exit codes:
0 no problem was found, 1 a login would fail, 2 the arguments are wrong or it does not check such a file.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from hf_oidc.cli.masks import mask_for
from hf_oidc.cli.options import AMBIENT, LoginCommand, Settings, asks_for_id_token
from hf_oidc.cli.session import now
from hf_oidc.doctor import json_report, text
from hf_oidc.doctor.job import JobReport, Question, with_claims
from hf_oidc.errors import DeliveryFailed, LoginError, UsageError
from hf_oidc.explain.entry_point import COMMAND
from hf_oidc.explain.report import diagnose, enter
from hf_oidc.explain.text import annotation
from hf_oidc.http.client import trusting
from hf_oidc.hub.resource import Resource
from hf_oidc.login import Login, log_in, obtain_id_token
from hf_oidc.login_context import LoginContext, read_file
from hf_oidc.providers.registry import IdTokenSource, choose
from hf_oidc.retry import Pace
from hf_oidc.sanitize import sanitize, sanitize_line
from hf_oidc.settings import DEFAULT_HUB_URL, hub_url
from hf_oidc.token_request import DEFAULT_NAME, TokenRequest, from_single

# The options that apply only to a job, or only to a file, by their names in click.
OF_A_JOB = ("resource", "expect", "try_", "provider", "audience", "id_token_file", "ca_bundle", "timeout")
OF_A_FILE = ("repository",)
NO_YAML = "Reading a workflow needs PyYAML, which is not in the container image: pip install PyYAML"


EPILOG = """\b
Examples:
  hf-oidc doctor --resource acme/awesome-model --expect branch=main
  hf-oidc doctor --resource acme/awesome-model --try
  hf-oidc doctor .github/workflows/publish.yml
  hf-oidc doctor .github/workflows/*.yml --format sarif > doctor.sarif

"""


def _file_names(_context: click.Context, _parameter: click.Parameter, words: tuple[str, ...]) -> tuple[str, ...]:
    for word in words:  # as other commands take a resource
        if not word.lower().endswith((".yml", ".yaml", "jenkinsfile")):
            raise click.UsageError(f"Did you mean `hf-oidc doctor --resource {sanitize_line(word, 200)}`?")
    return words


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
    help="A value that this job must have, such as branch=main. Can be repeated.",
)
@click.option(
    "--try",
    "try_",
    is_flag=True,
    help="Also log in to the Hub, and discard the token. Needs --resource or $HF_OIDC_RESOURCE.",
)
@click.option("--workflow", "files", multiple=True, metavar="FILE", help="The same as FILE, but with any file name.")
@click.option("--repository", metavar="OWNER/NAME", help="The files' repository.  [default: git's remote origin]")
@click.argument("words", metavar="[FILE]...", nargs=-1, callback=_file_names)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "sarif"], case_sensitive=False),
    default="text",
    show_default=True,
    help="Format of the report. sarif is for files.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--migrate", is_flag=True, help="Show how to change FILE to log in instead of using a stored token.")
@click.option("--write", is_flag=True, help="With --migrate: change FILE.")
@asks_for_id_token
@click.pass_context
def doctor(context: click.Context, /, *, files: tuple[str, ...], words: tuple[str, ...], **given: Any) -> None:
    """Find out why a CI job cannot log in to the Hub, and which publisher to add there.

    In a CI job, it shows the CI, whether this job gets an ID token, the claims of the ID token, and a publisher that
    fits. It sends nothing to the Hub, except with --try.

    With FILE, it checks workflow files and .gitlab-ci.yml, on any machine.

    Exit codes: 0 no problem was found, 1 a login would fail, 2 the arguments are wrong, or the doctor does
    not check this kind of file.
    """
    env, paths = dict(os.environ), [*map(Path, (*files, *words))]
    form = "json" if given["as_json"] else given["format_"]
    if given["migrate"] and (len(paths) != 1 or form == "sarif"):
        raise click.UsageError("--migrate needs one FILE, and prints text or JSON")
    if given["write"] and not given["migrate"]:
        raise click.UsageError("--write needs --migrate")
    try:
        if paths:
            # --migrate takes a --resource: some steps do not show theirs.
            _no_use(context, OF_A_JOB[1:] if given["migrate"] else OF_A_JOB, "with a file")
            _check_files(paths, given, env, form)
        else:
            _no_use(context, OF_A_FILE, "in a CI job, without a file")
            _check_job(given, env, form)
    except UsageError as error:
        _, message = annotation(diagnose(error, None, DEFAULT_HUB_URL, entry_point=COMMAND, env=env))
        raise click.UsageError(message) from None


def _check_files(paths: Sequence[Path], given: Mapping[str, Any], env: Mapping[str, str], form: str) -> None:
    url, resource = hub_url(given["hub_url"], env, "--hub-url"), given["resource"] or ""
    if given["resource"] is not None and "${{" not in resource:  # GitHub computes an expression
        resource = str(_resource(given["resource"], {}))
    try:
        from hf_oidc.cli import doctor_files  # noqa: PLC0415 - needs PyYAML, and so does nothing else
    except ImportError:
        raise click.UsageError(NO_YAML) from None
    if given["migrate"]:
        _write(*doctor_files.migrate(paths[0], given["repository"], resource, url, form, write=given["write"]))
    _write(*doctor_files.check(paths, given["repository"], url, form))


def _check_job(given: Mapping[str, Any], env: Mapping[str, str], form: str) -> None:
    settings, trial = Settings.read(given, env), given["try_"]
    resource, expected = _resource(given["resource"], env), _expected(given["expect"])
    question = Question(settings.hub_url, settings.audience, resource, expected)
    if trial and question.resource is None:
        raise click.UsageError(f"--try needs --resource, or {AMBIENT}")
    if form == "sarif":
        raise click.UsageError("--format sarif is for files: it points to their lines")
    context = LoginContext.create(env, trusting(settings.ca_bundle, "--ca-bundle"), settings.timeout, now)
    report, id_token = JobReport("", question), None
    try:
        chosen = choose(env, read_file, id_token=settings.id_token, named=settings.provider)
        report = JobReport(chosen.provider, question)
        id_token = obtain_id_token(chosen, question.audience, context, mask_for(settings.hub_url, env))
        report = with_claims(report, id_token.unverified_claims, id_token.unverified_expiry)
        id_token.check(question.audience, now())
        if trial and question.resource:
            report = replace(report, tried=True)
            report = replace(report, granted_for=_try(question, question.resource, chosen, context, env))
    except LoginError as error:
        error.provider = error.provider or report.provider
        error.unverified_claims = id_token.unverified_claims if id_token else None
        problem = diagnose(
            error, question.resource, question.hub_url, entry_point=COMMAND, audience=question.audience, env=env
        )
        if isinstance(error, DeliveryFailed):  # no ID token was requested: report what is known without one
            problem = replace(problem, enter=enter(report.ci, env), page=question.page)
        report = replace(report, provider=error.provider, problem=problem)
    _write(json_report.job(report) if form == "json" else text.job(report), 1 if report.fails else 0)


def _try(
    question: Question, resource: Resource, source: IdTokenSource, context: LoginContext, env: Mapping[str, str]
) -> int:
    """Logs in as a job does, and lets go of the token: it is masked, and neither shown nor passed on.

    Returns for how many seconds the Hub gave it.
    """
    login = Login(
        hub_url=question.hub_url,
        audience=question.audience,
        identity=source,
        context=context,
        mask=mask_for(question.hub_url, env),
        report=lambda _attempt: None,
        pace=Pace(time.monotonic),
    )
    return log_in(login, TokenRequest(DEFAULT_NAME, resource)).expires_in


def _write(found: dict[str, Any] | Iterable[str], exit_code: int) -> None:
    if isinstance(found, str):  # it is sanitized already, and keeps the tabs of a file
        click.echo(found)
    elif isinstance(found, dict):
        # These two occur only inside strings. Escaped, a program reads the same, and a CI finds no command in its log.
        click.echo(json.dumps(found, indent=2).replace("#", r"\u0023").replace("::", r":\u003a"))
    else:
        click.echo(sanitize("\n".join(found)))
    raise click.exceptions.Exit(exit_code)


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
