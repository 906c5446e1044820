"""The parts of a `.gitlab-ci.yml` that matter for a login to the Hub: its jobs, with all that they inherit.

What another file may add (`include:`, a template that is not here) is noted in `unknown`, and never assumed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hf_oidc.doctor.gitlab_ci.read import Expander, has_reference, read_config, texts_within
from hf_oidc.doctor.workflow.yaml_text import Block, UnreadableYaml, Value
from hf_oidc.sanitize import sanitize_line

# https://docs.gitlab.com/ci/yaml/#keywords; the last five are deprecated at the top.
GLOBAL = {
    *("default", "include", "stages", "variables", "workflow", "spec"),
    *("image", "services", "cache", "before_script", "after_script"),
}
# `timeout:` below `default:` has no effect: https://gitlab.com/gitlab-org/gitlab/-/issues/213634
DEFAULTS = ("before_script", "after_script", "id_tokens")


@dataclass(frozen=True)
class Job:
    """A job. `script`: its commands, `before_script:` first. `after`: those of `after_script:`, which run apart.

    `block`: the job with everything that it inherits in this file. `variables`: those of the file too. `unknown`: what
    of it is in another file. `may_have_more`: whether that may be an ID token.
    """

    name: str
    line: int
    script: tuple[str, ...]
    after: tuple[str, ...]
    variables: Block
    block: Block
    unknown: tuple[str, ...] = ()
    may_have_more: bool = False

    def text(self, key: str) -> str:
        """The keyword's value, if it is text."""
        value = self.block.get(key, "")
        return value if isinstance(value, str) else ""

    def line_of(self, key: str) -> int:
        """The line of the keyword, wherever the job inherits it from."""
        return self.block.lines.get(key, self.line)

    @property
    def environment(self) -> str:
        """The name of the environment, or an empty string."""
        value = self.block.get("environment", "")
        name = value.get("name", "") if isinstance(value, Block) else value
        return name if isinstance(name, str) else ""


@dataclass(frozen=True)
class Config:
    """The file: its jobs, and the rules of `workflow:`. `includes`: whether other files may change both."""

    jobs: tuple[Job, ...]
    workflow_rules: Value | None
    includes: bool
    block: Block = field(default_factory=Block)


def read_gitlab_ci(text: str) -> Config:
    """Reads the file. Raises `UnreadableYaml` if it is not a configuration."""
    block = read_config(text)
    includes = "include" in block
    # A name with a dot before it is a template, and no job.
    candidates = (name for name in block if name not in GLOBAL and not name.startswith("."))
    names = [name for name in candidates if isinstance(block[name], Block)]
    inherited, given = Block(), block.get("default", "")
    defaults: Block = given if isinstance(given, Block) else Block()
    at_top = [(block, key) for key in DEFAULTS if key in block and key != "id_tokens"]
    try:
        expander = Expander(block)
        for level, key in (*at_top, *((defaults, key) for key in DEFAULTS if key in defaults)):
            inherited[key] = expander.resolved(level[key])
            inherited.lines[key] = level.lines.get(key, level.line)
        jobs = tuple(_job(block, name, inherited, expander) for name in names)
        workflow = expander.resolved(block.get("workflow", ""))
    except RecursionError:
        raise UnreadableYaml("The values are nested too deeply") from None
    rules = workflow.get("rules") if isinstance(workflow, Block) else None
    if not jobs and not includes:
        raise UnreadableYaml("This is not a GitLab CI/CD configuration: it has no job")
    return Config(tuple(job for job in jobs if job.script or job.unknown), rules, includes, block)


def _job(config: Block, name: str, defaults: Block, expander: Expander) -> Job:
    extended, missing = expander.extended(name)
    block = expander.resolved(extended)
    assert isinstance(block, Block)  # noqa: S101 - a block stays one
    wanted = block.get("inherit", "")
    for key in DEFAULTS:
        if key not in block and key in defaults and _inherits(wanted, "default", key):
            block[key] = defaults[key]
            block.lines[key] = defaults.lines[key]
    variables = Block(block.line)
    for given in (config.get("variables"), block.get("variables")):
        if not isinstance(given, Block):
            continue
        for key, value in given.items():
            if given is block.get("variables") or _inherits(wanted, "variables", key):
                # In the global block, a variable may be a block with a description.
                variables[key] = value.get("value", "") if isinstance(value, Block) else value
                variables.lines[key] = given.lines.get(key, given.line)
    unknown = [f"`extends: {sanitize_line(each, 80)}`" for each in sorted(missing)]
    unknown += [f"the `!reference` in `{sanitize_line(key, 40)}:`" for key in block if has_reference(block[key])]
    own = config[name]
    return Job(
        name=name,
        line=own.line if isinstance(own, Block) else 0,
        script=tuple(each for key in ("before_script", "script") for each in texts_within(block.get(key, ""))),
        after=tuple(texts_within(block.get("after_script", ""))),
        variables=variables,
        block=block,
        unknown=tuple(unknown),
        may_have_more=bool(missing) or ("include" in config and "id_tokens" not in block),
    )


def _inherits(wanted: Value, kind: str, key: str) -> bool:
    """Whether `inherit:` lets a job have the default `key`."""
    # https://docs.gitlab.com/ci/yaml/#inherit
    value = wanted.get(kind, "") if isinstance(wanted, Block) else ""
    return key in value if isinstance(value, list) else value != "false"
