"""The rules for this repository's own workflows, checked on each of them, and on faulty ones: each rule can fail."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from release.scan import REPORT_TITLE

ROOT = Path(__file__).parents[3]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
IMAGES = (ROOT / "release/images.Dockerfile").read_text(encoding="utf-8")
PINNED = re.compile(r"(docker://)?[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+|\./[\w/-]+( #.*)?")
BY_DIGEST = re.compile(r"[\w./:-]+@sha256:[0-9a-f]{64}|\$\{\{ steps\.images\.outputs\.\w+ \}\}")
IMAGE = re.compile(r"docker://(\S+)|docker-image://(.+)|^image=(.+)$", re.MULTILINE)
BUILDS = re.compile(
    r"docker (buildx )?(build|bake)\b|\bmake\b|\bpip wheel\b|\bpip install (?!.*--only-binary=:all:)"
    r"|\buv (build|sync)\b|-m (build|hatchling|release\.(pyz|dist|image))\b|\bnpm (ci|i|install|run)\b|\bcargo\b"
)
BUILDERS = (
    "docker/build-push-action@",
    "docker/bake-action@",
    "docker/setup-buildx-action@",
    "docker/setup-qemu-action@",
)
Job = dict[Any, Any]
ON = True  # YAML 1.1 reads the key `on` as true


def jobs(workflow: Job) -> Iterator[tuple[str, Job, list[Job]]]:
    """Each job by its name, and its steps."""
    for name, job in workflow["jobs"].items():
        yield name, job, job.get("steps", [])


def uses(step: Job) -> str:
    """The action of a step."""
    return str(step.get("uses", ""))


def permissions(job: Job) -> dict[str, str]:
    """What a job may do, unless it says nothing or everything."""
    given = job.get("permissions")
    return given if isinstance(given, dict) else {}


def unpinned_actions(text: str, _workflow: Job) -> list[str]:
    """Each action by a full commit id, with the version beside it."""
    return [line for line in re.findall(r"uses: *(.*)", text) if not PINNED.fullmatch(line)]


def unbounded_permissions(_text: str, workflow: Job) -> list[str]:
    """Nothing for the workflow, and a list for each job, which never says all."""
    found = [] if workflow.get("permissions") == {} else ["the workflow"]
    return found + [name for name, job, _ in jobs(workflow) if not isinstance(job.get("permissions"), dict)]


def foreign_triggers(_text: str, workflow: Job) -> list[str]:
    """None that runs with this repository's rights on what others wrote."""
    return sorted({"pull_request_target", "workflow_run", "issue_comment", "issues"} & set(workflow[ON]))


def kept_credentials(_text: str, workflow: Job) -> list[str]:
    """A checkout leaves no token behind."""
    return [
        name
        for name, _, steps in jobs(workflow)
        for step in steps
        if uses(step).startswith("actions/checkout@") and step.get("with", {}).get("persist-credentials") is not False
    ]


def builds_beside_an_id_token(_text: str, workflow: Job) -> list[str]:
    """What may request an ID token, and so sign, runs no build."""
    return [
        name
        for name, job, steps in jobs(workflow)
        if "id-token" in permissions(job)
        and any(uses(step).startswith(BUILDERS) or BUILDS.search(step.get("run", "")) for step in steps)
    ]


def checkouts_beside_rights(_text: str, workflow: Job) -> list[str]:
    """What signs, and what writes issues, checks out nothing; what pushes tags may not sign."""
    found = []
    for name, job, steps in jobs(workflow):
        rights = {right for right, level in permissions(job).items() if level == "write"}
        checks_out = any(uses(step).startswith("actions/checkout@") for step in steps)
        if (checks_out and rights & {"attestations", "issues"}) or rights >= {"contents", "id-token"}:
            found.append(name)
    return found


def caches(_text: str, workflow: Job) -> list[str]:
    """No cache, which another job or another branch's run can have filled."""
    found = []
    for name, _, steps in jobs(workflow):
        for step in steps:
            inputs = step.get("with", {})
            cached = [key for key, value in inputs.items() if "cache" in key and value is not False]
            buildx = uses(step).startswith("docker/setup-buildx-action@") and "cache-binary" not in inputs
            if cached or buildx or re.match(r"actions/cache\b", uses(step)):
                found.append(name)
    return found


def images_without_a_digest(text: str, workflow: Job) -> list[str]:
    """Each image by its digest; no emulator, which names its image by tag; a builder with a given image."""
    values = [part for match in IMAGE.findall("\n".join(strings(workflow))) for part in match if part]
    for _, job, steps in jobs(workflow):
        containers = [job.get("container"), *job.get("services", {}).values()]
        values += [
            container["image"] if isinstance(container, dict) else container for container in containers if container
        ]
        for step in steps:
            if uses(step).startswith("docker/setup-buildx-action@") and "driver-opts" not in step.get("with", {}):
                values.append(uses(step))
    return [value for value in values if not BY_DIGEST.fullmatch(value)] + re.findall("docker/setup-qemu-action", text)


def strings(value: Any) -> Iterator[str]:
    """Every string of a document."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from strings(part)
    elif isinstance(value, str):
        yield value


Rule = Callable[[str, Job], list[str]]
SHA = "0" * 40
DIGEST = "0" * 64
# Each rule, and faults that it finds: what stands in the one step of a job, or beside the steps.
FAULTS: list[tuple[Rule, str]] = [
    (unpinned_actions, "steps: [uses: actions/checkout@v6]"),
    (unpinned_actions, f"steps:\n      - uses: actions/checkout@{SHA}"),
    (unpinned_actions, f"steps:\n      - uses: actions/checkout@{SHA[1:]} # v6.0.2"),
    (unpinned_actions, f"steps:\n      - uses: actions/checkout@{SHA} # v6"),
    (unpinned_actions, "steps:\n      - uses: docker://alpine:3"),
    (unpinned_actions, "uses: acme/x/.github/workflows/x.yml@main"),
    (unbounded_permissions, "steps: []"),
    (unbounded_permissions, "permissions: write-all"),
    (unbounded_permissions, "permissions: read-all"),
    (kept_credentials, f"steps: [uses: actions/checkout@{SHA}]"),
    (kept_credentials, f"steps: [{{uses: actions/checkout@{SHA}, with: {{persist-credentials: true}}}}]"),
    *(
        (builds_beside_an_id_token, f"permissions: {{id-token: write}}\n    steps: [{step}]")
        for step in (
            "run: docker build .",
            "run: docker buildx build .",
            "run: make dist",
            "run: pip install .",
            "run: python -m pip install --require-hashes -r requirements/dev.txt",
            "run: python -m release.pyz x",
            "run: npm ci",
            f"uses: docker/build-push-action@{SHA}",
            f"uses: docker/setup-qemu-action@{SHA}",
        )
    ),
    (checkouts_beside_rights, f"permissions: {{attestations: write}}\n    steps: [uses: actions/checkout@{SHA}]"),
    (checkouts_beside_rights, f"permissions: {{issues: write}}\n    steps: [uses: actions/checkout@{SHA}]"),
    (checkouts_beside_rights, "permissions: {contents: write, id-token: write}"),
    (caches, f"steps: [uses: actions/cache@{SHA}]"),
    (caches, f"steps: [uses: actions/cache/restore@{SHA}]"),
    (caches, f"steps: [{{uses: actions/setup-python@{SHA}, with: {{cache: pip}}}}]"),
    (caches, f"steps: [{{uses: docker/build-push-action@{SHA}, with: {{cache-from: type=gha}}}}]"),
    (caches, f"steps: [uses: docker/setup-buildx-action@{SHA}]"),
    (images_without_a_digest, "container: debian:trixie-slim"),
    (images_without_a_digest, "container: {image: debian:trixie-slim}"),
    (images_without_a_digest, "services: {db: {image: postgres}}"),
    (images_without_a_digest, "steps: [uses: docker://alpine:3]"),
    (images_without_a_digest, f"steps: [uses: docker/setup-qemu-action@{SHA}]"),
    (images_without_a_digest, f"steps: [uses: docker/setup-buildx-action@{SHA}]"),
    (images_without_a_digest, f"steps: [{{uses: a/b@{SHA}, with: {{driver-opts: image=moby/buildkit:latest}}}}]"),
    (images_without_a_digest, f"steps: [{{uses: a/b@{SHA}, with: {{build-contexts: a=docker-image://debian:13}}}}]"),
]
RULES = list(dict.fromkeys([*(rule for rule, _ in FAULTS), foreign_triggers]))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_workflows_keep_the_rules(rule: Rule, path: Path) -> None:
    """Each rule, on each workflow: its docstring says what it wants."""
    text = path.read_text(encoding="utf-8")
    assert rule(text, yaml.safe_load(text)) == []


@pytest.mark.parametrize(("rule", "job"), FAULTS)
def test_each_rule_can_fail(rule: Rule, job: str) -> None:
    """A workflow with one fault is found."""
    text = f"on: push\npermissions: {{}}\njobs:\n  faulty:\n    runs-on: ubuntu-latest\n    {job}\n"
    assert rule(text, yaml.safe_load(text)) != []


@pytest.mark.parametrize("on", ["pull_request_target", "[push, workflow_run]", "{issue_comment: {types: [created]}}"])
def test_foreign_triggers_are_found(on: str) -> None:
    """As a word, in a list, or with their types."""
    assert foreign_triggers("", yaml.safe_load(f"on: {on if on[0] in '[{' else f'[{on}]'}\njobs: {{}}")) != []


def test_the_workflow_itself_is_given_nothing() -> None:
    """A job that says nothing would otherwise get what the workflow has."""
    assert unbounded_permissions("", {"permissions": {"contents": "read"}, "jobs": {}}) == ["the workflow"]


def test_a_digest_is_enough() -> None:
    """What is pinned passes, in each place where an image can be named."""
    job = f"container: debian@sha256:{DIGEST}\n    steps: [uses: docker://alpine:3@sha256:{DIGEST}]"
    text = f"on: push\npermissions: {{}}\njobs:\n  good:\n    {job}\n"
    assert images_without_a_digest(text, yaml.safe_load(text)) == []


def test_the_images_of_a_release_are_pinned() -> None:
    """Those that release.yml reads: one of them stands for the Dockerfile's, which is named by tag."""
    images = dict(re.findall(r"^FROM (\S+) AS (\w+)$", IMAGES, re.MULTILINE))
    assert [image for image in images if not BY_DIGEST.fullmatch(image)] == []
    assert set(images.values()) == {"base", "buildkit"}
    base = next(image for image, name in images.items() if name == "base").partition("@")[0]
    from_images = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert from_images == [base, "scratch"]
    release = (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")
    assert f"build-contexts: {base}=docker-image://${{{{ steps.images.outputs.base }}}}\n" in release


def test_what_is_signed_is_what_was_built() -> None:
    """By digest and by artifact id, both from the jobs that made them."""
    release = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8"))["jobs"]
    attested = [step["with"] for step in release["sign"]["steps"] if uses(step).startswith("actions/attest@")]
    assert release["sign"]["env"]["DIGEST"] == "${{ needs.list.outputs.digest }}"
    assert [step.get("subject-digest", step.get("subject-path")) for step in attested] == [
        *["${{ env.DIGEST }}"] * 2,
        *["release-files/dist/native/hf-oidc.pyz"] * 2,
    ]
    for job in ("sign", "tag"):
        fetched = [
            step["with"] for step in release[job]["steps"] if uses(step).startswith("actions/download-artifact@")
        ]
        assert [step["artifact-ids"] for step in fetched] == ["${{ needs.files.outputs.artifact }}"]


def test_the_document_names_the_jobs_of_a_release() -> None:
    """In their order."""
    release = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8"))["jobs"]
    document = (ROOT / "docs/development/releasing.md").read_text(encoding="utf-8").partition("Its jobs:")[2]
    assert re.findall(r"^\| `(\w+)` \|", document, re.MULTILINE) == list(release)


def test_the_scan_opens_one_issue() -> None:
    """Each week and by hand; the job that writes it finds it again by its title and its author."""
    scan = yaml.safe_load((ROOT / ".github/workflows/scan.yml").read_text(encoding="utf-8"))
    assert set(scan[ON]) == {"schedule", "workflow_dispatch"}
    (schedule,) = scan[ON]["schedule"]
    assert re.fullmatch(r"\d+ \d+ \* \* \d", schedule["cron"])
    rights = {name: job["permissions"] for name, job in scan["jobs"].items()}
    assert rights == {"scan": {"contents": "read"}, "report": {"issues": "write"}}
    (step,) = scan["jobs"]["report"]["steps"]
    assert step["env"]["TITLE"] == REPORT_TITLE
    assert "--app github-actions" in step["run"]


@pytest.mark.parametrize(("name", "job"), [("ci", "package"), ("release", "files")])
def test_the_zipapp_is_compiled_by_each_supported_python(name: str, job: str) -> None:
    """Each of them is set up in the job that builds it."""
    text = (ROOT / f".github/workflows/{name}.yml").read_text(encoding="utf-8")
    versions = [f"3.{minor}" for minor in range(10, 16)]
    (set_up,) = [step for step in yaml.safe_load(text)["jobs"][job]["steps"] if "setup-python" in uses(step)]
    assert sorted(set_up["with"]["python-version"].split()) == versions
    assert " ".join(f"python{version}" for version in versions) in text
