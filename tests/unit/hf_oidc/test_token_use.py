"""What becomes of a token: by tables of workflows. And what is advised, done by a program, leaves nothing to say."""

from __future__ import annotations

import textwrap

import pytest

from tests.doctor_report import examined, found, notes, said

HEAD = "on: {push: {branches: [main]}}\npermissions: {contents: read, id-token: write}\njobs:\n"
LOGIN = "- uses: org/hf-oidc-action@v1\n  id: hf\n  with:\n    resource: acme/model"
NAMELESS = LOGIN.replace("  id: hf\n", "")
SOFT = LOGIN + "\n    on-error: warn"
KEPT = LOGIN + "\n    export-env: false"
DATA = LOGIN.replace("acme/model", "datasets/acme/corpus")
BOTH = LOGIN.replace("acme/model", "|\n      MODEL_TOKEN=acme/model\n      DATA_TOKEN=datasets/acme/corpus")
SECOND = DATA.replace("id: hf", "id: data")
OF_A, OF_B = LOGIN.replace("acme/", "A_TOKEN=acme/"), SECOND.replace("datasets/", "B_TOKEN=datasets/")
UPLOAD = "- run: hf upload acme/model ."
AGENT = "- run: exec hf-oidc agent acme/model --token-file /t --ready-file /r"
TOKEN = "${{ steps.hf.outputs.token }}"
SECRET = "${{ secrets.HF_TOKEN }}"


def job(*steps: str, name: str = "publish", rest: str = "", runner: str = "ubuntu-latest") -> str:
    """A job with these steps. `rest`: more lines of it."""
    lines = f"runs-on: {runner}\n{rest}{chr(10) if rest else ''}steps:\n" + textwrap.indent("\n".join(steps), "  ")
    return f"  {name}:\n{textwrap.indent(lines, '    ')}\n"


def script(*lines: str, rest: str = "") -> str:
    """A step with a script of several lines."""
    return (
        "- run: |\n" + textwrap.indent("\n".join(lines), "    ") + (f"\n{textwrap.indent(rest, '  ')}" if rest else "")
    )


def env(**variables: str) -> str:
    """An `env:` of a step."""
    return "\n  env:" + "".join(f"\n    {name}: {value}" for name, value in variables.items())


def python(*lines: str) -> str:
    """A step with Python code in its script."""
    return script("python - <<'EOF'", "from huggingface_hub import HfApi", *lines, "EOF")


def when(condition: str, step: str = UPLOAD) -> str:
    """A step with a condition."""
    return f"{step}\n  if: {condition}"


def parallel(*steps: str) -> str:
    """Steps that run beside each other."""
    return "- parallel:\n" + textwrap.indent("\n".join(steps), "    ")


FLOWS: dict[str, tuple[str, set[str]]] = {
    "clean": (job(LOGIN, UPLOAD), set()),
    # before the login
    "upload before": (job(UPLOAD, LOGIN), {"error: token-before-login"}),
    "output before": (job(UPLOAD + env(HF_TOKEN=TOKEN), LOGIN), {"error: token-before-login"}),
    "condition before": (
        job(when("steps.hf.outputs.authenticated == 'true'", "- run: make"), LOGIN),
        {"error: token-before-login"},
    ),
    "git before": (
        job("- run: git push https://u:$HF_TOKEN@huggingface.co/acme/model main", LOGIN),
        {"error: token-before-login"},
    ),
    "python before": (job(python("HfApi().upload_folder(repo_id='acme/model')"), LOGIN), {"error: token-before-login"}),
    "curl before": (
        job(
            "- run: 'curl -H \"Authorization: Bearer $HF_TOKEN\" https://huggingface.co/api/models/acme/model -X POST'",
            LOGIN,
        ),
        {"error: token-before-login"},
    ),
    "variable before": (job('- run: ./publish.sh "$HF_TOKEN"', LOGIN), {"error: token-before-login"}),
    "action before": (
        job("- uses: a/b@v1\n  with: {hf_token: '${{ env.HF_TOKEN }}'}", LOGIN),
        {"error: token-before-login"},
    ),
    "download before": (job("- run: hf download acme/model", LOGIN), set()),
    "unknown script before": (job("- run: python train.py", LOGIN), set()),
    "tested before": (job(script('if [ -n "$HF_TOKEN" ]; then', "hf upload acme/model .", "fi"), LOGIN), set()),
    "own token before": (job("- run: hf upload acme/model . --token $OTHER", LOGIN), set()),
    # ids
    "no id": (job(NAMELESS, UPLOAD + env(HF_TOKEN=TOKEN)), {"error: login-without-id"}),
    "no id in a condition": (
        job(NAMELESS, when("steps.hf.outputs.authenticated == 'true'")),
        {"error: login-without-id"},
    ),
    "another id": (job(LOGIN.replace("hf\n", "login\n"), UPLOAD + env(HF_TOKEN=TOKEN)), {"error: login-without-id"}),
    "id of another case": (job(LOGIN, UPLOAD + env(HF_TOKEN="${{ steps.HF.outputs.TOKEN }}")), set()),
    # other jobs
    "another job": (job(LOGIN, name="login") + job(UPLOAD), {"error: no-token-in-job"}),
    "another job with a secret": (
        job(LOGIN, name="login") + job(UPLOAD + env(HF_TOKEN=SECRET)),
        {"warning: migrate-login", "warning: migrate-secret"},
    ),
    "another job, of which the id is used": (
        job(LOGIN, name="login") + job(UPLOAD + env(HF_TOKEN=TOKEN)),
        {"error: login-without-id"},
    ),
    "another job that reads": (job(LOGIN, name="login") + job("- run: hf download acme/model"), set()),
    "another job on a runner of your own": (job(LOGIN, name="login") + job(UPLOAD, runner="[self-hosted]"), set()),
    "another job that logs in itself": (job(LOGIN, name="login") + job("- uses: ./login", UPLOAD), set()),
    "another job that stores a token": (
        job(LOGIN, name="login") + job("- run: hf auth login --token $T", UPLOAD),
        set(),
    ),
    "another step with hf-oidc": (
        job("- run: hf-oidc run acme/model -- hf upload acme/model .", "- run: hf upload acme/model x"),
        {"warning: token-of-other-steps"},
    ),
    "another step with HF_OIDC_RESOURCE": (
        job(UPLOAD + env(HF_OIDC_RESOURCE="acme/model"), "- run: hf upload acme/model x"),
        {"warning: token-of-other-steps"},
    ),
    "no login anywhere": (job(UPLOAD), set()),
    # not passed to the step
    "kept": (job(KEPT, UPLOAD), {"warning: token-not-exported"}),
    "kept, in PowerShell": (job(KEPT, "- run: ./x.ps1 $env:HF_TOKEN\n  shell: pwsh"), {"warning: token-not-exported"}),
    "kept, in cmd": (job(KEPT, "- run: x.bat %HF_TOKEN%\n  shell: cmd"), {"warning: token-not-exported"}),
    "kept, in Python": (
        job(KEPT, python("HfApi().upload_folder(repo_id='acme/model')")),
        {"warning: token-not-exported"},
    ),
    "kept, and given": (job(KEPT, UPLOAD + env(HF_TOKEN=TOKEN)), set()),
    "kept, and given under another name": (
        job(KEPT, "- run: hf upload acme/model . --token $T" + env(T=TOKEN)),
        set(),
    ),
    "kept, and read for one step": (
        job(KEPT, "- run: x" + env(HF_TOKEN=TOKEN), "- run: hf download acme/model"),
        set(),
    ),
    "kept, for a download": (job(KEPT, "- run: hf download acme/model"), {"warning: token-not-exported"}),
    "kept, and another repository read": (job(KEPT, "- run: hf download acme/public"), set()),
    "other names": (job(BOTH, UPLOAD), {"warning: token-under-another-name"}),
    "other names, given": (
        job(BOTH, UPLOAD + env(HF_TOKEN="${{ env.MODEL_TOKEN }}")),
        set(),
    ),
    "other names, from the output": (
        job(BOTH, UPLOAD + env(HF_TOKEN="${{ fromJSON(steps.hf.outputs.tokens).MODEL_TOKEN }}")),
        set(),
    ),
    "exported by hf-oidc": (job("- run: hf-oidc env acme/model --format github", UPLOAD), set()),
    # conditions
    "a boolean": (job(LOGIN, when("steps.hf.outputs.authenticated == true")), {"error: authenticated-never"}),
    "a boolean, negated": (
        job(
            LOGIN,
            when("steps.hf.outputs.authenticated != false && true == false || steps.hf.outputs.authenticated == true"),
        ),
        {"error: authenticated-never"},
    ),
    "a boolean and more": (
        job(SOFT, when("github.ref_name == 'main' && steps.hf.outputs.authenticated == true")),
        {"error: authenticated-never"},
    ),
    "a truth": (
        job(SOFT, when("steps.hf.outputs.authenticated")),
        {"warning: authenticated-always", "warning: token-unchecked"},
    ),
    "a truth and more": (
        job(SOFT, when("${{ steps.hf.outputs['authenticated'] && inputs.x }}")),
        {"warning: authenticated-always", "warning: token-unchecked"},
    ),
    "a string": (job(SOFT, when("${{ steps.hf.outputs.authenticated == 'true' }}")), set()),
    "the opposite": (
        job(SOFT, when("steps.hf.outputs.authenticated != 'true'", "- run: hf download acme/public")),
        set(),
    ),
    "a boolean in another job": (
        job(SOFT, name="login", rest="outputs: {ok: '${{ steps.hf.outputs.authenticated }}'}")
        + job("- run: make", rest="needs: login\nif: needs.login.outputs.ok == true"),
        {"error: authenticated-never"},
    ),
    "a truth in another job": (
        job(SOFT, name="login", rest="outputs: {ok: '${{ steps.hf.outputs.authenticated }}'}")
        + job("- run: make", rest="needs: login\nif: needs.login.outputs.ok"),
        {"warning: authenticated-always"},
    ),
    "a string in another job": (
        job(SOFT, name="login", rest="outputs: {ok: '${{ steps.hf.outputs.authenticated }}'}")
        + job("- run: make", rest="needs: login\nif: needs.login.outputs.ok == 'true'"),
        set(),
    ),
    # a login that may fail
    "soft": (job(SOFT, UPLOAD), {"warning: token-unchecked"}),
    "soft, otherwise": (job(LOGIN + "\n  continue-on-error: true", UPLOAD), {"warning: token-unchecked"}),
    "soft, with a condition": (job(SOFT, when("github.ref_name == 'main'")), {"warning: token-unchecked"}),
    "soft, and checked": (
        job(SOFT, when("steps.hf.outputs.authenticated == 'true' && github.ref_name == 'main'")),
        set(),
    ),
    "soft, and the variable checked": (job(SOFT, when("env.HF_TOKEN != ''")), set()),
    "soft, and the outcome checked": (
        job(LOGIN + "\n  continue-on-error: true", when("steps.hf.outcome == 'success'")),
        set(),
    ),
    "soft, and the wrong outcome checked": (
        job(SOFT, when("steps.hf.outcome == 'success'")),
        {"warning: token-unchecked"},
    ),
    "soft, and perhaps checked": (job(SOFT, when("steps.other.outputs.ok == 'yes'")), set()),
    "soft, and checked in the script": (
        job(SOFT, script('[ -z "$HF_TOKEN" ] && exit', "hf upload acme/model .")),
        set(),
    ),
    "soft, and a download": (job(SOFT, "- run: hf download acme/model"), set()),
    "soft, and allowed to fail": (job(SOFT, UPLOAD + "\n  continue-on-error: true"), set()),
    "always": (job(LOGIN, when("always()")), {"warning: runs-after-failed-login"}),
    "not cancelled": (
        job(LOGIN, when("${{ !cancelled() && github.ref_name == 'main' }}")),
        {"warning: runs-after-failed-login"},
    ),
    "always, and checked": (job(LOGIN, when("always() && steps.hf.outcome == 'success'")), set()),
    "always, and no use of the token": (job(LOGIN, when("always()", "- run: make clean")), set()),
    # a login with a condition
    "a login that is skipped": (
        job(when("github.event_name == 'pull_request'", LOGIN), UPLOAD),
        {"error: login-skipped", "warning: never-reached"},
    ),
    "a login that may be skipped": (job(when("vars.PUBLISH == 'yes'", LOGIN), UPLOAD), set()),
    "a login and its use with the same condition": (
        job(when("github.ref_name == 'main'", LOGIN), when("github.ref_name == 'main'")),
        set(),
    ),
    "a login that is skipped, and checked": (
        job(
            when("github.event_name == 'push'", LOGIN),
            when("steps.hf.outputs.authenticated == 'true'"),
        ),
        set(),
    ),
    # two logins
    "two logins in turn": (
        job(LOGIN, UPLOAD, DATA, "- run: hf upload acme/corpus . --repo-type dataset"),
        {"error: duplicate-id"},
    ),
    "a second login": (
        job(LOGIN, DATA.replace("hf\n", "data\n"), UPLOAD),
        {"error: login-replaced"},
    ),
    "a second login, and each given": (
        job(LOGIN, DATA.replace("hf\n", "data\n"), UPLOAD + env(HF_TOKEN=TOKEN)),
        set(),
    ),
    "the same again": (job(LOGIN, "- run: python train.py", LOGIN.replace("hf\n", "again\n"), UPLOAD), set()),
    # parallel steps
    "background": (job(LOGIN + "\n  background: true", UPLOAD), {"error: token-before-wait"}),
    "background, and waited for": (job(LOGIN + "\n  background: true", "- wait: hf", UPLOAD), set()),
    "background, and all waited for": (job(LOGIN + "\n  background: true", "- wait-all:", UPLOAD), set()),
    "background, and waited for too late": (
        job(LOGIN + "\n  background: true", UPLOAD, "- wait: hf"),
        {"error: token-before-wait"},
    ),
    "parallel": (job("- parallel:\n" + textwrap.indent(f"{LOGIN}\n- run: make", "  "), UPLOAD), set()),
    "parallel with its use": (
        job("- parallel:\n" + textwrap.indent(f"{LOGIN}\n{UPLOAD}", "  ")),
        {"error: token-before-wait"},
    ),
    "two logins in parallel": (
        job(parallel(LOGIN, SECOND)),
        {"warning: parallel-logins"},
    ),
    "two logins in the background": (
        job(LOGIN + "\n  background: true", SECOND + "\n  background: true", "- wait-all:"),
        {"warning: parallel-logins"},
    ),
    "a login beside one in the background": (
        job(LOGIN + "\n  background: true", SECOND, "- wait: hf"),
        {"warning: parallel-logins"},
    ),
    "a login after one in the background": (
        job(LOGIN + "\n  background: true", "- wait: hf", SECOND),
        set(),
    ),
    "two logins in parallel, each with a variable of its own": (
        job(parallel(OF_A, OF_B)),
        set(),
    ),
    "two logins in parallel, for git": (
        job(
            parallel(
                OF_A + "\n    git-credentials: true",
                OF_B + "\n    git-credentials: true",
            )
        ),
        {"warning: parallel-logins"},
    ),
    "two logins in parallel for one repository": (job(parallel(LOGIN, LOGIN.replace("id: hf", "id: again"))), set()),
    "two logins in parallel that export nothing": (
        job(parallel(KEPT, SECOND + "\n    export-env: false")),
        set(),
    ),
    "one of two logins in parallel": (
        job(
            parallel(
                when("github.ref_name == 'main'", LOGIN),
                when("github.ref_name != 'main'", SECOND),
            )
        ),
        set(),
    ),
    # a fall-back
    "soft, with another token": (
        job(SOFT, UPLOAD + env(HF_TOKEN="${{ steps.hf.outputs.token || secrets.HF_TOKEN }}")),
        set(),
    ),
    "soft, with nothing else": (
        job(SOFT, UPLOAD + env(HF_TOKEN="${{ steps.hf.outputs.token || '' }}")),
        {"warning: token-unchecked"},
    ),
    # the repository
    "another repository": (job(LOGIN, "- run: hf upload acme/other ."), {"error: other-repository"}),
    "another repository, by git": (
        job(LOGIN, "- run: git push https://u:$HF_TOKEN@huggingface.co/spaces/acme/demo main"),
        {"error: other-repository"},
    ),
    "another repository, by an action": (
        job(
            LOGIN,
            "- uses: huggingface/hub-sync@v1\n  with: {huggingface_repo_id: acme/x, hf_token: '${{ env.HF_TOKEN }}'}",
        ),
        {"error: other-repository"},
    ),
    "another repository, in Python": (job(LOGIN, python("m.push_to_hub('acme/other')")), {"error: other-repository"}),
    "another repository is read": (job(LOGIN, "- run: hf download acme/other"), set()),
    "another repository, of two": (
        job(BOTH, UPLOAD + env(HF_TOKEN="${{ env.DATA_TOKEN }}")),
        {"error: other-repository"},
    ),
    "another repository, by HF_OIDC_RESOURCE": (
        job("- run: hf upload acme/other ." + env(HF_OIDC_RESOURCE="acme/model")),
        {"error: other-repository"},
    ),
    "another repository, by hf-oidc": (
        job("- run: hf-oidc run acme/model -- hf upload acme/other ."),
        {"error: other-repository"},
    ),
    "in another case": (job(LOGIN, "- run: hf upload Acme/Model ."), set()),
    "a forgotten prefix": (job(LOGIN, UPLOAD + " --repo-type dataset"), {"error: missing-prefix"}),
    "a forgotten prefix of a Space": (
        job(LOGIN, "- run: git push https://u:$HF_TOKEN@huggingface.co/spaces/acme/model main"),
        {"error: missing-prefix"},
    ),
    "a forgotten prefix for hf-oidc": (
        job("- run: hf-oidc run acme/model -- hf upload acme/model . --repo-type space"),
        {"error: missing-prefix"},
    ),
    "a forgotten prefix in HF_OIDC_RESOURCE": (
        job(UPLOAD + " --repo-type dataset" + env(HF_OIDC_RESOURCE="acme/model")),
        {"error: missing-prefix"},
    ),
    "a forgotten type": (job(DATA, "- run: hf upload acme/corpus ."), {"error: missing-repo-type"}),
    "a forgotten type in Python": (
        job(DATA, python("HfApi().upload_folder(folder_path='.', repo_id='acme/corpus')")),
        {"error: missing-repo-type"},
    ),
    "an unknown type": (job(DATA, python("d.push_to_hub('acme/corpus')")), set()),
    "an unknown repository": (job(LOGIN, '- run: hf upload "$REPO" .', "- run: hf upload ${{ vars.R }} ."), set()),
    "an unknown resource": (job(LOGIN.replace("acme/model", "${{ vars.R }}"), UPLOAD), set()),
    "a user": (job(LOGIN.replace("acme/model", "ada"), UPLOAD), {"error: user-cannot-write"}),
    "a user who reads": (job(LOGIN.replace("acme/model", "ada"), "- run: hf download acme/gated"), set()),
    "a row of the matrix": (
        job(
            LOGIN.replace("acme/model", "${{ matrix.r }}"),
            "- run: hf upload ${{ matrix.r }} .",
            rest="strategy: {matrix: {r: [acme/a, acme/b]}}",
        ),
        set(),
    ),
    "a wrong row of the matrix": (
        job(
            LOGIN.replace("acme/model", "${{ matrix.r }}"),
            "- run: hf upload acme/a .",
            rest="strategy: {matrix: {r: [acme/a, acme/b]}}",
        ),
        {"error: other-repository"},
    ),
    # what the token cannot do
    "a new repository": (job(LOGIN, "- run: hf repo create acme/model"), {"warning: beyond-the-token"}),
    "a repository that may exist": (job(LOGIN, "- run: hf repo create acme/model --exist-ok"), set()),
    "a tag": (job(LOGIN, python("HfApi().create_tag('acme/model', tag='v1')")), {"warning: beyond-the-token"}),
    "a restart": (
        job(LOGIN.replace("acme/model", "spaces/acme/demo"), "- run: hf spaces restart acme/demo"),
        {"warning: beyond-the-token"},
    ),
    # an hour
    "long": (job(LOGIN, "- run: python train.py", UPLOAD, rest="timeout-minutes: 600"), {"warning: token-expires"}),
    "a long step": (job(LOGIN, "- run: ./train\n  timeout-minutes: 90", UPLOAD), {"warning: token-expires"}),
    "long, in one script": (
        job(LOGIN, script("torchrun train.py", "hf upload acme/model ."), rest="timeout-minutes: 120"),
        {"warning: token-expires"},
    ),
    "long, and then a login": (job("- run: python train.py", LOGIN, UPLOAD, rest="timeout-minutes: 600"), set()),
    "long, and a login again": (
        job(LOGIN, "- run: python train.py", LOGIN.replace("hf\n", "again\n"), UPLOAD, rest="timeout-minutes: 600"),
        set(),
    ),
    "long, and renewed": (
        job("- run: hf-oidc run --keep-fresh acme/model -- python train.py", rest="timeout-minutes: 600"),
        set(),
    ),
    "long, with an agent": (
        job(KEPT, f"{AGENT}\n  background: true", "- run: python train.py", UPLOAD, rest="timeout-minutes: 600"),
        set(),
    ),
    "an agent in the same script": (
        job(script("hf-oidc agent acme/model --token-file /t &", "python train.py"), UPLOAD),
        set(),
    ),
    "long, with huggingface_hub's own login": (
        job("- run: python train.py", UPLOAD, rest="timeout-minutes: 600\nenv: {HF_OIDC_RESOURCE: acme/model}"),
        set(),
    ),
    "long, but quick steps": (
        job(LOGIN, "- run: pip install x && ls -l", "- uses: actions/cache@v4", UPLOAD, rest="timeout-minutes: 600"),
        set(),
    ),
    "an hour": (job(LOGIN, "- run: python train.py", UPLOAD, rest="timeout-minutes: 60"), set()),
    "a short step": (
        job(LOGIN, "- run: ./x\n  timeout-minutes: 5", UPLOAD, rest="timeout-minutes: 600"),
        set(),
    ),
    "no limit": (job(LOGIN, "- run: python train.py", UPLOAD), set()),
}


def test_parallel_logins_are_shown_as_one_step() -> None:
    """With a variable for each token, so that one step replaces both."""
    text = said(HEAD + job(parallel(LOGIN, SECOND)), "parallel-logins")
    assert "and both set HF_TOKEN for later steps" in text
    assert text.endswith("with:\n  resource: |\n    MODEL_TOKEN=acme/model\n    DATASET_TOKEN=datasets/acme/corpus")


def test_parallel_logins_for_models_are_shown_with_different_variables() -> None:
    """Two models cannot share MODEL_TOKEN; git is set up by the one step, too."""
    git = "\n    git-credentials: true"
    other = LOGIN.replace("acme/model", "acme/other").replace("id: hf", "id: other")
    text = said(HEAD + job(parallel(LOGIN + git, other + git)), "parallel-logins")
    assert "both set HF_TOKEN, GIT_CONFIG_COUNT for" in text
    assert "MODEL_TOKEN=acme/model\n    MODEL_TOKEN_2=acme/other\n  git-credentials: true" in text


@pytest.mark.parametrize(("jobs", "expected"), FLOWS.values(), ids=FLOWS)
def test_the_flow_of_a_token(jobs: str, expected: set[str]) -> None:
    """The errors and warnings, and no other."""
    assert found(HEAD + jobs) == expected


def test_runs_that_skip_the_login() -> None:
    """They are named, if others do not."""
    jobs = job(when("github.event_name == 'push'", LOGIN), UPLOAD)
    text = HEAD.replace("push: {", "workflow_dispatch: , push: {") + jobs
    assert found(text) == {"warning: login-skipped"}
    assert "for `workflow_dispatch` the login" in said(text, "login-skipped")
    assert "if: github.event_name == 'push'" in said(text, "login-skipped")


def test_a_composite_action_hands_its_token_on() -> None:
    """As the steps inside of it do; its own ids are not those of the job."""
    action = "runs:\n  using: composite\n  steps:\n" + textwrap.indent(LOGIN, "    ")
    files = {".github/actions/login/action.yml": action}
    uses = "- uses: ./.github/actions/login"
    assert found(HEAD + job(uses, UPLOAD), files) == set()
    assert found(HEAD + job(UPLOAD, uses), files) == {"error: token-before-login"}
    assert found(HEAD + job(uses, "- run: hf upload acme/other ."), files) == {"error: other-repository"}
    inside = (
        action + "\n" + textwrap.indent("- run: hf upload acme/model .\n  shell: bash" + env(HF_TOKEN=TOKEN), "    ")
    )
    assert found(HEAD + job(uses), {".github/actions/login/action.yml": inside}) == set()


S = f"HF_TOKEN: {SECRET}"
SECRETS: dict[str, tuple[str, set[str]]] = {
    "of a step": (job(LOGIN, UPLOAD + env(HF_TOKEN=SECRET)), {"warning: token-replaced"}),
    "of a step, under the older name": (
        job(LOGIN, UPLOAD + env(HUGGING_FACE_HUB_TOKEN=SECRET)),
        {"warning: token-replaced"},
    ),
    "of the job": (job(LOGIN, UPLOAD, rest=f"env:\n  {S}"), {"warning: secret-remains"}),
    "of the job, and the token kept": (job(KEPT, UPLOAD, rest=f"env:\n  {S}"), {"warning: secret-remains"}),
    "of the job, under another name": (
        job(LOGIN, UPLOAD, rest=f"env:\n  TOKEN: {SECRET}\n  A: b"),
        {"warning: secret-remains"},
    ),
    "of a step, under another name": (job(LOGIN, "- run: ./x" + env(HF_HUB_TOKEN=SECRET)), {"warning: secret-remains"}),
    "of a step, under another secret's name": (
        job(LOGIN, "- run: ./x" + env(HUGGINGFACE_TOKEN="${{ secrets.DEPLOY }}")),
        {"warning: secret-remains"},
    ),
    "of an action": (
        job(
            LOGIN.replace("acme/model", "spaces/acme/demo"),
            "- uses: huggingface/hub-sync@v1\n  with:\n    huggingface_repo_id: acme/demo\n    hf_token: " + SECRET,
        ),
        {"warning: secret-remains"},
    ),
    "exported": (job(LOGIN, script(f"export HF_TOKEN={SECRET}", "python x.py")), {"warning: secret-remains"}),
    "exported in PowerShell": (
        job(LOGIN, script(f'$env:HF_TOKEN = "{SECRET}"', "python x.py", rest="shell: pwsh")),
        {"warning: secret-remains"},
    ),
    "for later steps": (
        job(LOGIN, f'- run: echo "HF_TOKEN={SECRET}" >> "$GITHUB_ENV"', UPLOAD),
        {"warning: secret-remains"},
    ),
    "as an option": (job(LOGIN, f'- run: hf upload acme/model . --token "{SECRET}"'), {"warning: secret-remains"}),
    "as an option of another command": (job(LOGIN, f"- run: ./x --hf-token={SECRET}"), {"warning: secret-remains"}),
    "stored by a command": (
        job(LOGIN, script(f"hf auth login --token {SECRET} --add-to-git-credential", "hf upload acme/model .")),
        {"warning: secret-remains"},
    ),
    "in Python": (
        job(LOGIN, python(f"HfApi(token='{SECRET}').upload_folder(repo_id='acme/model', folder_path='.')")),
        {"warning: secret-remains"},
    ),
    "in git's URL": (
        job(LOGIN, f"- run: git push https://u:{SECRET}@huggingface.co/acme/model main"),
        {"warning: secret-remains"},
    ),
    "in a header": (
        job(
            LOGIN,
            f"- run: 'curl -H \"Authorization: Bearer {SECRET}\" https://huggingface.co/acme/model/resolve/main/x'",
        ),
        {"warning: secret-remains"},
    ),
    "in brackets": (job(LOGIN, UPLOAD + env(HF_TOKEN="${{ secrets['HF_TOKEN'] }}")), {"warning: token-replaced"}),
    "ignored": (
        job(UPLOAD + env(HF_TOKEN=SECRET), rest="env:\n  HF_OIDC_RESOURCE: acme/model"),
        {"warning: secret-ignored"},
    ),
    "ignored in a step": (
        job(UPLOAD + env(HF_OIDC_RESOURCE="acme/model", HF_TOKEN=SECRET)),
        {"warning: secret-ignored"},
    ),
    "beside hf-oidc": (
        job(
            "- run: hf-oidc run acme/model -- hf upload acme/model .",
            "- run: hf download acme/model" + env(HF_TOKEN=SECRET),
        ),
        {"warning: token-replaced"},
    ),
    "in a later row of the matrix": (
        job(
            LOGIN.replace("acme/model", "${{ matrix.r }}"),
            "- run: hf upload ${{ matrix.r }} ." + env(HF_TOKEN=SECRET),
            rest="strategy: {matrix: {r: [acme/a, acme/b]}}",
        ),
        {"warning: token-replaced"},
    ),
    "of another service": (job(LOGIN, "- run: ./x" + env(TOKEN="${{ secrets.NPM_TOKEN }}")), set()),
    "a user name": (job(LOGIN, "- run: ./x" + env(HF_USERNAME="${{ secrets.HF_USERNAME }}")), set()),
}


@pytest.mark.parametrize(("jobs", "expected"), SECRETS.values(), ids=SECRETS)
def test_stored_tokens_that_a_login_makes_superfluous(jobs: str, expected: set[str]) -> None:
    """Each place where one remains, once."""
    assert found(HEAD + jobs) == expected
    assert len([each for each in examined(HEAD + jobs).all_findings if each.severity == "warning"]) == len(expected)


NEEDED: dict[str, tuple[str, str, str]] = {
    "another repository": (
        job(LOGIN, "- run: hf upload acme/other ." + env(HF_TOKEN=SECRET)),
        "secret-for-another",
        "`acme/other`",
    ),
    "another kind": (
        job(LOGIN, UPLOAD + " --repo-type dataset" + env(HF_TOKEN=SECRET)),
        "secret-for-another",
        "`datasets/acme/model`",
    ),
    "another repository, read": (
        job(LOGIN, "- run: hf download acme/private" + env(HF_TOKEN=SECRET)),
        "secret-for-another",
        "`acme/private`",
    ),
    "another repository, of the job": (
        job(KEPT, "- run: hf upload acme/other .", rest=f"env: {{HF_TOKEN: '{SECRET}'}}"),
        "secret-for-another",
        "`acme/other`",
    ),
    "a new repository": (
        job(LOGIN, "- run: hf repo create acme/new" + env(HF_TOKEN=SECRET)),
        "secret-needed",
        "create a repository",
    ),
    "a tag": (
        job(LOGIN, python("HfApi().create_tag('acme/model', tag='v1')") + env(HF_TOKEN=SECRET)),
        "secret-needed",
        "create a tag",
    ),
    "who it is": (job(LOGIN, "- run: hf auth whoami" + env(HF_TOKEN=SECRET)), "secret-needed", "ask who the user is"),
    "a restart": (
        job(
            LOGIN,
            f"- run: 'curl -X POST -H \"Authorization: Bearer {SECRET}\" https://huggingface.co/api/spaces/acme/demo/restart'",
        ),
        "secret-needed",
        "restart",
    ),
    "a fall-back": (
        job(LOGIN, UPLOAD + env(HF_TOKEN="${{ steps.hf.outputs.token || secrets.HF_TOKEN }}")),
        "secret-falls-back",
        "another value",
    ),
}


@pytest.mark.parametrize(("jobs", "code", "reason"), NEEDED.values(), ids=NEEDED)
def test_stored_tokens_that_are_still_needed(jobs: str, code: str, reason: str) -> None:
    """A note with the reason; nothing says that they are not needed."""
    assert (found(HEAD + jobs), code in notes(HEAD + jobs)) == (set(), True)
    assert reason in said(HEAD + jobs, code)
    assert "no longer" not in said(HEAD + jobs, code)


@pytest.mark.parametrize(
    ("step", "expected"), [(UPLOAD, {"warning: secret-passed"}), ("- run: hf repo create acme/x", set())]
)
def test_a_secret_that_is_passed_to_a_workflow_that_logs_in(step: str, expected: set[str]) -> None:
    """It is superfluous, unless the called workflow needs it for something else."""
    called = "on: {workflow_call: {secrets: {HF_TOKEN: {required: false}}}}\njobs:\n"
    called += job(LOGIN, step + (env(HF_TOKEN=SECRET) if "create" in step else ""))
    call = f"  call:\n    uses: ./.github/workflows/called.yml\n    secrets:\n      {S}\n"
    assert found(HEAD + call, {".github/workflows/called.yml": called}) == expected


def test_a_secret_of_the_workflow() -> None:
    """There is one finding, and none that calls it superfluous if a job without a login needs it."""
    top = HEAD.replace("jobs:", f"env:\n  {S}\njobs:")
    two = [job(LOGIN, UPLOAD, name="one"), job(LOGIN, UPLOAD, name="two")]
    assert [each.code for each in examined(top + "".join(two)).all_findings] == ["secret-remains"]
    other = job("- run: hf upload acme/other .", name="three")
    assert "secret-remains" not in found(top + two[0] + other)


OLD = "on: {push: {branches: [main]}}\njobs:\n"
STEP = UPLOAD + env(HF_TOKEN=SECRET)


def test_a_job_that_does_not_log_in_yet() -> None:
    """What to change, by line, and the publisher to add."""
    report = examined(OLD + job("- uses: actions/checkout@v7", STEP))
    told = [(each.code, each.line) for each in report.all_findings]
    assert told == [("migrate-permissions", 3), ("migrate-login", 7), ("migrate-secret", 9)]
    (only,) = report.jobs
    assert [str(each) for each in only.resources] == ["acme/model"]
    assert [(field.name, field.value) for field in only.fields] == [
        ("repository", "acme/trainer"),
        ("branch", "main"),
        ("workflow", "publish.yml"),
    ]
    assert "--migrate" in said(OLD + job(STEP), "migrate-login")


CLONED = "https://u:$HF_TOKEN@huggingface.co/spaces/acme/demo"


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ("- run: python publish.py" + env(HF_TOKEN=SECRET), "secret-in-use"),
        ("- run: pytest" + env(HF_TOKEN=SECRET), "secret-in-use"),
        ("- run: hf download $NAME" + env(HF_TOKEN=SECRET), "secret-in-use"),
        ("- run: hf download acme/gated" + env(HF_TOKEN=SECRET), "secret-reads"),
        (script(f"git remote add h {CLONED}", "git fetch h", "git push") + env(HF_TOKEN=SECRET), "secret-reads"),
        (script("hf repo create acme/model", "hf upload acme/model .") + env(HF_TOKEN=SECRET), "secret-needed"),
    ],
)
def test_a_job_without_a_login_of_which_less_is_known(step: str, code: str) -> None:
    """Only a note."""
    assert (found(OLD + job(step)), notes(OLD + job(step))) == (set(), {code})


def test_a_stored_token_that_only_reads() -> None:
    """The note names what it reads. A login for that repository can replace it."""
    one, two = "hf download acme/gated", "hf download other/data --repo-type dataset"
    told = said(OLD + job(f"- run: {one}" + env(HF_TOKEN=SECRET)), "secret-reads")
    assert "reads acme/gated " in told
    assert "--migrate --resource acme/gated`" in told
    told = said(OLD + job(script(one, two) + env(HF_TOKEN=SECRET)), "secret-reads")
    assert "reads acme/gated, datasets/other/data " in told
    assert "--migrate" not in told


def test_another_repository_in_each_row_of_a_matrix() -> None:
    """No login of the job is for all of them: the advice has the value of the row, as --migrate writes it."""
    matrix = "strategy: {matrix: {name: [one, two]}}"
    text = HEAD + job("- run: hf upload acme/${{ matrix.name }} ." + env(HF_TOKEN=SECRET), rest=matrix)
    assert "resource: acme/${{ matrix.name }}" in said(text, "migrate-login")
    computed = HEAD + job(
        "- run: hf upload acme/$NAME ." + env(HF_TOKEN=SECRET, NAME="x-${{ matrix.name }}"), rest=matrix
    )
    assert (found(computed), notes(computed)) == (set(), {"secret-in-use"})


def test_a_step_that_uses_the_token_for_several_repositories() -> None:
    """A variable with the token for one of them does not replace it."""
    netrc = "- run: echo machine huggingface.co password $HF_TOKEN > ~/.netrc" + env(HF_TOKEN=SECRET)
    push = script("git push https://huggingface.co/acme/a main", "git push https://huggingface.co/acme/b main")
    assert notes(HEAD + job(netrc, push)) == {"secret-in-use"}
    assert "env.MODEL_TOKEN" not in said(HEAD + job(netrc, push), "migrate-login")


def test_a_stored_token_for_something_else_before_the_login() -> None:
    """Without it, the step would have no token."""
    before = "- run: python summarize.py" + env(HF_TOKEN="${{ secrets.HF_INFERENCE }}")
    assert (found(HEAD + job(before, LOGIN, UPLOAD)), notes(HEAD + job(before, LOGIN, UPLOAD))) == (
        set(),
        {"secret-in-use"},
    )


def test_several_repositories_of_a_job_that_does_not_log_in_yet() -> None:
    """One login for both, each with its own variable."""
    second = "- run: hf upload acme/corpus . --repo-type dataset" + env(HF_TOKEN=SECRET)
    text = said(HEAD + job(STEP, second), "migrate-login")
    assert "MODEL_TOKEN=acme/model" in text
    assert "DATASET_TOKEN=datasets/acme/corpus" in text
    assert "HF_TOKEN: ${{ env.DATASET_TOKEN }}" in said(HEAD + job(STEP, second), "migrate-secret")
