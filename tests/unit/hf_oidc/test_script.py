"""The commands of a script, by tables: three shells, what stands before a command, and hostile text."""

from __future__ import annotations

import pytest

from hf_oidc.doctor.workflow.token.script import Shell, commands, expand

UPLOAD = ("hf", "upload", "a/b", ".")
SCRIPTS: list[tuple[Shell, str, list[tuple[str, ...]]]] = [
    ("sh", "hf upload a/b .", [UPLOAD]),
    ("sh", "# hf upload x/y\nhf upload a/b . # hf upload z/z", [UPLOAD]),
    ("sh", "hf upload \\\n  a/b \\\r\n  .", [UPLOAD]),
    ("sh", "hf 'upload' \"a/b\" .", [UPLOAD]),
    ("sh", "true && hf upload a/b . || false; true", [("true",), UPLOAD, ("false",), ("true",)]),
    ("sh", "pip list 2>&1 | hf upload a/b .", [("pip", "list"), UPLOAD]),
    ("sh", "if ! hf upload a/b .; then exit 1; fi", [UPLOAD, ("exit", "1"), ("fi",)]),
    ("sh", "(cd x && hf upload a/b .)", [("cd", "x"), UPLOAD]),
    ("sh", "for f in 1 2; do hf upload a/b .; done", [("for", "f", "in", "1", "2"), UPLOAD, ("done",)]),
    ("sh", "sudo -E hf upload a/b .", [UPLOAD]),
    ("sh", "uv run --with huggingface_hub hf upload a/b .", [UPLOAD]),
    ("sh", "timeout 60 hf upload a/b .", [UPLOAD]),
    ("sh", "bash -c 'cd x; hf upload a/b .'", [("cd", "x"), UPLOAD]),
    ("sh", "echo don\\'t; hf upload a/b .", [("echo", "don't"), UPLOAD]),
    ("sh", 'echo "don\'t"; hf upload a/b .', [("echo", "don't"), UPLOAD]),
    ("sh", "x=`hf upload a/b .`", [UPLOAD]),
    ("sh", "cat <<EOF\nhf upload x/y\nEOF\nhf upload a/b .", [("cat",), UPLOAD]),
    ("sh", "cat <<-'E-F' > x\n\thf upload x/y\n\tE-F\nhf upload a/b .", [("cat", "x"), UPLOAD]),
    (
        "sh",
        'hf upload a/b "${{ format(\'x "y" {0}\', 1) }}"',
        [("hf", "upload", "a/b", "${{ format('x \"y\" {0}', 1) }}")],
    ),
    ("powershell", "& hf upload a/b `\n  .", [UPLOAD]),
    ("powershell", "hf upload a/b .\\model", [("hf", "upload", "a/b", ".\\model")]),
    ("cmd", "hf upload a/b ^\r\n  .", [UPLOAD]),
    ("cmd", "if exist x (hf upload a/b .)", [("exist", "x"), UPLOAD]),
    ("cmd", "echo don't & hf upload a/b .", [("echo", "don't"), UPLOAD]),
]


@pytest.mark.parametrize(("shell", "script", "expected"), SCRIPTS)
def test_the_words_of_commands(shell: Shell, script: str, expected: list[tuple[str, ...]]) -> None:
    """Quotes, continued lines, comments and what stands before a command are taken off."""
    words = [command.words for command in commands(script, shell) if command.words]
    assert [tuple(word for word in each if word not in {">", ">>"}) for each in words] == expected


@pytest.mark.parametrize(
    ("shell", "script"),
    [
        ("sh", "export A='b c'"),
        ("sh", 'A="b c"'),
        ("sh", "declare -x A=b\\ c"),
        ("sh", 'A="b c" hf upload'),
        ("sh", 'env A="b c" hf upload'),
        ("powershell", "$env:A = 'b c'"),
        ("powershell", '$Env:A="b c"; hf upload'),
        ("cmd", 'set "A=b c"'),
    ],
)
def test_assignments(shell: Shell, script: str) -> None:
    """Of each shell; those before a command are for it alone."""
    first = commands(script, shell)[0]
    assert first.variables == {"A": "b c"}
    assert first.words == (("hf", "upload") if "hf" in script and ";" not in script else ())


def test_python() -> None:
    """The here-document of a command, and a step whose shell is Python."""
    code = 'HfApi().upload_folder(repo_id="a/b")\n'
    assert [command.body for command in commands(f"python - <<'PY'\n{code}PY\ntrue", "sh")] == [code, ""]
    assert [(command.name, command.body) for command in commands(code, "python")] == [("python", code)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("$A", "x"), ("${A}/b", "x/b"), ("$env:A", "x"), ("%A%", "x"), ("$B", "$B"), ("a", "a"), ("${A:-b}", "${A:-b}")],
)
def test_variables(text: str, expected: str) -> None:
    """Of three shells. What is not known stays as it is written."""
    assert expand(text, {"A": "x"}) == expected


@pytest.mark.parametrize("shell", ["sh", "powershell", "cmd"])
@pytest.mark.parametrize(
    "hostile",
    [
        "${{",
        "'",
        '"',
        '\\"',
        "<<A\n",
        "<<A ",
        "a=",
        "sudo ",
        "`",
        "#a ",
        "(",
        "${",
        "export a=b ",
        "$env:a = ",
        "\ue000",
        "< ",
    ],
)
def test_hostile_scripts(hostile: str, shell: Shell) -> None:
    """Each character is read once, and there is a limit: the test run would not end otherwise."""
    assert len(commands(hostile * (70_000 // len(hostile)), shell)) >= 0
