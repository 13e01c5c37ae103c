"""Plain data as YAML text that every reader reads alike: quoted is what the strict reader would refuse or misread."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from mlci.errors import UsageError
from mlci.escape import UNSEEN, line
from mlci.yaml_reader import is_text

_MOST = 10**18
"""The strict reader reads integers of fewer digits."""


class _Dumper(yaml.SafeDumper):
    """As SafeDumper, without anchors, with what is short on one line and quotes around whatever is not plainly text."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> yaml.SequenceNode:
        node = super().represent_sequence(tag, sequence, flow_style)
        node.flow_style = all(_is_short(item) for item in node.value)
        return node

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        node = super().represent_mapping(tag, mapping, flow_style)
        node.flow_style = all(_is_short(value) for _, value in node.value)
        return node

    def serialize(self, node: yaml.Node) -> None:
        if isinstance(node, yaml.CollectionNode):
            node.flow_style = False  # the whole document
        super().serialize(node)

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _is_short(node: yaml.Node) -> bool:
    """Whether it may stand among others on one line."""
    return isinstance(node, yaml.ScalarNode) and node.style != "|" and len(node.value) <= 60


def _text(dumper: _Dumper, value: str) -> yaml.Node:
    if UNSEEN.search(value):
        raise UsageError(f"`{line(value)}` holds a control or invisible character, which no YAML file of mlci may have")
    style = "|" if "\n" in value else None if is_text(value) else "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def _int(dumper: _Dumper, value: int) -> yaml.Node:
    if abs(value) >= _MOST:
        raise UsageError(f"{value} has more digits than a number in YAML can hold")
    return dumper.represent_int(value)


def _float(dumper: _Dumper, value: float) -> yaml.Node:
    if value != value or abs(value) == float("inf"):
        raise UsageError(f"{value} is not finite, and cannot be written")
    return dumper.represent_float(value)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(int, _int)
_Dumper.add_representer(float, _float)


def write(data: Any, comments: Iterable[str] = ()) -> str:
    """The text of a YAML document, after one line ``# ...`` for each comment.

    ``data`` is dict with texts for keys, list, str, int, float, bool and None. ``document.read`` gives it back as it
    was. Raises UsageError for numbers and characters that no file may have.
    """
    head = "".join(f"# {line(comment)}\n" if comment else "#\n" for comment in comments)
    body: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return head + body
