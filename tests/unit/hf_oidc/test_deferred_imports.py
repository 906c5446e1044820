"""Libraries without what no login uses: stand-ins while they are imported, and the real thing for whoever asks."""

import ast
import importlib
import inspect
import platform
import re
import subprocess
import sys
from typing import Any

import pytest

from hf_oidc import deferred_imports
from hf_oidc.deferred_imports import STAND_INS


def python(program: str) -> list[str]:
    """The words that `program` prints, in a process of its own: an import happens once."""
    run = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    return run.stdout.split()


@pytest.mark.process
def test_nothing_stands_in_once_requests_is_there() -> None:
    """Who imports one of the modules later gets the real one."""
    program = f"import sys, hf_oidc.http.client; print(*[name for name in {list(STAND_INS)} if name in sys.modules])"
    assert python(program) == []


@pytest.mark.process
@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("requests.packages.idna.encode('bücher.example').decode()", "xn--bcher-kva.example"),
        ("requests.utils.zipfile.ZipFile.__name__", "ZipFile"),
        ("requests.models.chardet.from_bytes('é'.encode()).best().encoding", "utf_8"),
        ("sys.modules['urllib3.http2'].version('requests')[:2]", "2."),
        ("requests.cookies.calendar.timegm((1970, 1, 2, 0, 0, 0))", "86400"),
        ("requests.cookies.calendar.isleap(2024)", "True"),
        ("len(requests.compat.parse_http_list('a, b'))", "2"),
        ("jwt.PyJWKClient('https://issuer.example').uri", "https://issuer.example"),
        ("requests.utils.tempfile.gettempdir() == __import__('tempfile').gettempdir()", "True"),
        ("0 <= sys.modules['urllib3.util.retry'].random.random() < 1", "True"),
        ("sys.modules['logging'].traceback.FrameSummary.__name__", "FrameSummary"),
        ("hasattr(requests.utils.zipfile, '__path__')", "False"),
        ("click.core.inspect.isfunction(print)", "False"),
        ("sys.modules['urllib3.util.url']._IPV4_RE.fullmatch('127.0.0.1').group()", "127.0.0.1"),
        ("sys.modules['urllib3.util.url']._normalize_host('[::FFFF]', 'http')", "[::ffff]"),
        ("sys.modules['urllib3.util.url']._normalize_host('Hub.Example', 'http')", "hub.example"),
        ("__import__('string').Template('$a').substitute(a='b')", "b"),
        ("requests.utils.urlparse('http://[::1]:80').hostname", "::1"),
    ],
)
def test_who_asks_gets_the_real_thing(expression: str, value: str) -> None:
    """requests stays whole: what stood in loads what it stands for."""
    program = (
        f"import sys, hf_oidc.cli, hf_oidc.http.client, hf_oidc.id_token, click, jwt, requests; print({expression})"
    )
    assert python(program) == [value]


@pytest.mark.process
@pytest.mark.parametrize(
    ("wanted", "expression", "value"),
    [
        ("import idna", "idna.encode('b').decode()", "b"),
        ("from zipfile import ZipFile", "ZipFile.__name__", "ZipFile"),
        ("import platform, os", "platform.system() == os.uname().sysname", "True"),
        ("from importlib.metadata import version", "version('requests')[:2]", "2."),
    ],
)
def test_the_real_thing_can_be_asked_for_before_requests_is_there(wanted: str, expression: str, value: str) -> None:
    """As a newer requests might, in the middle of its import."""
    program = (
        f"from hf_oidc import deferred_imports\nwith deferred_imports.imports():\n    {wanted}\n    print({expression})"
    )
    assert python(program) == [value]


def test_what_is_given_is_what_the_real_thing_would_give() -> None:
    """Though it is not loaded for it where that can be avoided."""
    assert STAND_INS["platform"]["system"]() == platform.system()
    assert STAND_INS["calendar"]["timegm"]((1970, 1, 2, 0, 0, 0)) == 86400
    for text in ("", "one line", "  one line  ", "two\n    lines\n\n", "\ta tab"):
        assert STAND_INS["inspect"]["cleandoc"](text) == inspect.cleandoc(text)


@pytest.mark.parametrize("module", sorted(deferred_imports.LAZY_PATTERNS))
def test_a_regular_expression_of_these_modules_is_compiled_when_it_is_used(module: str) -> None:
    """With its flags. `re` is as before afterwards."""
    before, names = re.compile, dict[str, Any](__name__=module, re=re)
    with deferred_imports.imports():
        exec("late = re.compile('a.', re.IGNORECASE); wrong = re.compile('(', flags=0)", names)
    late, wrong = names["late"], names["wrong"]
    assert re.compile is before
    assert type(late) is not re.Pattern
    assert late.fullmatch("AB")
    assert (late.flags & re.IGNORECASE, late.pattern, late.sub("x", "abc")) == (re.IGNORECASE, "a.", "xc")
    with pytest.raises(re.error):
        wrong.match("")


@pytest.mark.parametrize("module", sorted(deferred_imports.LAZY_PATTERNS))
def test_these_modules_give_no_regular_expression_to_a_function_of_re(module: str) -> None:
    """Such a function takes text or a real pattern."""
    functions = {"match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"}
    calls = ast.walk(ast.parse(inspect.getsource(importlib.import_module(module))))
    given = [
        ast.unparse(call.args[0])
        for call in calls
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in functions
        if isinstance(call.func.value, ast.Name) and call.func.value.id in {"re", "_re"}
        if isinstance(call.args[0], (ast.Name, ast.Attribute))
    ]
    assert given == []


def test_a_host_without_brackets_is_not_compared_to_an_address_in_brackets() -> None:
    """The expression is not even compiled: this one could not be."""
    names = dict[str, Any](__name__="urllib3.util.url", re=re)
    with deferred_imports.imports():
        exec(r"wrong = re.compile(r'^\[('); address = re.compile(r'^\[(?:a|b)\]$')", names)
    assert names["wrong"].match("hub.example") is None
    assert names["wrong"].match("") is None
    assert names["address"].match("[b]")
    assert not names["address"].match("[c]")


def test_any_other_regular_expression_is_compiled_at_once() -> None:
    """Other modules may pass them to functions of `re`, which take no stand-in."""
    with deferred_imports.imports():
        assert re.split(re.compile("A", flags=re.IGNORECASE), "cac") == ["c", "c"]
        assert re.compile(re.compile("a")) is re.compile("a")


def test_what_was_imported_before_stays() -> None:
    """A program that uses one of the modules, such as a test run, keeps it."""
    before = {name: sys.modules[name] for name in STAND_INS if name in sys.modules}
    with deferred_imports.imports():
        within = {name: sys.modules[name] for name in before}
    assert within == before
    assert before


@pytest.mark.process
def test_certificates_of_certifi_are_out_of_reach() -> None:
    """Trust is the system's, plus `ca-bundle`."""
    assert python("import hf_oidc.http.client, requests; print(requests.certs.where(), 'none')") == ["none"]
