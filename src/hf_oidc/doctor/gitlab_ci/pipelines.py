"""The pipelines that GitLab can create for a file, and whether a job is in them.

A pipeline is its source and what it runs for: a branch, a tag or a merge request. `workflow:rules`, `rules` and
`only`/`except` are followed in each; where a condition is not known, the pipeline may run the job.
https://docs.gitlab.com/ci/jobs/job_rules/ and https://docs.gitlab.com/ci/yaml/deprecated_keywords/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from hf_oidc.doctor.gitlab_ci.expressions import (
    Condition,
    ExpressionError,
    Pattern,
    SomeName,
    Special,
    Text,
    Variables,
    all_of,
    any_of,
    matches,
    named_by,
    parse,
)
from hf_oidc.doctor.gitlab_ci.model import Config, Job
from hf_oidc.doctor.gitlab_ci.read import Reference, texts_within
from hf_oidc.doctor.workflow.yaml_text import Block, Value

MAX_NAMES = 12
# Characters of conditions and refs, over all pipelines: about a second. A regular expression is compiled once.
MAX_EVALUATED = 2_000_000
COST_OF_A_REF = 20
COST_OF_A_PATTERN = 1_000
Kind = Literal["branch", "tag", "merge-request"]
DEFAULT_BRANCH = SomeName("the default branch", elsewhere=True)
MAYBE_DEFAULT = SomeName("the default branch, which may be this one")
OTHER_BRANCH = SomeName("another branch", elsewhere=True)
SOURCE_BRANCH = SomeName("the source branch")
TAG = SomeName("a tag", elsewhere=True)
# A branch that a condition tells apart from others.
BRANCH = r"\$\{?CI_(?:COMMIT_BRANCH|COMMIT_REF_NAME|DEFAULT_BRANCH)\}?\s*"
COMPARED = re.compile(rf"{BRANCH}[!=]=\s*[\"']([^\"']+)[\"']")
MATCHED = re.compile(rf"{BRANCH}[!=]~\s*/((?:[^/\\]|\\.)+)/")
NAME = re.compile(r"\w[\w./+-]*")
REGEX = re.compile(r"/(?P<text>.*)/(?P<flags>[a-zA-Z]*)", re.DOTALL)
# `only:refs` -> `CI_PIPELINE_SOURCE`
SOURCES = {"pushes": "push", "schedules": "schedule", "merge_requests": "merge_request_event"}
SOURCES |= {"api": "api", "chat": "chat", "pipelines": "pipeline", "triggers": "trigger", "web": "web"}
# Pipelines of a branch or a tag. Those of external pull requests are only in projects that mirror another forge.
OF_REFS = ("push", "schedule", "web", "api", "trigger", "pipeline", "parent_pipeline", "chat")


@dataclass(frozen=True)
class Pipeline:
    """A pipeline. `ref`: the branch or tag. `fork`: of a merge request from another project."""

    kind: Kind
    source: str
    ref: Text
    fork: bool = False

    def variables(self, project: str) -> Variables:
        """The predefined variables that are known. `project`: its path, if it is known."""
        merge_request = self.kind == "merge-request"
        here: Text = project or SomeName("this project")
        of_merge_request: dict[str, Text] = dict.fromkeys(
            ("IID", "ID", "EVENT_TYPE", "TARGET_BRANCH_NAME", "SOURCE_PROJECT_PATH", "PROJECT_PATH"), Special.NULL
        )
        if merge_request:
            source_project = SomeName("a fork", elsewhere=True) if self.fork else here
            of_merge_request = {
                "IID": SomeName("a number", elsewhere=True),
                "ID": SomeName("an ID", elsewhere=True),
                "EVENT_TYPE": Special.UNKNOWN,
                "TARGET_BRANCH_NAME": SomeName("the target branch"),
                "SOURCE_PROJECT_PATH": source_project,
                "PROJECT_PATH": here,
            }
        return {
            "CI": "true",
            "GITLAB_CI": "true",
            "CI_PIPELINE_SOURCE": self.source,
            # The branch that the file names may be the default branch; so may the source branch of a merge request.
            "CI_DEFAULT_BRANCH": MAYBE_DEFAULT if isinstance(self.ref, str) or merge_request else DEFAULT_BRANCH,
            "CI_COMMIT_BRANCH": self.ref if self.kind == "branch" else Special.NULL,
            "CI_COMMIT_TAG": self.ref if self.kind == "tag" else Special.NULL,
            "CI_COMMIT_REF_NAME": self.ref,
            "CI_PROJECT_PATH": here,
            "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": self.ref if merge_request else Special.NULL,
            **{f"CI_MERGE_REQUEST_{name}": value for name, value in of_merge_request.items()},
        }


class _TooMuch(Exception):
    """The file has more conditions and pipelines than can be evaluated in a reasonable time."""


@dataclass
class Pipelines:
    """Finds the pipelines that run a job. `not_understood` grows with what could not be followed.

    `unclear`: whether there was any of that for the last job.
    """

    config: Config
    project: str
    not_understood: set[str] = field(default_factory=set)
    unclear: bool = False
    _evaluated: int = 0
    _conditions: dict[str, Condition | None] = field(default_factory=dict)
    _patterns: set[str] = field(default_factory=set)

    def reaching(self, job: Job) -> Iterator[Pipeline]:
        """Yields the pipelines that may run `job`: every source, for each branch that its conditions tell apart."""
        self.unclear = False
        parts = [self.config.workflow_rules, *(job.block.get(key) for key in ("rules", "only", "except"))]
        try:
            self._spend(0)  # there may be nothing left
            texts = [text for part in parts for text in _conditions(part)]
            self._spend(sum(map(len, texts)))
            refs = self._refs(texts)
            pipelines = [Pipeline("branch", source, ref) for source in OF_REFS for ref in refs]
            pipelines += [Pipeline("tag", source, TAG) for source in OF_REFS]
            merge_request = Pipeline("merge-request", "merge_request_event", SOURCE_BRANCH)
            pipelines += [merge_request, replace(merge_request, fork=True)]
            yield from (pipeline for pipeline in pipelines if self._runs(pipeline, job))
        except _TooMuch:
            self._not_understood("more conditions than any file has")

    def _refs(self, texts: list[str]) -> list[Text]:
        """The branches that the conditions in `texts` tell apart, and any other branch."""
        regexes = [REGEX.fullmatch(text) for text in texts]
        patterns = [regex["text"] for regex in regexes if regex] + [
            each for text in texts for each in MATCHED.findall(text)
        ]
        names = {*texts, *(name for pattern in patterns for name in named_by(pattern))}
        names.update(name for text in texts for name in COMPARED.findall(text))
        named = sorted(name for name in names - {*SOURCES, "branches", "tags"} if NAME.fullmatch(name))
        if len(named) > MAX_NAMES:
            self._not_understood(f"conditions that name more than {MAX_NAMES} branches")
        refs: list[Text] = [DEFAULT_BRANCH] if any("CI_DEFAULT_BRANCH" in text for text in texts) else []
        return [*refs, *named[:MAX_NAMES], OTHER_BRANCH]

    def _runs(self, pipeline: Pipeline, job: Job) -> bool:
        """Whether `pipeline` may be created, and `job` may be in it."""
        variables = pipeline.variables(self.project)
        if self.config.workflow_rules and True not in self._by_rules(self.config.workflow_rules, variables):
            return False
        if "rules" in job.block:
            return True in self._by_rules(job.block["rules"], variables)
        # A job without any of the keywords has `only: [branches, tags]`, also one that has only `except:`.
        only = self._policy(job.block.get("only", ["branches", "tags"]), pipeline, variables, every=True)
        excluded = self._policy(job.block.get("except", []), pipeline, variables, every=False)
        return only is not False and not excluded

    def _by_rules(self, rules: Value, variables: Variables) -> set[bool]:
        """What the first rule that holds can decide: `never` or not. Without one that holds, it is no."""
        decisions = set[bool]()
        for rule in _flat(rules):
            if not isinstance(rule, Block):
                self.unclear = True  # a rule of another file
                continue
            holds = self._holds(rule.get("if", ""), variables)
            if holds and ("changes" in rule or "exists" in rule):
                holds = None
            if holds is not False:
                decisions.add(rule.get("when") != "never")
            if holds:
                return decisions
        return {*decisions, False}

    def _policy(self, policy: Value, pipeline: Pipeline, variables: Variables, *, every: bool) -> bool | None:
        """Whether `only:` (every part must hold) or `except:` (any part suffices) applies."""
        parts: dict[str, Value] = dict(policy) if isinstance(policy, Block) else {"refs": policy}
        if every:  # `only: {variables: …}` keeps the default of `refs`
            parts.setdefault("refs", ["branches", "tags"])
        found = list[bool | None]()
        for name, value in parts.items():
            texts = [*texts_within(value)]
            if name == "refs":
                self._spend(COST_OF_A_REF * len(texts))
                found.append(any_of(self._is_ref(text, pipeline) for text in texts))
            elif name == "variables":
                found.append(any_of(self._holds(text, variables) for text in texts))
            else:
                found.append(None)
        return all_of(found) if every else any_of(found)

    def _is_ref(self, text: str, pipeline: Pipeline) -> bool | None:
        text, at, project = text.partition("@")
        if at and project != self.project:
            return False if self.project else None
        if text in {"branches", "tags"}:
            return pipeline.kind == ("branch" if text == "branches" else "tag")
        if text in {*SOURCES, "external", "external_pull_requests"}:
            return pipeline.source == SOURCES.get(text)
        # "The pattern matching does not work for merge requests pipelines": lib/gitlab/ci/build/policy/refs.rb
        if pipeline.kind == "merge-request":
            return False
        if regex := REGEX.fullmatch(text):
            self._spend(0, text)
            return matches(pipeline.ref, Pattern(regex["text"], regex["flags"]))
        return pipeline.ref == text  # no other `ref` is a branch that the file names

    def _holds(self, condition: Value, variables: Variables) -> bool | None:
        if condition == "":
            return True
        if not isinstance(condition, str):
            return None
        self._spend(len(condition), condition if "~" in condition else "")
        if condition not in self._conditions:
            try:
                self._conditions[condition] = parse(condition)
            except ExpressionError:
                self._conditions[condition] = None
        if parsed := self._conditions[condition]:
            return parsed(variables)
        self._not_understood(f"the condition `{condition}`")
        return None

    def _spend(self, characters: int, pattern: str = "") -> None:
        """Counts what is evaluated. `pattern`: a text with a regular expression. Raises `_TooMuch`."""
        self._evaluated += characters
        if pattern and pattern not in self._patterns:
            self._patterns.add(pattern)
            self._evaluated += COST_OF_A_PATTERN * max(1, pattern.count("~"))
        if self._evaluated > MAX_EVALUATED:
            raise _TooMuch

    def _not_understood(self, what: str) -> None:
        self.unclear = True
        self.not_understood.add(what)


def _conditions(value: Value | None) -> Iterator[str]:
    """Yields the texts in rules or refs that may name a branch."""
    if isinstance(value, Block):
        for each in (value.get("refs", ""), value.get("variables", ""), value.get("if", "")):
            yield from texts_within(each)
    elif isinstance(value, (list, str)):
        for each in _flat(value):
            yield from _conditions(each) if isinstance(each, Block) else texts_within(each)


def _flat(rules: Value) -> Iterator[Value]:
    for rule in rules if isinstance(rules, list) and not isinstance(rules, Reference) else [rules]:
        if isinstance(rule, list) and not isinstance(rule, Reference):
            yield from _flat(rule)
        else:
            yield rule
