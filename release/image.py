"""Collects the image's files: what the entry modules can import, the libraries beneath, certificates and a shell.

The Dockerfile's build stage runs it, with Debian's Python and nothing but the standard library. It knows where Debian
puts things, and nothing of what the modules do; no path in it names an architecture.

The modules are in one block of byte-code, which Python finds when it starts; `release.bytecode_importer` says why.
"""

from __future__ import annotations

import _imp
import marshal
import opcode
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash
from modulefinder import ModuleFinder
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

from release import bytecode_importer

STDLIB = Path(sysconfig.get_path("stdlib"))
HOME = Path("/opt/hf-oidc")
PYTHON = Path("/usr/bin/python3")
INTERPRETER = PYTHON.resolve()
SITE = HOME / f"lib/{INTERPRETER.name}/site-packages"
BUSYBOX = Path("/usr/bin/busybox")
CERTIFICATES = Path("/etc/ssl/certs")
MOZILLAS = Path("/usr/share/ca-certificates/mozilla")

IMPORT_NAME = opcode.opmap["IMPORT_NAME"]
# Every import statement that can be reached from these is followed, in functions too. Of our package: the modules
# outside `doctor`, because the command line imports its commands, and the registry the providers, by their names.
PACKAGE = "hf_oidc"
ENTRIES = ("runpy", "site")
# What no import statement of these names: the interpreter's C code, our importer and what `cli.child` starts import it.
BY_NAME = (
    "_strptime",
    "ctypes",
    "importlib.readers",
    "traceback",
    *("encodings.ascii", "encodings.idna", "encodings.latin_1", "encodings.punycode", "encodings.utf_8"),
)
# Where following ends. All of these are imported by something, but not on any path of a login, or of `hf-oidc`:
LEFT_OUT = {
    "charset_normalizer": "guesses the encoding of an answer's text, which is read as UTF-8 JSON or not at all",
    "chardet": "the same",
    "urllib3.contrib": "proxies by SOCKS, other TLS libraries, browsers",
    "idna.uts46data": "host names that are not ASCII, which http.url refuses",
    "click._winconsole": "Windows",
    "encodings.mbcs": "Windows",
    "nturl2path": "Windows",
    "plistlib": "macOS",
    "_ios_support": "iOS",
    "webbrowser": "click.launch",
    "sitecustomize": "Debian's, a crash reporter; the image has its own",
    "argparse": "for modules that are started as programs",
    "doctest": "for modules that are started as programs",
    "statistics": "for modules that are started as programs",
    "pydoc": "help() at a prompt",
    "readline": "a prompt",
    "rlcompleter": "a prompt",
    "_pyrepl": "a prompt",
    "email.policy": "writing mail",
    "email.generator": "writing mail",
    "importlib._bootstrap": "is in the interpreter under another name",
    "importlib._bootstrap_external": "is in the interpreter under another name",
    "_pydatetime": "a second implementation",
    "_py_abc": "a second implementation",
    "hf_oidc.cli.doctor_files": "reads workflow files, with PyYAML, which is not in the image",
    "hf_oidc.cli.migration": "likewise",
    "hf_oidc.cli.repository_files": "likewise",
    "hf_oidc.doctor.workflow.migration.result": "for type checkers",
    "hf_oidc.native_action": "the entry point of hf-oidc.pyz",
    "_uuid": "UUIDs by time",
    "bz2": "archives",
    "lzma": "archives",
    "tarfile": "archives",
    "ftplib": "FTP",
    "pickle": "log records over the network",
    "tracemalloc": "development mode",
}
# Loaded at run time and linked by nothing: without it, glibc aborts a process as it ends a thread.
LOADED = ("libgcc_s.so.1",)
# The names by which CI runners and scripts call busybox. In Kubernetes the image is started with tail, filled by tar,
# compared by find and stat, put in order with rm and mv, and given its inputs by env; the rest is what the script of a
# job would miss first. A name that is left out stays in busybox, but is not on the PATH.
APPLETS = (
    *("sh", "env", "tail", "mv", "rm", "tar", "find", "stat"),
    *("[", "base64", "basename", "cat", "chmod", "cp", "cut", "date", "dirname", "echo", "expr", "false"),
    *("grep", "head", "id", "ln", "ls", "mkdir", "mktemp", "printf", "pwd", "readlink", "rmdir"),
    *("sed", "sha256sum", "sleep", "sort", "tee", "test", "touch", "tr", "true", "uname", "uniq", "wc", "which"),
    "xargs",
)
# Who root is, and that /etc/hosts goes before DNS.
ETC = {
    "passwd": "root:x:0:0:root:/root:/bin/sh\n",
    "group": "root:x:0:\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
# Python imports these before `sitecustomize` installs the importer. It finds its standard library by the file of `os`.
NOT_IN_BLOCK = ("os", "encodings")
# Python imports this when it starts, from where packages are installed.
SITECUSTOMIZE = """\
import os
import sys

from bytecode_importer import BytecodeImporter

# Not a standard stream that was closed: who reads it would read byte-code.
low = []
while (modules := os.open(__file__.replace("sitecustomize.pyc", "modules"), os.O_RDONLY)) < 3:
    low.append(modules)
for stream in low:
    os.close(stream)
sys.meta_path.insert(0, BytecodeImporter(lambda start, end: os.pread(modules, end - start, start)))
"""
# Runs under -I, and without a shell, which would drop variables with a hyphen in their names.
COMMAND = f"#!{HOME}/bin/python3 -I\nfrom hf_oidc.__main__ import main\n\nmain()\n"


def main() -> None:
    """Collect into the second folder; the first has what pip installed, and our package."""
    packages, out = Path(sys.argv[1]), Path(sys.argv[2])
    image = Image(out)
    image.add_system()
    image.add_interpreter()
    found = modules(packages)
    image.add_modules(found, packages)
    image.add_notes(packages, {name.partition(".")[0] for name in found})
    image.add_shell()
    image.add_certificates()
    image.add_libraries()
    image.add_owners()
    settle(out, int(os.environ["SOURCE_DATE_EPOCH"]))


class Module(NamedTuple):
    """A module's file, and its byte-code, which one in machine code does not have."""

    source: Path
    code: CodeType | None


class Finder(ModuleFinder):
    """Follows imports through the byte-code that goes into the image, and so compiles each module once.

    `site`: where `packages` are at run time.
    """

    def __init__(self, packages: Path, site: Path) -> None:
        super().__init__([str(packages), str(STDLIB), str(STDLIB / "lib-dynload")], excludes=list(LEFT_OUT))
        self.packages, self.site = packages, site

    def load_module(self, fqname: str, fp: Any, pathname: str, file_info: tuple[str, str, str]) -> Any:
        """Compile a module, follow what it imports, and return it. A package comes once more, as its `__init__`."""
        source = Path(pathname or "")
        if source.suffix != ".py":
            return super().load_module(fqname, fp, pathname, file_info)
        module: Any = self.add_module(fqname)
        module.__file__ = pathname
        if source.is_relative_to(self.packages):
            module.__code__ = compiled(fp.read(), in_site(source, self.packages, self.site))
        else:
            module.__code__ = compiled_before(source) or compiled(fp.read(), source)
        self.scan_code(module.__code__, module)
        return module

    def scan_opcodes(self, co: CodeType) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """What the code imports, and which names it sets. To disassemble only code that imports halves the time."""
        return super().scan_opcodes(co) if IMPORT_NAME in co.co_code[::2] else iter(())


def modules(packages: Path, site: Path = SITE) -> dict[str, Module]:
    """Each module that can be reached, except those that are in the interpreter. `site`: as for `Finder`."""
    finder = Finder(packages, site)
    sources = (source.relative_to(packages).with_suffix("").parts for source in packages.glob(f"{PACKAGE}/**/*.py"))
    ours = {".".join(parts) for parts in sources if "doctor" not in parts[:-1]}
    for name in (*sorted(ours - LEFT_OUT.keys()), *ENTRIES, *BY_NAME):
        finder.import_hook(name)
    # `os` is in the interpreter too, but by its file the interpreter knows its library.
    return {
        name: Module(Path(file), vars(module)["__code__"])
        for name, module in sorted(finder.modules.items())
        if (file := vars(module)["__file__"]) and (name == "os" or not _imp.is_frozen(name))
    }


class Image:
    """The image's root in the making. `sources`: the files of this system that went into it."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.sources: set[Path] = set()

    def place(self, target: Path | str) -> Path:
        """Where to write `target`, an absolute path in the image."""
        place = self.out / Path(target).relative_to("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def add(self, source: Path) -> None:
        """Copy a file of this system to the same path, whatever links lead to it."""
        self.sources.add(source.resolve())
        shutil.copy(source, self.place(source))

    def link(self, name: Path | str, to: Path | str) -> None:
        """A symbolic link."""
        self.place(name).symlink_to(to)

    def write(self, name: Path | str, text: str, mode: int = 0o644) -> None:
        """A file of our own."""
        self.place(name).write_text(text)
        self.place(name).chmod(mode)

    def folder(self, name: str, mode: int) -> None:
        """An empty folder."""
        self.place(name).mkdir()
        self.place(name).chmod(mode)

    def add_system(self) -> None:
        """The links, files and folders that programs expect of any system."""
        for link in (path for path in Path("/").iterdir() if path.is_symlink()):
            self.link(link, link.readlink())
            (self.out / link.readlink()).mkdir(parents=True, exist_ok=True)
        for name, text in ETC.items():
            self.write(f"/etc/{name}", text)
        self.add(Path("/usr/lib/os-release"))
        self.link("/etc/os-release", "../usr/lib/os-release")
        self.folder("/root", 0o700)
        self.folder("/tmp", 0o1777)  # noqa: S108 - the image's

    def add_interpreter(self) -> None:
        """Python, a virtual environment on it, and the command."""
        self.add(INTERPRETER)
        self.link(PYTHON, INTERPRETER.name)
        self.link(HOME / "bin/python3", PYTHON)
        self.write(HOME / "pyvenv.cfg", f"home = {PYTHON.parent}\ninclude-system-site-packages = false\n")
        self.write(HOME / "bin/hf-oidc", COMMAND, 0o755)

    def add_modules(self, found: Mapping[str, Module], packages: Path) -> None:
        """Modules as byte-code without their sources, of which they know file and lines all the same."""
        for name, (source, code) in found.items():
            if code is None:
                self.add(source)
            elif not source.is_relative_to(packages):
                self.sources.add(source.resolve())
            if code and is_in_file(name):
                write_bytecode(self.place(source.with_suffix(".pyc")), source.read_bytes(), code)
        write_block(found, self.place(SITE / "modules").parent)

    def add_notes(self, packages: Path, imported: set[str]) -> None:
        """Name, version and licence of each package that a module is from."""
        for record in packages.glob("*.dist-info/RECORD"):
            if imported & {line.partition("/")[0] for line in record.read_text().splitlines()}:
                for note in record.parent.rglob("*"):
                    if note.name == "METADATA" or note.name.startswith("LICEN"):
                        shutil.copyfile(note, self.place(in_site(note, packages)))

    def add_shell(self) -> None:
        """busybox, and the names by which it is called."""
        self.add(BUSYBOX)
        for applet in APPLETS:
            self.link(BUSYBOX.with_name(applet), BUSYBOX.name)

    def add_certificates(self) -> None:
        """Debian's certificates under their hashes: OpenSSL reads the one that it needs.

        A bundle would be parsed at each start. So there is only a link to the place of one: a bundle that
        is mounted there is read too.
        """
        for certificate in MOZILLAS.glob("*.[0-9]"):
            self.sources.add(certificate.resolve())
            shutil.copy(certificate, self.place(CERTIFICATES / certificate.name))
        self.link("/usr/lib/ssl/certs", CERTIFICATES)
        self.link("/usr/lib/ssl/cert.pem", CERTIFICATES / "ca-certificates.crt")

    def add_libraries(self) -> None:
        """What the programs and the modules are linked with, all the way down, and what is loaded by name."""
        binaries = [INTERPRETER, BUSYBOX, *(source for source in self.sources if source.suffix == ".so")]
        found = output("ldd", *binaries)
        if missing := [line for line in found.splitlines() if line.endswith("not found")]:
            sys.exit("\n".join(["The Dockerfile does not name the packages of these libraries:", *missing]))
        linked = {Path(word) for word in found.split() if word.startswith("/") and word[-1] != ":"}
        for library in linked:
            self.add(library)
        beside = next(library.parent for library in linked if library.name == "libc.so.6")
        for name in LOADED:
            self.add(beside / name)

    def add_owners(self) -> None:
        """What Debian says of the packages of all these files, in the place that scanners read, and licences."""
        found = output("dpkg-query", "--search", *self.sources)
        notes: dict[bytes, Path] = {}
        for owner in sorted({line.partition(":")[0] for line in found.splitlines()}):
            status = output("dpkg-query", "--status", owner)
            # The build has not configured it, but what it is for is there.
            self.write(f"/var/lib/dpkg/status.d/{owner}", status.replace("install ok unpacked", "install ok installed"))
            note = Path(f"/usr/share/doc/{owner}/copyright")
            # The packages of one source have the same.
            first = notes.setdefault(note.read_bytes(), note)
            if first == note:
                self.add(note)
            else:
                self.link(note, first)


def is_in_file(name: str) -> bool:
    """Whether a module has a file of its own."""
    return name.partition(".")[0] in NOT_IN_BLOCK


def write_block(found: Mapping[str, Module], folder: Path, site: Path = SITE) -> None:
    """Write into `folder` the block of all Python modules except `NOT_IN_BLOCK`, its importer, and `sitecustomize`.

    `site`: the path of `folder` at run time.
    """
    codes = {name: module.code for name, module in found.items() if module.code and not is_in_file(name)}
    block = bytecode_importer.pack({name: (code.co_filename, marshal.dumps(code)) for name, code in codes.items()})
    (folder / "modules").write_bytes(block)
    importer = Path(bytecode_importer.__file__)
    for name, text in ((importer.name, importer.read_bytes()), ("sitecustomize.py", SITECUSTOMIZE.encode())):
        write_bytecode((folder / name).with_suffix(".pyc"), text, compiled(text, site / name))


def write_bytecode(target: Path, text: bytes, code: CodeType) -> None:
    """Write the byte-code of one module, as `py_compile` does for one whose source is not looked at."""
    unchecked = (1).to_bytes(4, "little")
    target.write_bytes(MAGIC_NUMBER + unchecked + source_hash(text) + marshal.dumps(code))


def compiled(text: bytes, shown: Path) -> CodeType:
    """The byte-code of a module, whose file tracebacks call `shown`."""
    # Without docstrings, a fifth of the byte-code. Those of the commands are their help.
    optimize = 0 if f"/{PACKAGE}/cli/" in str(shown) else 2
    return compile(text, str(shown), "exec", dont_inherit=True, optimize=optimize)


def compiled_before(source: Path) -> CodeType | None:
    """The byte-code that a Python under -OO has left of a module of the standard library, if any (PEP 552)."""
    file = Path(cache_from_source(source, optimization=2))
    return marshal.loads(file.read_bytes()[16:]) if file.exists() else None  # noqa: S302 - this interpreter's own


def in_site(path: Path, packages: Path, site: Path = SITE) -> Path:
    """Where the image has a file of `packages`."""
    return site / path.relative_to(packages)


def output(program: str, *arguments: Path | str) -> str:
    """What a program prints."""
    return subprocess.run([program, *arguments], stdout=subprocess.PIPE, text=True, check=True).stdout


def settle(out: Path, time: int) -> None:
    """Give all that is there one time, so that the same files make the same layer."""
    for path in (out, *out.rglob("*")):
        os.utime(path, (time, time), follow_symlinks=False)


if __name__ == "__main__":
    main()
