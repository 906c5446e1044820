"""What the image holds, and that it is enough: by its imports, and by the stories that other tests tell too."""

import gzip
import io
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import trustme
import yaml

from release import contents, image, lock
from release.contents import Contents
from tests.e2e.engines import BUILD_SECONDS, ROOT, docker
from tests.factories import id_token
from tests.scripted_server import Answer, scripted_server

MB = 1_000_000
PYTHON = str(image.HOME / "bin/python3")
# Imported by what is in the image, on other systems, or where another package is installed; in no image of ours.
ELSEWHERE = {
    "other systems": {"_scproxy", "_winapi", "_wmi", "java", "msvcrt", "nt", "vms_lib", "winreg"},
    "other packages": {"backports", "brotli", "brotlicffi", "compression", "cryptography", "h2", "simplejson"},
    "for type checkers": {"_typeshed", "typing_extensions"},
    "a user's own": {"usercustomize"},
}
# Walks the byte-code of every module in the image for what it imports, and asks whether that is there.
WALK = """
import _imp, dis, importlib, importlib.util, json, marshal, pathlib, sys

def codes(code):
    yield code
    for constant in code.co_consts:
        if hasattr(constant, "co_code"):
            yield from codes(constant)

def imports(code):
    steps = list(dis.get_instructions(code))
    for at, step in enumerate(steps):
        if step.opname == "IMPORT_NAME":
            level, names = steps[at - 2].argval, steps[at - 1].argval
            yield step.argval, level, names or ()

def is_there(name):
    try:
        return name in sys.modules or importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False

def is_in(name, module):
    try:
        return hasattr(importlib.import_module(module), name) or is_there(module + "." + name)
    except ImportError:
        return True  # what keeps it from being imported is told by itself

def modules():
    for name in _imp._frozen_module_names():
        if not name.startswith(("__phello", "__hello")):
            yield name.split("."), _imp.get_frozen_object(name)
    for top in map(pathlib.Path, sys.argv[1:]):
        for path in top.rglob("*.pyc"):
            yield path.relative_to(top).with_suffix("").parts, marshal.loads(path.read_bytes()[16:])
    block = sys.meta_path[0]
    for name in block._index:
        spec = block.find_spec(name)
        yield [*name.split("."), *(["__init__"] if spec.submodule_search_locations else [])], block.get_code(name)

missing = {}
for parts, module in modules():
    for code in codes(module):
        for name, level, names in imports(code):
            if level:
                name = ".".join([*parts[: len(parts) - level], *filter(None, [name])])
            if not is_there(name):
                missing.setdefault(name, []).append(".".join(parts))
            elif importlib.util.find_spec(name) and importlib.util.find_spec(name).submodule_search_locations:
                for part in names:
                    if part != "*" and not is_in(part, name):
                        missing.setdefault(name + "." + part, []).append(".".join(parts))
print(json.dumps(missing))
"""
# The stories, told again by the Python in the image; not those that are about programs or packages beside it, nor tests
# of these files that start neither the action nor `hf-oidc`. What has no effect on the modules that a run takes is not
# varied: the status of a redirect, the request that a fault strikes, which argument is wrong.
STORIES = [
    [
        *(f"tests/scenario/test_{name}.py" for name in ("golden", "redirects", "hostile_checkout")),
        *("-k", "not redirects or 307"),
    ],
    [
        "tests/scenario/test_issuers.py",
        *("-k", "not (circleci or buildkite or aws or are_signed or test_commands or description or changed or named)"),
    ],
    [
        "tests/scenario/test_doctor.py",
        *("-k", "not (workflow or typical or example or pull_requests or wrong_arguments)"),
    ],
    [
        "tests/scenario/test_faults.py",
        "-k",
        "not (mint or once or next_step) and (tls or reset or truncated or gzip or deep or -hang or utf or ratelimit)",
    ],
]


@pytest.fixture(scope="module")
def saved(action_image: str) -> bytes:
    """The image as an archive."""
    return subprocess.run(["docker", "save", action_image], capture_output=True, check=True).stdout


@pytest.fixture(scope="module")
def inside(saved: bytes) -> Contents:
    """What is in it."""
    return contents.read(io.BytesIO(saved))


@pytest.fixture(scope="module")
def build_stage(action_image: str, action_checkout: Path) -> str:
    """The stage that collects the image's files, as an image."""
    assert action_image  # so this takes what its build has cached
    return docker("build", "--quiet", "--target=build", str(action_checkout), seconds=BUILD_SECONDS).splitlines()[-1]


def test_it_is_small(saved: bytes, inside: Contents) -> None:
    """At most 10.5 MB to pull and 26 MB on disk."""
    assert len(gzip.compress(saved, 6)) <= 10.5 * MB  # the level at which Docker pushes
    assert sum(inside.files.values()) <= 26 * MB


def test_its_byte_code_has_lines_but_no_columns(action_image: str) -> None:
    """Of its libraries, of the standard library, and of modules in files: columns would be half a megabyte."""
    program = """
import encodings.idna, json, requests
for code in (encodings.idna.ToASCII.__code__, json.loads.__code__, requests.get.__code__):
    assert code.co_firstlineno > 1
    assert {place[2:] for place in code.co_positions()} == {(None, None)}, code"""
    docker("run", "--rm", "--entrypoint", PYTHON, action_image, "-I", "-c", program)


def test_its_packages_are_those_that_were_locked(inside: Contents) -> None:
    """But for the one that guesses encodings: no PyGithub, no cryptography, no pip, no apt."""
    locked = {f"{package.name}=={package.version}" for package in lock.locked(lock.LOCK.read_text())}
    unused = {name for name in locked if name.startswith(("charset-normalizer==", "typing-extensions=="))}
    pypi = {package.purl for package in inside.packages if package.purl.startswith("pkg:pypi/")}
    assert pypi == {f"pkg:pypi/{name.replace('==', '@')}" for name in locked - unused}
    debian = {package.name for package in inside.packages} - {"PyJWT"}
    assert not [name for name in debian if re.search(r"^(apt|dpkg|perl|bash|coreutils|openssl)$|pip|setuptools", name)]


def test_every_file_is_of_a_known_kind(inside: Contents) -> None:
    """Modules in one block, their libraries, certificates, notes, one shell and its names, and a few lines of ours."""
    kinds = {
        r"opt/hf-oidc/(bin/(python3|hf-oidc)|pyvenv\.cfg)",
        r"opt/hf-oidc/lib/python3\.\d+/site-packages/(modules|(bytecode_importer|sitecustomize)\.pyc)",
        r"opt/hf-oidc/lib/python3\.\d+/site-packages/[^/]+\.dist-info/(METADATA|(licenses/)?LICENSE[^/]*)",
        r"usr/lib/python3\.\d+/(os|encodings/[^/]+)\.pyc",
        r"usr/lib/python3\.\d+/lib-dynload/(_ctypes|_hashlib|_queue|_ssl|termios)\..*\.so",
        r"(usr/)?lib(64)?/([^/]+/)?(ld-linux[^/]*|lib(c|m|z|expat|ffi|ssl|crypto|zstd|gcc_s|resolv))\.so\.\d+",
        r"usr/bin/(busybox|python3(\.\d+)?)",
        "|".join(re.escape(f"usr/bin/{applet}") for applet in image.APPLETS),
        r"etc/ssl/certs/[0-9a-f]{8}\.\d+|usr/lib/ssl/(certs|cert\.pem)",
        r"etc/(passwd|group|nsswitch\.conf|os-release)|usr/lib/os-release|bin|sbin|lib|lib64",
        r"var/lib/dpkg/status\.d/[^/]+|usr/share/doc/[^/]+/copyright",
    }
    assert [name for name in inside.files if not re.fullmatch("|".join(f"(?:{kind})" for kind in kinds), name)] == []


def test_every_import_is_there_or_left_out_for_a_reason(action_image: str) -> None:
    """Whatever the byte-code in the image names, in functions too, is in it, or in a list that says why not."""
    python = Path(docker("run", "--rm", "--entrypoint=readlink", action_image, "-f", PYTHON)).name
    folders = [f"{image.HOME}/lib/{python}/site-packages", f"/usr/lib/{python}"]
    missing = json.loads(docker("run", "--rm", f"--entrypoint={PYTHON}", action_image, "-Ic", WALK, *folders))
    known = {*image.LEFT_OUT, *(name for names in ELSEWHERE.values() for name in names)}
    reasons = {name: next((entry for entry in known if f"{name}.".startswith(f"{entry}.")), None) for name in missing}
    assert {name: missing[name] for name, reason in reasons.items() if reason is None} == {}
    # Never reported missing: two without files of their own, one that the image replaces, three that nothing imports.
    unnamed = {"importlib._bootstrap", "importlib._bootstrap_external", "sitecustomize", "hf_oidc.native_action"}
    assert known - set(reasons.values()) == {*unnamed, "hf_oidc.cli.migration", "hf_oidc.cli.repository_files"}


def test_every_name_of_the_shell_is_a_program(action_image: str) -> None:
    """Debian's busybox has them all."""
    has = docker("run", "--rm", "--entrypoint=busybox", action_image, "--list").splitlines()
    assert set(image.APPLETS) - set(has) == set()


@pytest.fixture(scope="module")
def told_by_the_image(action_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A container that sees the folders of the tests and this one, and the environment in which they use its Python."""
    folder, path = tempfile.gettempdir(), tmp_path_factory.mktemp("image") / "socket"
    name, program = f"hf-oidc-e2e-{uuid.uuid4().hex}", str(ROOT / "tests/e2e/image_python.py")
    options = [f"--name={name}", "--network=host", f"--volume={folder}:{folder}", f"--volume={ROOT}:{ROOT}:ro"]
    serve = [f"--entrypoint={PYTHON}", action_image, "-I", program, "serve", str(path), PYTHON]
    with subprocess.Popen(["docker", "run", "--rm", *options, *serve], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            assert server.stdout.readline() == "ready\n"
            stand_in = [sys.executable, "-I", "-S", program, "start", str(path)]
            yield {**os.environ, "HF_OIDC_TEST_PYTHON": shlex.join(stand_in)}
        finally:
            docker("rm", "--force", name)


@pytest.mark.parametrize("stories", STORIES, ids=lambda stories: Path(stories[0]).stem)
def test_the_stories_are_the_same(told_by_the_image: dict[str, str], stories: Sequence[str]) -> None:
    """What the action and the command do as processes, they do in the image: no module is missed on any path."""
    pytest_command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *stories]
    run = subprocess.run(pytest_command, cwd=ROOT, env=told_by_the_image, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-4000:]


def test_a_thread_that_ends_late_harms_nothing(action_image: str) -> None:
    """A call that was given up may end while the interpreter does: glibc then loads a library that nothing links."""
    program = """
import threading, time
for _ in range(50):
    threading.Thread(target=lambda: [time.sleep(0) for _ in iter(int, 1)], daemon=True).start()
time.sleep(0.2)
"""
    assert docker("run", "--rm", f"--entrypoint={PYTHON}", action_image, "-Ic", program) == ""


@pytest.mark.parametrize("place", ["the bundle", "SSL_CERT_FILE", "the folder"])
def test_certificates_that_are_mounted_are_trusted(action_image: str, tmp_path: Path, place: str) -> None:
    """Where Debian has its bundle, wherever SSL_CERT_FILE says, or under its hash among the image's own."""
    ca = trustme.CA()
    bundle = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(bundle))
    hashed = subprocess.run(
        ["openssl", "x509", "-hash", "-noout", "-in", bundle], capture_output=True, text=True, check=True
    )
    options = {
        "the bundle": [f"--volume={bundle}:/etc/ssl/certs/ca-certificates.crt:ro"],
        "SSL_CERT_FILE": [f"--volume={bundle}:/ca.pem:ro", "--env=SSL_CERT_FILE=/ca.pem"],
        "the folder": [f"--volume={bundle}:/etc/ssl/certs/{hashed.stdout.strip()}.0:ro"],
    }
    grant = Answer({"access_token": "hf_jwt_0123456789", "token_type": "bearer", "expires_in": 3600})
    with scripted_server({"/oauth/token": grant}, tls=ca) as server:
        given = ["--network=host", f"--env=HF_ENDPOINT={server.url}", f"--env=HF_OIDC_ID_TOKEN={id_token(server.url)}"]
        command = ["docker", "run", "--rm", *given, "--entrypoint=hf-oidc"]
        trusting, plain = (
            subprocess.run(
                [*command, *more, action_image, "token", "acme/model"], capture_output=True, text=True, check=False
            )
            for more in (options[place], [])
        )
    assert trusting.stdout == "hf_jwt_0123456789\n", trusting.stderr
    assert (plain.returncode, plain.stdout) == (1, "")
    assert "tls-failed" in plain.stderr


def test_the_command_keeps_the_environment_as_it_is(action_image: str) -> None:
    """Variables whose names no shell can have reach what `hf-oidc run` starts: there is no shell in between."""
    grant = Answer({"access_token": "hf_jwt_0123456789", "token_type": "bearer", "expires_in": 3600})
    with scripted_server({"/oauth/token": grant}) as server:
        given = [
            f"--env=HF_ENDPOINT={server.url}",
            f"--env=HF_OIDC_ID_TOKEN={id_token(server.url)}",
            "--env=ODD-NAME=kept",
        ]
        run = ["--entrypoint=hf-oidc", action_image, "run", "acme/model", "--quiet", "--", "env"]
        assert "ODD-NAME=kept" in docker("run", "--rm", "--network=host", *given, *run).splitlines()


def test_its_labels_say_where_it_is_from(action_checkout: Path) -> None:
    """Source, revision, version and licence, as the release hands them in."""
    given = {"SOURCE": "https://github.com/acme/fork", "VERSION": "1.2.3", "REVISION": "0" * 40}
    arguments = [f"--build-arg={name}={value}" for name, value in given.items()]
    built = docker("build", "--quiet", *arguments, str(action_checkout), seconds=BUILD_SECONDS).splitlines()[-1]
    labels = json.loads(docker("inspect", "--format={{json .Config.Labels}}", built))
    expected = {name.lower(): value for name, value in given.items()} | {"licenses": "Apache-2.0"}
    assert {name: labels[f"org.opencontainers.image.{name}"] for name in expected} == expected


def test_it_is_collected_the_same_each_time(build_stage: str) -> None:
    """Names, contents, modes and times: what is collected anew makes the same layer."""
    again = """
        python3 -OO -X no_debug_ranges -E -s -m release.image /build/packages /build/again
        for folder in image again; do tar --sort=name -C /build/$folder -c . | sha256sum; done
    """
    first, second = docker("run", "--rm", "--env=SOURCE_DATE_EPOCH=0", build_stage, "sh", "-ec", again).splitlines()
    assert first == second


def test_its_bill_of_materials_is_valid(inside: Contents) -> None:
    """Against the published schema of CycloneDX 1.6; it names each package once, Debian's and Python's."""
    # Loading the validator takes two seconds, in each process that collects the tests.
    from cyclonedx.schema import SchemaVersion  # noqa: PLC0415
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415

    document = contents.bill(inside)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document)) is None
    purls = [part["purl"] for part in document["components"]]
    assert len(set(purls)) == len(purls) == len(inside.packages)
    assert [purl for purl in purls if re.match(r"pkg:deb/debian/libssl3t64@[^?]+\?arch=\w+$", purl)]
    assert contents.bill(inside) == document


def test_its_manifest_can_be_read(inside: Contents) -> None:
    """Packages with versions, files with sizes, and the sum."""
    manifest = contents.manifest(inside)
    assert re.search(r"^  busybox \S+$", manifest, re.MULTILINE)
    assert re.search(r"^ +[\d,]+  /usr/bin/busybox$", manifest, re.MULTILINE)
    assert manifest.endswith(f" in {len(inside.files)} files and links")


def test_a_missing_library_stops_the_build(build_stage: str) -> None:
    """The Dockerfile names each Debian package, so one that a later version needs must not go unnoticed."""
    script = """rm /usr/lib/*/libffi.so.8
SOURCE_DATE_EPOCH=0 python3 -E -s -m release.image /build/packages /build/again"""
    done = subprocess.run(
        ["docker", "run", "--rm", build_stage, "sh", "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "The Dockerfile does not name the packages of these libraries:",
        "\tlibffi.so.8 => not found",
    ]


def test_nothing_is_bound_to_an_architecture() -> None:
    """One Dockerfile for amd64 and arm64: it and what it runs name neither, and both workflows build each natively."""
    for name in ("Dockerfile", "release/image.py"):
        assert re.findall(r"x86|amd64|aarch64|arm64|linux-gnu|/lib64", (ROOT / name).read_text()) == []
    for name in ("ci.yml", "release.yml"):
        text = (ROOT / ".github/workflows" / name).read_text()
        matrix = yaml.safe_load(text)["jobs"]["image"]["strategy"]["matrix"]
        machines = matrix.get("os") or [each["os"] for each in matrix["include"]]
        assert machines == ["ubuntu-latest", "ubuntu-24.04-arm"], name
        assert not re.search(r"platforms?:|qemu", text), name
