"""A ComfyUI graph as a thing to walk through: from a node to what is plugged into it, within bounds, whatever leads back to itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from studio.generation.metadata.reading.structures import parse, within

MAX_NODES, MAX_INPUTS = 2_000, 64
MAX_STEPS = 400
"""Nodes that one walk looks at."""
MAX_LOOKS = 5_000
"""Nodes that all walks through one graph look at together."""


@dataclass(frozen=True, slots=True)
class Node:
    """One node: its class, and its inputs, each a value or a link to another node (`[id, slot]`)."""

    id: str
    kind: str
    inputs: Mapping[str, Any]


class Graph:
    """The nodes of a graph by their ids."""

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self.nodes = nodes
        self._looks = MAX_LOOKS

    @classmethod
    def of_prompt(cls, text: str, longest: int) -> Graph:
        """What ComfyUI was asked to run: `{id: {class_type, inputs}}`."""
        return cls(_nodes((str(name), within(one)) for name, one in parse(text, longest=longest).items()))

    @classmethod
    def of_workflow(cls, text: str, longest: int) -> Graph:
        """What its page drew: nodes with lists of values, and a list of links."""
        data = parse(text, longest=longest)
        links = {one[0]: one[1:3] for one in _list(data.get("links")) if isinstance(one, list) and len(one) >= 3 and _is_id(one[0])}
        return cls(_nodes(_drawn(one, links) for one in _list(data.get("nodes")) if isinstance(one, dict)))

    def source(self, value: Any) -> Node | None:
        """The node that a link leads to."""
        return self.nodes.get(str(value[0])) if is_link(value) and _is_id(value[0]) else None

    def walk(self, start: Node, follows: Callable[[Node], Collection[str]]) -> Iterator[Node]:
        """`start`, and what can be reached from it along the inputs that `follows` names, nearest first; each node once."""
        seen, waiting = {start.id}, deque([start])
        for _ in range(MAX_STEPS):
            if not waiting or self._looks <= 0:
                return
            self._looks -= 1
            node = waiting.popleft()
            yield node
            for name in follows(node):
                found = self.source(node.inputs.get(name))
                if found and found.id not in seen:
                    seen.add(found.id)
                    waiting.append(found)

    def scalar(self, node: Node, *names: str) -> Any:
        """The value of the first of these inputs that there is; along links to a node that only holds a value."""
        for name in names:
            value = node.inputs.get(name)
            if is_link(value) and (found := self.source(value)):
                value = next((held for one in self.walk(found, _all_links) if (held := _held(one)) is not None), None)
            if value is not None and not isinstance(value, list | dict):
                return value
        return None


def is_link(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2


def _held(node: Node) -> Any:
    """The value of a node that is there to hold one ("Seed", "Int", "Primitive")."""
    for name in ("value", "seed", "noise_seed", "int", "float", "number", "Number", "string", "text"):
        value = node.inputs.get(name)
        if isinstance(value, str | int | float):
            return value
    return None


def _all_links(node: Node) -> list[str]:
    return [name for name, value in node.inputs.items() if is_link(value)]


def _nodes(found: Iterator[tuple[str, Mapping[str, Any]]]) -> dict[str, Node]:
    nodes: dict[str, Node] = {}
    for name, one in found:
        kind = one.get("class_type")
        if isinstance(kind, str) and len(nodes) < MAX_NODES:
            nodes[name] = Node(name, kind[:100], dict(islice(within(one.get("inputs")).items(), MAX_INPUTS)))
    return nodes


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_id(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, int) and abs(value) < 10**12)


_WIDGETS = {
    "KSampler": ("seed", "", "steps", "cfg", "sampler_name", "scheduler", "denoise"),
    "KSamplerAdvanced": ("add_noise", "noise_seed", "", "steps", "cfg", "sampler_name", "scheduler"),
    "SamplerCustom": ("add_noise", "noise_seed", "", "cfg"),
    "CLIPTextEncode": ("text",),
    "EmptyLatentImage": ("width", "height"),
    "EmptySD3LatentImage": ("width", "height"),
    "CheckpointLoaderSimple": ("ckpt_name",),
    "UNETLoader": ("unet_name",),
    "LoraLoader": ("lora_name", "strength_model"),
    "KSamplerSelect": ("sampler_name",),
    "BasicScheduler": ("scheduler", "steps", "denoise"),
    "RandomNoise": ("noise_seed",),
    "CFGGuider": ("cfg",),
    "FluxGuidance": ("guidance",),
}
"""What a drawn node's list of values means, for the nodes that come with ComfyUI; the empty one is a switch of the page's own."""


def _drawn(node: Mapping[str, Any], links: Mapping[Any, list[Any]]) -> tuple[str, dict[str, Any]]:
    """A drawn node as it would stand in a prompt."""
    kind = node.get("type")
    values = dict(zip(_WIDGETS.get(kind, ()) if isinstance(kind, str) else (), _list(node.get("widgets_values")), strict=False))
    for one in _list(node.get("inputs")):
        plug = within(one)
        if isinstance(plug.get("name"), str) and _is_id(plug.get("link")) and plug["link"] in links:
            values[plug["name"]] = links[plug["link"]]
    name = node.get("id")
    return str(name) if _is_id(name) else "", {"class_type": kind, "inputs": values}
