"""Text of others is made harmless before a person or a CI reads it."""

import base64
import hashlib
import random
import string
import time

import pytest

from hf_oidc.http.url import has_password, host_of, shown_url
from hf_oidc.sanitize import hides_part_of, sanitize, sanitize_line
from tests.commands import COMMANDS, commands_in
from tests.factories import id_token


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text, as it is.", "plain text, as it is."),
        ("two\nlines\r\nand\ttabs", "two lines and tabs"),
        ("\x1b[31mred\x1b[0m", "[31mred [0m"),
        ("\x9b31mred", "31mred"),
        ("\u202eevil\u202c", "evil"),
        ("zero\u200bwidth", "zerowidth"),
        ("a\u2028b\u2029c", "a b c"),
        ("nul\0byte", "nul byte"),
        ("half \ud800 character", "half character"),
        ("::error::x", ": :error: :x"),
        (":::error x=:::", ": : :error x=: : :"),
        ("[::error::x]", "[: :error: :x]"),
        ("::x/y", ": :x/y"),
        ("::add]x", ": :add]x"),
        ("a1::2", "a1: :2"),
        ("a::error b/c", "a: :error b/c"),
        ("a ::1", "a : :1"),
        ("see ##[add-path]/tmp", "see ## [add-path]/tmp"),
        ("#\u200b#[add-path]/tmp", "## [add-path]/tmp"),
        (":\u200b:error:\u200b:x", ": :error: :x"),
        ("naïve Überraschung 模型", "naïve Überraschung 模型"),
        ("", ""),
        (" \n ", ""),
    ],
)
def test_keeps_words_and_drops_what_acts(text: str, expected: str) -> None:
    """Letters stay; controls, escapes, bidi marks, line breaks and workflow commands go."""
    assert sanitize_line(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("##vso[task.setvariable variable=PATH]/tmp", "## vso[task.setvariable variable=PATH]/tmp"),
        ("see ##vso[task.prependpath]/tmp", "see ## vso[task.prependpath]/tmp"),
        ("x##vso[task.complete result=Succeeded]", "x## vso[task.complete result=Succeeded]"),
        ("##teamcity[buildStop]", "## teamcity[buildStop]"),
        ("##TeamCity[x]", "## TeamCity[x]"),
        ("##[section]x", "## [section]x"),
        ("####[group]x", "#### [group]x"),
        ("#vso[task.x]", "# vso[task.x]"),
        ("##some-other.ci[x]", "## some-other.ci[x]"),
        ("##vso##vso[task.x]", "##vso## vso[task.x]"),
        ("##\u200bvso[task.x]", "## vso[task.x]"),
        ("##v\u00adso[task.x]", "## vso[task.x]"),
        ("##v\ufe0fso[task.x]", "## vso[task.x]"),
        ("#\u034f#vso[task.x]", "## vso[task.x]"),
        ("##v\u0301so[task.x]", "## v\u0301so[task.x]"),
        ("##\nvso[task.x]", "## vso[task.x]"),
        ("##\u00a0vso[task.x]", "## vso[task.x]"),
        ("section_start:1:x\r\x1b[0Kfolded", "section_start:1:x [0Kfolded"),
        ("travis_fold:start:x\r", "travis_fold:start:x"),
    ],
)
def test_starts_no_command_of_any_ci(text: str, expected: str) -> None:
    """Where a CI's agent looks for `#`, a word and `[`, there is a space, whatever the word is."""
    assert sanitize_line(text) == expected
    assert commands_in(sanitize_line(text)) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("git clone svc:pw@host/x", "git clone ***@host/x"),
        ("image: svc:pw@registry/x", "image: ***@registry/x"),
        ("image:svc:pw@registry/x", "***@registry/x"),
        ("svc:pw@registry:5000/x:1", "***@registry:5000/x:1"),
        ("URL=svc:p:w=d!@db.example.org", "URL=***@db.example.org"),
        ("'svc:$PW@example.org', (svc:pw@h/x)", "'***@example.org', (***@h/x)"),
        ("svc:pw@10.0.0.7/x", "***@10.0.0.7/x"),
        ("svc:pw@localhost:5432", "***@localhost:5432"),
        ("svc:p@registry/a@sha256:" + "0a" * 32, "***@registry/a@sha256:" + "0a" * 32),
        ("docker://svc:pw@registry/a@sha256:" + "0a" * 32, "docker://***@registry/a@sha256:" + "0a" * 32),
        # A digest that is not the last: the URL after it may have a password.
        (f"a@sha256:{'0a' * 32},https://svc:pw@host/x", f"a@sha256:{'0a' * 32},https://***@host/x"),
        (f"a@sha256:{'0a' * 32},svc:pw@host/x", f"a@sha256:{'0a' * 32},***@host/x"),
    ],
)
def test_a_password_without_a_scheme(text: str, expected: str) -> None:
    """As in a URL, where what follows is a host."""
    assert sanitize_line(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "git@github.com:o/r",
        "git clone org-1234@github.com:o/r.git",
        "a@b, a.b+c@example.org, <a@example.org>",
        "mailto:a@example.org Author:a@example.org",
        "uses: actions/checkout@v7",
        "docker://alpine@sha256:" + "0a" * 32,
        "docker://ghcr.io/o/i:1.2@sha256:" + "0a" * 32,
        "image: alpine:3.20@sha256:" + "0a" * 32,
        "registry:5000/alpine@sha256:" + "0a" * 32,
        "repo:acme@1234/training@5678:ref:refs/heads/main",
        "repo:acme/training:ref:refs/heads/main",
        "npm:react@next/jsx-runtime npm:lodash@4.17 jsr:@std/fs@1 pkg:pypi/requests@2.31",
        "com.foo:bar:1.0@aar main:path@{1}",
        "group:artifact@1.2.3/x",
        "12:30@noon",
    ],
)
def test_what_only_looks_like_a_password(text: str) -> None:
    """Addresses of mail, versions, digests and subjects stay."""
    assert sanitize_line(text) == text


@pytest.mark.parametrize("text", ["issue #12 [link]", "a[0] # b", "C# is [x]", "x[#1]", "page.md#part"])
def test_a_number_sign_that_begins_no_command_stays(text: str) -> None:
    """Only `#`, a word and `[` in one piece are a command."""
    assert sanitize_line(text) == text


@pytest.mark.parametrize(
    "character", "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180d\u180f\u3164\ufe00\ufe0f\uffa0\U000e0100\U000e01ef"
)
def test_what_nobody_sees_breaks_no_word(character: str) -> None:
    """Else a token could be cut in two, and be shown."""
    assert sanitize_line(f"hf_{character}jwt_abcdefghijkl") == "***"


@pytest.mark.parametrize("command", COMMANDS)
def test_lines_start_no_command_either(command: str) -> None:
    """Text of several lines, ours and others', as it goes to a log."""
    assert commands_in(f"ours\n{command}") != []
    assert commands_in(sanitize(f"ours\n{command}\n  {command} {command}")) == []


def test_lines_stay_lines() -> None:
    """What is ours is left as it is: indents, tables, addresses."""
    text = "hf-oidc: x\n    name   value\n  http://[::1]:8000/x, arn:aws:iam::123456789012:role/x\n"
    text += "  https://[2001:DB8::c0:fe], https://[::ffff:10.0.0.1]/x\n"
    text += "  ari:cloud:bitbucket::workspace/x\n"
    assert sanitize(text) == text


def test_other_ends_of_lines_and_paragraphs_end_none() -> None:
    """Some viewers of logs break a line at Unicode's separators, so a line of others could look like one of ours."""
    assert sanitize("a\u2028b\u2029c\n") == "a b c\n"


JWT = id_token()
SIGNATURE = JWT.rpartition(".")[2]


def drawn(count: int, alphabet: str = string.ascii_letters + string.digits + "-_") -> str:
    """So many characters at random, the same in each run."""
    return "".join(random.Random(count).choices(alphabet, k=count))


TOKENS = {
    "the Hub's for a repository": "hf_jwt_abcdefghijkl",
    "the Hub's for a user": "hf_oauth_abcdefghijkl",
    "with odd characters": 'hf_jwt_"quo\\te"/+%&=~',
    "in JSON": '{"access_token":"hf_jwt_abcdefghijkl"}',
    "in a path": "acme/hf_jwt_abcdefghijkl",
    "behind letters": "tokenhf_jwt_abcdefghijkl",
    "with a joiner in it": "hf_jwt\u200b_abcdefghijkl",
    "a user's": "hf_" + drawn(34, string.ascii_letters),
    "a user's, of one letter": "hf_" + "a" * 30,
    "a user's, with a digit": "hf_" + "a" * 29 + "1",
    "a short JWT's header": "eyJhIjoxfQ.",
    "a JWT's header with the signs of base64url": "eyJh-Ijo_fQ.",
    "a short JWT's header behind a digit": "%20eyJhIjoxfQ.",
    "a short JWT's header behind a sign": "_eyJhIjoxfQ.",
    "a short JWT's header behind its name": "token=eyJhIjoxfQ.",
    "a JWT's claims, of few letters": "eyJ" + "a" * 40,
    "a JWT's claims with the signs of base64url": "eyJ" + "a-_a" * 10,
    "a JWT": JWT,
    "a JWT in a word": f"token={JWT};",
    "a JWT, cut": JWT[: len(JWT) - 40],
    "a JWT's header": JWT.partition(".")[0] + ".",
    "a JWT's claims": JWT.split(".")[1],
    "a JWT's signature": SIGNATURE,
    "a JWT's signature, cut": SIGNATURE[:100],
    "64 characters": drawn(64),
    "86 characters": drawn(86),
    "200 characters": drawn(200),
    "200 characters of one case": drawn(200, string.ascii_lowercase + string.digits),
    "65 characters of one case": drawn(65, string.ascii_lowercase + string.digits),
    "86 characters of a path": "https://hub.example/x/" + drawn(86),
    "86 characters behind a workflow": "acme/shared/.github/workflows/x.yml@" + drawn(86),
    "base64 of a JWT": base64.b64encode(JWT.encode()).decode(),
    "base64, as git sends it": base64.b64encode(b"user:hf_jwt_" + drawn(40).encode()).decode(),
    "base64url of a user's": base64.urlsafe_b64encode(b"x:hf_" + drawn(34, string.ascii_letters).encode()).decode(),
    "hex of a JWT": JWT.encode().hex(),
    "hex of the Hub's": f"hf_jwt_{drawn(40)}".encode().hex(),
}


@pytest.mark.parametrize("name", TOKENS)
def test_shows_no_word_that_could_be_a_token(name: str) -> None:
    """By its beginning; or because its letters are random, as it does in a token that was cut or encoded."""
    assert sanitize_line(f"before {TOKENS[name]} after") == "before *** after"


@pytest.mark.parametrize("piece", ["9fK2xQ7", "c2lnbmF0dXJl", "hf_9fK2xQ7"])
def test_a_short_piece_of_a_token_is_shown(piece: str) -> None:
    """SECURITY.md says so: without a token's beginning, a short piece looks like a name."""
    assert sanitize_line(f"it was {piece}") == f"it was {piece}"


@pytest.mark.parametrize(
    "word",
    [
        "acme/hf_bert_base",
        "hf_transfer",
        "acme/hf_internal_testing_tiny_random_model",
        "hf_" + "a" * 29,
        "hf_jwt_",
        "eyJ" + "a" * 39,
        "eyJé.txt",
        f"acme/shared/.github/workflows/release.yml@{hashlib.sha1(b'x').hexdigest()}",
        f"sha256:{hashlib.sha256(b'x').hexdigest()}",
        f"datasets/{'n' * 96}/{'m' * 96}",
        f'"{"n" * 96}/{"m" * 96}",',
        "x" * 290,
        "/home/runner/work/" + "Long-Name_2/" * 12 + "ca.pem",
        "acme/Qwen2VLForConditionalGeneration-Instruct-Int4/Qwen2VLForConditionalGeneration-GPTQ-Int8",
        "repo:acme@12345678/trainer@23456789:ref:refs/heads/feature/2026-11-26/a-very-long-name-of-a-branch",
        "organization:acme:pipeline:train:ref:refs/heads/main:commit:" + hashlib.sha1(b"y").hexdigest(),
        "org/0f8fad5b-d9cb-469f-a165-70867728950e/project/7c9e6679-7425-40de-944b-e07fc1f90ae7/user/x",
        "arn:aws:sts::123456789012:assumed-role/Publisher/i-0abcd1234ef567890",
        "system:serviceaccount:training-namespace:publisher-of-models",
        "https://oidc.eks.eu-west-1.amazonaws.com/id/A1B2C3D4E5F60718293A4B5C6D7E8F90",
        "github.com/org/AspNetCore.DataProtection.AzureKeyVault/IDataProtectionProvider",
        "org/0f8fad5b-d9cb-469f-a165-70867728950e-7c9e6679-7425-40de-944b-e07fc1f90ae7",
        "MonkeyJournal.Entries",
        "KeyJournal.Entries",
        "模型/" + "文" * 90,
    ],
)
def test_shows_what_is_no_token_however_long(word: str) -> None:
    """Names, paths, digests and subjects: length is no secret."""
    assert sanitize_line(f"on {word}") == f"on {word}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://svc:pw@hub.example/x", "https://***@hub.example/x"),
        ("see https://token@hub.example, or ask", "see https://***@hub.example, or ask"),
        ("https://svc:p@ss@hub.example", "https://***@hub.example"),
        ("https://svc:p/a?s#s@hub.example", "https://***@hub.example"),
        ("https:svc:pw@hub.example", "https:***@hub.example"),
        ("http:svc:pw@hub.example", "http:***@hub.example"),
        ("HTTPS:/svc:pw@hub.example", "HTTPS:/***@hub.example"),
        ("socks5h://svc:pw@hub.example", "socks5h://***@hub.example"),
        ("ssh://git:pw@hub.example/x", "ssh://***@hub.example/x"),
        ("iss=https://svc:hf_jwt_abcdefgh@hub.example", "iss=https://***@hub.example"),
        ("https://svc:12345/x%40hub.example", "https://***@hub.example"),
        ("git@hub.example:acme/x", "git@hub.example:acme/x"),
        ("ghcr.io/acme/nanohttp:1.2@sha256:0a1b", "ghcr.io/acme/nanohttp:1.2@sha256:0a1b"),
        ("me@hub.example:https://hub.example/x", "me@hub.example:https://hub.example/x"),
        ("o/r/.github/workflows/x.yml@refs/heads/main", "o/r/.github/workflows/x.yml@refs/heads/main"),
        ("repo:acme@1/trainer@2:ref:refs/heads/main", "repo:acme@1/trainer@2:ref:refs/heads/main"),
    ],
)
def test_shows_no_password_of_a_url(text: str, expected: str) -> None:
    """In any text: what stands between the scheme and the last `@` is left out."""
    assert sanitize_line(text) == expected


@pytest.mark.parametrize(
    ("text", "hides"),
    [
        ("token: hf_jwt_abcdefghijkl # mine", True),
        ("- run: pip install https://svc:pw@hub.example/x", True),
        (f"  {drawn(86)}\n", True),
        ("run: echo ::error::x ##[add-path]/tmp\x1b[0m", False),
        ("  two   words\n", False),
        ("", False),
    ],
)
def test_says_whether_a_text_holds_a_secret(text: str, hides: bool) -> None:
    """A diff shows every other line as it is, with its blanks and commands, so that it can be applied."""
    assert hides_part_of(text) is hides


def test_is_bounded() -> None:
    """A long text is cut, and says that it was."""
    assert sanitize_line("word " * 1000, limit=20) == "word word word word…"
    assert len(sanitize_line("word " * 1000)) == 300


def test_a_text_as_long_as_the_limit_is_whole() -> None:
    """One that is longer by a character ends in the sign that it was cut."""
    assert sanitize_line("x" * 20, limit=20) == "x" * 20
    assert sanitize_line("x" * 21, limit=20) == "x" * 19 + "…"


@pytest.mark.parametrize(("piece", "times"), [("aB", 12), ("Ab1", 12), ("1Ab", 12), ("A1b", 6)])
def test_twelve_changes_of_kind_make_a_token(piece: str, times: int) -> None:
    """From one case, or a digit, to another kind; fewer are found in names that people choose."""
    fewer = ".".join([piece] * (times - 1))
    assert sanitize_line(fewer) == fewer
    assert sanitize_line(f"{fewer}.{piece}") == "***"


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece", ["https:", "://", "@", "%40", "#", "[::", "eyJ-", "hf_", "aB1", "a.", "//", "a:b=", "a:b@c."]
)
def test_a_long_word_takes_no_longer_than_its_length(piece: str) -> None:
    """200 kB in a moment: no expression reads a part again and again."""
    text = "http://" + piece * (200_000 // len(piece))
    began = time.process_time()
    for read in (sanitize, sanitize_line, shown_url, host_of, has_password):
        read(text)
        read(f"@{text}")
    sanitize(f"{text[7:]}@")
    assert time.process_time() - began < 4


def test_reads_no_more_than_it_may_show() -> None:
    """Megabytes of white space cost no more than their beginning."""
    assert sanitize_line(" " * 5_000_000 + "end") == ""
