"""One step for several repositories, and git with the tokens, on a real workflow engine.

In these jobs nothing is a stand-in: hf, git and git-lfs are the real ones, and Local Hub holds the repositories. Those
are private, so that a clone needs a token as well. What each job finds on its machine it leaves in /seen.
"""

import base64
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.runner import Runner, WorkflowRun
from tests.e2e.story import EXAMPLE, EXAMPLES, MODEL, REQUEST_TOKEN, configure, job_identity, publishers, trust
from tests.e2e.test_act import assert_nothing_leaked, outcomes
from tests.e2e.test_github_examples import job
from tests.leaks import leaks
from tests.local_hub_process import LocalHub
from tests.scripted_server import Answer, Recorded, scripted_server

DATASET = "datasets/acme/corpus"
RESOURCES = {"MODEL_TOKEN": MODEL, "DATA_TOKEN": DATASET}
WORKFLOW = """
name: Release
on: push
permissions: {}
jobs:
  release:
    runs-on: ubuntu-latest
    permissions: {contents: read, id-token: write}
    steps:
      - uses: actions/checkout@v6
"""
ONE_STEP = """
      - name: Log in
        id: hf
        uses: org/hf-oidc-action@v1
        with:
          git-credentials: true
          resource: |
            MODEL_TOKEN=acme/awesome-model
            DATA_TOKEN=datasets/acme/corpus
"""
TWO_STEPS = """
      - name: Log in
        uses: org/hf-oidc-action@v1
        with: {resource: MODEL_TOKEN=acme/awesome-model, git-credentials: true}
      - name: Log in once more
        uses: org/hf-oidc-action@v1
        with: {resource: DATA_TOKEN=datasets/acme/corpus, git-credentials: true}
"""
UPLOAD = """
      - name: Upload the model
        run: hf upload acme/awesome-model release.txt
        env: {HF_TOKEN: "${{ env.MODEL_TOKEN }}"}
      - name: Upload the dataset
        run: hf upload acme/corpus release.txt --repo-type dataset
        env: {HF_TOKEN: "${{ fromJSON(steps.hf.outputs.tokens).DATA_TOKEN }}"}
      - name: Upload the model with the token of the dataset
        run: if hf upload acme/awesome-model wrong.txt; then exit 1; fi
        env: {HF_TOKEN: "${{ fromJSON(steps.hf.outputs.tokens).DATA_TOKEN }}"}
      - name: Upload the dataset with the token of the model
        run: if hf upload acme/corpus wrong.txt --repo-type dataset; then exit 1; fi
        env: {HF_TOKEN: "${{ env.MODEL_TOKEN }}"}
      - name: Keep
        run: printf %s "$MODEL_TOKEN" > /seen/MODEL_TOKEN && printf %s "$DATA_TOKEN" > /seen/DATA_TOKEN
"""
WHAT_IS_THERE = """
      - name: See what is there
        if: always()
        run: |
          echo "exported: ${MODEL_TOKEN-}${DATA_TOKEN-}${HF_TOKEN-}${GIT_CONFIG_COUNT-}."
          echo "outputs: $OUTPUTS."
          echo "authenticated: $AUTHENTICATED."
        env:
          OUTPUTS: ${{ steps.hf.outputs.token }}${{ steps.hf.outputs.tokens }}${{ steps.hf.outputs.expires-at }}
          AUTHENTICATED: ${{ steps.hf.outputs.authenticated }}
"""
# While the hook runs, git's processes hold the token; it writes their arguments down.
PUSH_SCRIPT = """
set -e
git lfs install
git clone --quiet "$HF_ENDPOINT/$1" "$2"
cd "$2"
git lfs install --local
echo 'cat /proc/[0-9]*/cmdline | tr "\\0" " " >> /seen/commands' >> .git/hooks/pre-push
head -c 100000 /dev/urandom > model.bin
git add --all
git -c user.name=Ada -c user.email=ada@example.com commit --quiet --message "Pushed $2"
git lfs push --all origin
git push --quiet origin main
git clone --quiet "$HF_ENDPOINT/$1.git" "again/$2"
cmp model.bin "again/$2/model.bin"
"""
PUSH_MODEL = """
      - name: Push the model
        run: sh push.sh acme/awesome-model model
        env: {GIT_TRACE2: /seen/programs}
"""
PUSH_DATASET = """
      - name: Push the dataset
        run: sh push.sh datasets/acme/corpus corpus
        env: {GIT_TRACE2: /seen/programs}
"""
PUSH_ELSEWHERE = """
      - name: Push elsewhere
        run: |
          git -C model remote add elsewhere "$ELSEWHERE/acme/awesome-model"
          for command in "lfs push --all elsewhere" "push elsewhere main" "ls-remote elsewhere"; do
            if git -C model $command; then exit 1; fi
          done
        env: {GIT_TERMINAL_PROMPT: "0"}
"""
LOOK = """
      - name: Look for tokens
        run: |
          for name in HF_TOKEN MODEL_TOKEN DATA_TOKEN; do
            if test -n "${!name}"; then printf %s "${!name}" > "/seen/$name"; fi
          done
          for folder in model corpus; do
            if test -d $folder; then git -C $folder config --list --show-origin >> /seen/configuration; fi
          done
          cat /proc/[0-9]*/cmdline | tr '\\0' ' ' >> /seen/commands
          tar --create "$HOME" "$GITHUB_WORKSPACE" /tmp | base64 > /seen/disk
"""
FILES = {"push.sh": PUSH_SCRIPT, "release.txt": "1.0\n", "wrong.txt": "wrong\n"}


TRAINING = """
from pathlib import Path

Path("model").mkdir()
Path("model/config.json").write_text("{}")
Path("model/model.safetensors").write_bytes(bytes(100_000))
"""


def let_in(hub: LocalHub, *resources: str) -> None:
    """Make these repositories, private ones; each trusts the workflow."""
    for resource in resources:
        hub.post("/local-hub/resources", {"resource": resource, "private": True})
        configure(hub, replace(publishers(EXAMPLE)[0], resource=resource))


def seen_tokens(run: WorkflowRun) -> dict[str, str]:
    """The tokens that the job had, by their variables."""
    return {name: text for name, text in run.tokens.items() if name.endswith("_TOKEN")}


def content(hub: LocalHub, resource: str, path: str, token: str, how: str = "resolve") -> bytes:
    """A file of a repository; empty if there is none."""
    got = hub.request("GET", f"/{resource}/{how}/main/{path}", headers={"Authorization": f"Bearer {token}"})
    return got.content if got.status_code == 200 else b""


def assert_pushed(hub: LocalHub, run: WorkflowRun, resource: str, token: str) -> None:
    """A pointer in git, by Ada; the bytes in LFS; [OIDC] is who pushed."""
    assert content(hub, resource, "model.bin", token, "raw").startswith(b"version https://git-lfs"), run.log
    assert len(content(hub, resource, "model.bin", token)) == 100_000
    (entry,) = (entry for entry in hub.get("/local-hub/commits") if entry["resource"] == resource)
    assert (entry["by"], entry["via"]) == ("[OIDC]", "git")


def assert_no_traces(run: WorkflowRun, env: dict[str, str]) -> None:
    """No token in the log, in git's configuration, among the arguments of a program, in the workspace, home or /tmp."""
    tokens = set(seen_tokens(run).values())
    places = {
        name: text.encode() for name, text in run.tokens.items() if name in {"configuration", "commands", "programs"}
    }
    places["disk"] = base64.b64decode(run.tokens["disk"])
    assert b"helper=!hf_oidc()" in places["configuration"]
    assert b"git-remote-http" in places["commands"]
    assert b"git credential fill" in places["programs"]
    assert b"push.sh" in places["disk"]
    assert tokens
    assert not leaks({*tokens, env[REQUEST_TOKEN]}, {"the log": run.log.encode(), **places})


def asks_for_a_password(request: Recorded) -> Answer:
    """As a server elsewhere would. No password is good, and 403 keeps git-lfs from trying one for ever."""
    given = "authorization" in request.headers
    return Answer(status=403) if given else Answer(status=401, headers={"WWW-Authenticate": 'Basic realm="elsewhere"'})


def test_one_step_for_a_model_and_a_dataset(real_runner: Runner, hub: LocalHub, tmp_path: Path) -> None:
    """Each is published with its own token, and neither token is any good for the other."""
    let_in(hub, MODEL, DATASET)
    env = job_identity(hub)
    run = real_runner.run(tmp_path, WORKFLOW + ONE_STEP + UPLOAD, env, FILES)
    assert run.exit_code == 0, run.log
    tokens = seen_tokens(run)
    for name, resource in RESOURCES.items():
        assert content(hub, resource, "release.txt", tokens[name]) == b"1.0\n"
        assert content(hub, resource, "wrong.txt", tokens[name]) == b""
    commits = [(entry["by"], entry["resource"]) for entry in hub.get("/local-hub/commits")]
    assert sorted(commits) == sorted(("[OIDC]", resource) for resource in RESOURCES.values())
    assert len(set(tokens.values())) == 2
    assert_nothing_leaked(run, *tokens.values(), env[REQUEST_TOKEN])


def test_if_the_dataset_refuses_nothing_is_handed_over(real_runner: Runner, hub: LocalHub, tmp_path: Path) -> None:
    """Later steps find no token, not the model's either, and git knows nothing; the log names the one that failed."""
    let_in(hub, MODEL)
    env = job_identity(hub)
    run = real_runner.run(tmp_path, WORKFLOW + ONE_STEP + WHAT_IS_THERE, env)
    assert run.exit_code != 0
    assert sorted(outcomes(hub)) == ["granted", "refused"]
    assert f"DATA_TOKEN ({DATASET})" in run.log
    assert "No token is delivered: 1 of 2 logins failed." in run.log
    told = run.log_of("See what is there")
    assert "exported: .\n" in told
    assert "outputs: .\n" in told
    assert "authenticated: false.\n" in told
    assert_nothing_leaked(run, env[REQUEST_TOKEN])


@pytest.mark.parametrize("login", [ONE_STEP, TWO_STEPS], ids=["one step", "two steps"])
def test_git_and_lfs_push_to_two_repositories(login: str, real_runner: Runner, hub: LocalHub, tmp_path: Path) -> None:
    """Each push finds the token of its own repository, whether one step logged in for both, or one after the other.

    Clone, `git lfs push` and `git push` need no more than the step; another remote asks for a password in vain.
    """
    let_in(hub, MODEL, DATASET)
    env = job_identity(hub)
    paths = [f"/{MODEL}/info/refs", f"/{MODEL}.git/info/lfs/objects/batch"]
    with scripted_server(dict.fromkeys(paths, asks_for_a_password)) as elsewhere:
        workflow = WORKFLOW + login + PUSH_MODEL + PUSH_DATASET + PUSH_ELSEWHERE + LOOK
        run = real_runner.run(tmp_path, workflow, {**env, "ELSEWHERE": elsewhere.url}, FILES)
    assert run.exit_code == 0, run.log
    tokens = seen_tokens(run)
    for name, resource in RESOURCES.items():
        assert_pushed(hub, run, resource, tokens[name])
    assert len(set(tokens.values())) == 2
    assert {request.path for request in elsewhere.requests} >= set(paths)
    assert not [request.path for request in elsewhere.requests if "authorization" in request.headers]
    assert not leaks(tokens.values(), {"requests": "\n".join(map(repr, elsewhere.requests)).encode()})
    assert_no_traces(run, env)


def test_the_example_pushes_with_git(real_runner: Runner, hub: LocalHub, tmp_path: Path) -> None:
    """As it is written. git's own configuration, to which the step's is added, sends it to Local Hub instead."""
    name = "publish-with-git.yml"
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    hub.post("/local-hub/resources", {"resource": MODEL, "private": True})
    trust(hub, text)
    env = job_identity(hub, job(name))
    instead = {"COUNT": "1", "KEY_0": f"url.{hub.hub}/.insteadOf", "VALUE_0": "https://huggingface.co/"}
    added = {f"GIT_CONFIG_{variable}": value for variable, value in instead.items()}
    run = real_runner.run(tmp_path, text, {**env, **added}, {"train.py": TRAINING}, name=name)
    assert run.exit_code == 0, run.log
    (entry,) = (entry for entry in hub.get("/local-hub/commits") if entry["resource"] == MODEL)
    assert (entry["by"], entry["via"]) == ("[OIDC]", "git")
    token = hub.exchange(hub.id_token(**job(name)), MODEL).json()["access_token"]
    assert content(hub, MODEL, "config.json", token) == b"{}"
    assert content(hub, MODEL, "model.safetensors", token, "raw").startswith(b"version https://git-lfs")
    assert content(hub, MODEL, "model.safetensors", token) == bytes(100_000)
    assert "hf_jwt_" not in run.log
    assert_nothing_leaked(run, env[REQUEST_TOKEN])
