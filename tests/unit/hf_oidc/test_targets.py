"""What the steps of a job do with the Hub: by tables of commands, Python code, git and actions."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from hf_oidc.doctor.workflow.model import read_workflow
from hf_oidc.doctor.workflow.token.hub_target import Given, Use
from hf_oidc.doctor.workflow.token.stored_secrets import StoredSecret, stored_secrets
from hf_oidc.doctor.workflow.token.targets import uses_of, written_resources
from hf_oidc.doctor.workflow.yaml_text import read


def read_job(*steps: Any, top: Any = None, **job: Any) -> Any:
    """A workflow with one job of these steps, and the job."""
    given = {"on": "push", **(top or {}), "jobs": {"a": {"runs-on": "ubuntu-latest", **job, "steps": list(steps)}}}
    workflow = read_workflow(read(yaml.safe_dump(given, sort_keys=False)), "a.yml")
    return workflow, workflow.jobs[0]


def uses(*steps: Any, **job: Any) -> list[Use]:
    """The uses of the Hub in the first row of the matrix."""
    return [use for each in uses_of(*read_job(*steps, **job))[0].steps for use in each.uses]


def python(*lines: str) -> str:
    """A script with Python code in it."""
    return "\n".join(["python - <<'EOF'", "from huggingface_hub import HfApi", *lines, "EOF"])


WRITES: list[tuple[str, str | None]] = [
    ("hf upload acme/m .", "acme/m"),
    ("hf upload acme/m . --repo-type dataset", "datasets/acme/m"),
    ("hf upload --repo-type=space acme/m .", "spaces/acme/m"),
    ("hf upload --private acme/m . --type dataset", "datasets/acme/m"),
    ("hf upload --commit-message 'x y' acme/m", "acme/m"),
    ("hf upload datasets/acme/m .", "datasets/acme/m"),
    ("hf upload-large-folder acme/m . --repo-type=dataset", "datasets/acme/m"),
    ("huggingface-cli upload acme/m . .", "acme/m"),
    ("huggingface-cli upload acme/m . . --repo-type model", "acme/m"),
    ("uvx hf upload acme/m .", "acme/m"),
    ("hf upload $REPO .", "acme/of-env"),
    ('hf upload "${REPO}" .', "acme/of-env"),
    ("hf upload ${{ env.REPO }} .", "acme/of-env"),
    ('R=acme/m\nhf upload "$R" .', "acme/m"),
    ("hf upload $OTHER .", None),
    ("hf upload ${{ vars.REPO }} .", None),
    ("hf upload m .", None),
    ("hf upload ./m .", None),
    ("hf repo create acme/m --repo-type dataset --exist-ok", "datasets/acme/m"),
    ("hf sync ./d hf://buckets/acme/b", "buckets/acme/b"),
    ("hf cp ./d hf://acme/m/config.json", "acme/m"),
    ("git push https://u:t@huggingface.co/spaces/acme/m main", "spaces/acme/m"),
    ("git push --force https://huggingface.co/datasets/acme/m.git HEAD:main", "datasets/acme/m"),
    ("git remote add hub https://huggingface.co/spaces/acme/m\ngit push hub main", "spaces/acme/m"),
    ("git push 'https://u:${{ secrets.T }}@hf.co/acme/m' main", "acme/m"),
    (python("HfApi().upload_folder(repo_id='acme/m', folder_path='.')"), "acme/m"),
    (python("R = 'acme/m'", "HfApi().upload_folder(", "  repo_id=R,", "  repo_type='dataset')"), "datasets/acme/m"),
    (python("import os", "HfApi().upload_folder(repo_id=os.environ['REPO'])"), "acme/of-env"),
    (python("HfApi().upload_folder(repo_id=f'{x}/m')"), None),
    (python("model.push_to_hub('acme/m')"), "acme/m"),
    ("python -c \"from huggingface_hub import upload_file; upload_file(repo_id='acme/m')\"", "acme/m"),
    ("hf-oidc run acme/m -- hf upload acme/m .", "acme/m"),
    ("hf-oidc run acme/m -- sh -c 'cd x && hf upload acme/m .'", "acme/m"),
    (
        'curl -X POST -H "Authorization: Bearer $HF_TOKEN" https://huggingface.co/api/models/acme/m/commit/main',
        "acme/m",
    ),
]


@pytest.mark.parametrize(("script", "target"), WRITES)
def test_what_a_script_writes_to(script: str, target: str | None) -> None:
    """The repository with the prefix of its kind; none if a value is not in the file."""
    found = uses({"run": script}, env={"REPO": "acme/of-env"})
    assert [(use.right, use.target and str(use.target)) for use in found] == [("write", target)]


@pytest.mark.parametrize(
    "script",
    [
        "python train.py",
        "echo hf upload acme/m",
        "# hf upload acme/m .",
        "git push origin main",
        "git push https://github.com/acme/m main",
        "python - <<EOF\ns3.upload_file('a', 'b', 'c')\nEOF",
        "pip install huggingface_hub",
        "hf version",
        "curl https://huggingface.co/acme/m/resolve/main/x",
    ],
)
def test_what_is_no_use_of_the_hub(script: str) -> None:
    """Or not known to be one: a script in another file."""
    assert uses({"run": script}) == []


@pytest.mark.parametrize(
    ("inputs", "name", "target"),
    [
        ({"huggingface_repo_id": "acme/m", "hf_token": "x"}, "huggingface/hub-sync@v0.1.0", "spaces/acme/m"),
        ({"huggingface_repo_id": "acme/m", "hf_token": "x", "repo_type": "dataset"}, "a/sync@v1", "datasets/acme/m"),
        ({"huggingface_repo_id": "${{ vars.R }}", "hf_token": "x"}, "huggingface/hub-sync@v0.1.0", None),
        ({"hf-token": "x"}, "a/b@v1", None),
    ],
)
def test_actions_that_take_a_token(inputs: Any, name: str, target: str | None) -> None:
    """huggingface/hub-sync uploads to a Space unless it is told another type."""
    (use,) = uses({"uses": name, "with": inputs})
    assert (use.target and str(use.target), use.given) == (target, Given("text", "x"))
    assert uses({"uses": "actions/cache@v4", "with": {"path": "~/.cache/huggingface", "key": "hf"}}) == []


@pytest.mark.parametrize(
    ("script", "given"),
    [
        ("hf upload acme/m .", None),
        ("hf upload acme/m . --token $T", Given("text", "$T")),
        ("HF_TOKEN=$T hf upload acme/m .", Given("text", "$T")),
        ("export HF_TOKEN=$T\nhf upload acme/m .", Given("text", "$T")),
        ("export HF_TOKEN=x; export HF_OIDC_RESOURCE=acme/m\nhf upload acme/m .", Given("exchange", "acme/m")),
        ("HF_TOKEN=$T true\nhf upload acme/m .", None),
        ("hf-oidc run acme/m -- hf upload acme/m .", Given("login", "acme/m")),
        ('vars=$(hf-oidc env acme/m) || exit; eval "$vars"\nhf upload acme/m .', Given("login", "acme/m")),
        ("hf-oidc env acme/m --format github\nhf upload acme/m .", None),
        ("git push https://u:$T@huggingface.co/acme/m", Given("text", "$T")),
        ("git push https://huggingface.co/acme/m", Given("git")),
    ],
)
def test_where_a_use_takes_its_token_from(script: str, given: Given | None) -> None:
    """The option, what the script sets, or nothing of its own."""
    assert [use.given for use in uses({"run": script}) if use.what != "true"] == [given]


URL = "https://u:$T@huggingface.co/spaces/acme/m"
READ, WRITTEN = ("read", "spaces/acme/m", Given("text", "$T")), ("write", "spaces/acme/m", Given("text", "$T"))
GIT = [
    (f"git remote add hub {URL} || true\ngit fetch hub\ngit merge hub/main\ngit push origin main", [READ]),
    (f"git remote add -f hub {URL}", [READ]),
    (f"git remote add -t main -m main hub {URL}\ngit push hub main", [WRITTEN]),
    (f"git remote add hub {URL}\ngit fetch -t hub", [READ]),
    (f"git remote add hub {URL}\ngit pull -X theirs hub main", [READ]),
    (f"git remote add hub {URL}\ngit remote update", [READ]),
    (f"git remote add hub {URL}\ngit fetch --all", [READ]),
    (f"git remote add hub {URL}\ngit ls-remote --exit-code hub", [READ]),
    (f"git ls-remote {URL} HEAD", [READ]),
    (f"git remote add hub {URL}\ngit subtree push --prefix app hub main", [WRITTEN]),
    (f"git remote add hub {URL}\ngit push --repo=hub", [WRITTEN]),
    (f"git remote add hub {URL}\ngit remote rename hub space\ngit push space main", [WRITTEN]),
    (f"git remote add hub {URL}\ngit remote remove hub\ngit push hub main", []),
    (f"git remote set-url --push origin {URL}\ngit fetch origin\ngit push origin", [WRITTEN]),
    (f"git config remote.hub.url {URL}\ngit push hub main", [WRITTEN]),
    (f"git config --global user.name x\ngit config remote.hub.pushurl {URL}\ngit push hub main", [WRITTEN]),
    (f"git clone -o hub {URL} x\ncd x\ngit push hub main", [READ, WRITTEN]),
    (f"git clone --depth 1 {URL} .\ngit push", [READ, WRITTEN]),
    (f"NAME=hub\nWHERE={URL}\ngit remote add $NAME $WHERE\ngit push $NAME main", [WRITTEN]),
    (f"git push {URL.replace('huggingface.co', 'HuggingFace.co:443')} main", [WRITTEN]),
    ("git remote\ngit remote add\ngit subtree\ngit config\ngit clone\ngit push hub\ngit", []),
]


@pytest.mark.parametrize(("script", "expected"), GIT)
def test_what_git_does_with_the_hub(script: str, expected: list[tuple[str, str, Given]]) -> None:
    """Whether the command names the URL, a variable or a remote."""
    assert [(use.right, str(use.target), use.given) for use in uses({"run": script})] == expected


def test_a_clone_in_the_folder_of_the_job() -> None:
    """Later steps are in it."""
    assert [use.right for use in uses({"run": f"git clone {URL} ."}, {"run": "git push"})] == ["read", "write"]


def test_what_later_steps_keep() -> None:
    """A token that was stored and a remote, but no variable of a script."""
    first = {"run": "hf auth login --token $T\nexport HF_TOKEN=x\ngit remote add hub https://huggingface.co/acme/m"}
    upload, push = uses(first, {"run": "hf upload acme/m ."}, {"run": "git push hub main"})
    assert (upload.saved, upload.given, str(push.target)) == ("$T", None, "acme/m")


@pytest.mark.parametrize(
    "script",
    [
        "git clone https://huggingface.co/spaces/acme/m\ncd m\ngit push",
        'git clone --depth 1 https://u:t@huggingface.co/spaces/acme/m "$TMP/x"\ncd "$TMP/x"\ngit push origin main',
        "git clone https://huggingface.co/spaces/acme/m x\ngit -C x push",
    ],
)
def test_a_clone(script: str) -> None:
    """Its `origin` is the repository, for the commands in its folder."""
    clone, push = uses({"run": script})
    assert (clone.right, str(clone.target)) == ("read", "spaces/acme/m")
    assert (push.right, str(push.target)) == ("write", "spaces/acme/m")
    assert [use.what for use in uses({"run": script}, {"run": "git push origin main"})] == ["git clone", "git push"]


@pytest.mark.parametrize(
    ("script", "beyond"),
    [
        ("hf repo create acme/m", "create a repository"),
        ("hf repos create acme/m --type dataset", "create a repository"),
        ("hf repo create acme/m --exist-ok", ""),
        ("hf repo tag create acme/m v1", "create a tag"),
        ("huggingface-cli tag acme/m v1", "create a tag"),
        ("hf auth whoami", "ask who the user is"),
        ("hf spaces restart acme/m", "restart or configure a Space"),
        (
            "curl -X POST -H 'Authorization: Bearer x' https://huggingface.co/api/spaces/acme/m/restart",
            "restart or configure a Space",
        ),
        (
            "python <<EOF\nfrom huggingface_hub import HfApi\nHfApi().create_tag('acme/m', tag='v1')\nEOF",
            "create a tag",
        ),
        ("python <<EOF\nfrom huggingface_hub import HfApi\nHfApi().create_repo('acme/m', exist_ok=True)\nEOF", ""),
        ("hf upload acme/m .", ""),
    ],
)
def test_what_a_repositorys_token_cannot_do(script: str, beyond: str) -> None:
    """Create repositories and tags, restart Spaces, and more."""
    assert [use.beyond for use in uses({"run": script})] == [beyond]


def test_rows_of_a_matrix() -> None:
    """Each row has its own targets; a matrix that GitHub computes has one row of unknown values."""
    upload = {"run": "hf upload ${{ matrix.repo }} . --repo-type ${{ matrix.kind }}"}
    rows = [{"repo": "acme/a", "kind": "model"}, {"repo": "acme/b", "kind": "dataset"}]
    found = written_resources(*read_job(upload, strategy={"matrix": {"include": rows}}))
    assert [str(each) for each in found] == ["acme/a", "datasets/acme/b"]
    assert written_resources(*read_job(upload, strategy={"matrix": "${{ fromJSON(vars.M) }}"})) == ()


def test_variables_that_a_step_changes_for_later_ones_are_unknown() -> None:
    """Unless the later step sets its own."""
    first = {"run": 'echo "R=acme/b" >> "$GITHUB_ENV"'}
    upload = {"run": "hf upload $R ."}
    assert [use.target for use in uses(first, upload, env={"R": "acme/a"})] == [None]
    assert [str(use.target) for use in uses(first, {**upload, "env": {"R": "acme/c"}}, env={"R": "acme/a"})] == [
        "acme/c"
    ]


S = "${{ secrets.HF_TOKEN }}"
PLACES: list[tuple[Any, tuple[str, str, str]]] = [
    ({"env": {"HF_TOKEN": S}}, ("env", "HF_TOKEN", "HF_TOKEN")),
    ({"env": {"HF_TOKEN": "${{ secrets.DEPLOY }}"}}, ("env", "HF_TOKEN", "DEPLOY")),
    ({"env": {"TOKEN": "${{ secrets['MY_HF_TOKEN'] }}"}}, ("env", "TOKEN", "MY_HF_TOKEN")),
    ({"env": {"X": "${{ secrets.HUGGINGFACE_API_KEY }}"}}, ("env", "X", "HUGGINGFACE_API_KEY")),
    ({"env": {"HF_READER_TOKEN": "${{ secrets.MY_HF_USER }}"}}, ("env", "HF_READER_TOKEN", "MY_HF_USER")),
    ({"uses": "a/b@v1", "with": {"hf_token": S}}, ("input", "hf_token", "HF_TOKEN")),
    ({"run": f"export HF_TOKEN={S}"}, ("export", "HF_TOKEN", "HF_TOKEN")),
    ({"run": f'$env:HF_TOKEN = "{S}"'}, ("export", "HF_TOKEN", "HF_TOKEN")),
    ({"run": f'echo "HF_TOKEN={S}" >> "$GITHUB_ENV"'}, ("export", "HF_TOKEN", "HF_TOKEN")),
    ({"run": f'hf upload a/b . --token "{S}"'}, ("option", "--token", "HF_TOKEN")),
    ({"run": "hf auth login --token=${{ secrets.DEPLOY }}"}, ("option", "--token", "DEPLOY")),
    ({"run": f"git push https://u:{S}@huggingface.co/a/b"}, ("git-url", "git", "HF_TOKEN")),
    ({"run": "git push https://${{ secrets.SPACE }}@huggingface.co/a/b"}, ("git-url", "git", "SPACE")),
    ({"run": f"curl -H 'Authorization: Bearer {S}' https://huggingface.co"}, ("header", "Authorization", "HF_TOKEN")),
    ({"run": f"./upload.sh {S}"}, ("script", "", "HF_TOKEN")),
]


@pytest.mark.parametrize(("step", "expected"), PLACES)
def test_where_a_stored_token_enters(step: Any, expected: tuple[str, str, str]) -> None:
    """The way, the name there, and the name of the secret."""
    (found,) = stored_secrets(*read_job({"run": "true", **step} if "uses" not in step else step))
    assert (found.way, found.name, found.secret) == expected
    assert found.step is not None


@pytest.mark.parametrize(
    "step",
    [
        {"env": {"HF_USERNAME": "${{ secrets.HF_USERNAME }}"}},
        {"env": {"HF_SPACE_ID": "${{ secrets.HF_SPACE_ID }}"}},
        {"env": {"TOKEN": "${{ secrets.GITHUB_TOKEN }}"}},
        {"env": {"SHFMT": "${{ secrets.SHFMT }}"}},
        {"env": {"HF_TOKEN": "${{ vars.HF_TOKEN }}"}},
        {"run": "git push https://u:${{ secrets.PAT }}@github.com/a/b"},
        {"run": "npm publish --token ${{ secrets.NPM }}"},
    ],
)
def test_what_is_no_stored_token_of_the_hub(step: Any) -> None:
    """Other services' secrets, and values that are no token."""
    assert stored_secrets(*read_job({"run": "true", **step})) == ()


def test_levels_and_called_workflows() -> None:
    """The workflow, the job, its container, and what a job passes on."""
    block = {"HF_TOKEN": S}
    workflow, job = read_job(
        {"run": "x"}, top={"env": block}, env={**block, "A": "b"}, container={"image": "x", "env": block}
    )
    found = stored_secrets(workflow, job)
    assert [(each.level, each.alone) for each in found] == [("workflow", True), ("job", False), ("job", True)]
    ways: list[StoredSecret] = []
    for secrets in (block, "inherit"):
        workflow, job = read_job(uses="./.github/workflows/b.yml", secrets=secrets)
        ways += stored_secrets(workflow, job)
    assert [(each.way, each.secret) for each in ways] == [("called-workflow", "HF_TOKEN"), ("inherited", "")]


def test_a_fall_back() -> None:
    """A secret that counts only without a login."""
    value = "${{ steps.hf.outputs.token || secrets.HF_TOKEN }}"
    (found,) = stored_secrets(*read_job({"run": "x", "env": {"HF_TOKEN": value}}))
    assert found.falls_back


@pytest.mark.parametrize(
    "script",
    [
        "hf upload " + "${{ env.A }} " * 5_000,
        "hf " + "${{ secrets.HF_TOKEN }}" * 5_000,
        "hf-oidc run a/b -- " * 5_000,
        "python - <<EOF\nhuggingface_hub\n" + "upload_file(" * 5_000,
        "hf " + "https://" * 8_000,
        "hf " + "bash -c '" * 6_000,
    ],
)
def test_hostile_scripts(script: str) -> None:
    """There is an answer, soon: the test run would not end otherwise."""
    workflow, job = read_job({"run": script}, env={"A": "${{ env.A }}"})
    assert uses_of(workflow, job)
    assert len(stored_secrets(workflow, job)) >= 0
