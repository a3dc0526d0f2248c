"""ComfyUI: a PNG's `prompt` is the graph that ran, `workflow` the one on the page; a WebP has the same in EXIF.

A graph may be anything. What is looked for is the sampler that begins from nothing, and from there: the texts plugged into it, its model,
the size of its latents.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio.generation.metadata.reading.graph import Graph, Node, is_link
from studio.generation.metadata.reading.record import MAX_GRAPH, MAX_PROMPT, Draft, Record, name_of_file, plain
from studio.generation.metadata.reading.samplers import named, said
from studio.generation.metadata.reading.structures import parse

TOOL = "ComfyUI"
_SEEDS, _MODELS = ("seed", "noise_seed"), ("ckpt_name", "unet_name", "gguf_name", "model_name")
_TEXTS = ("t5xxl", "text_g", "text", "clip_l", "text_l", "prompt", "wildcard_text", "populated_text", "string", "value")
_JOINED = ("text_a", "text_b", "text_c", "text_d", "text1", "text2", "text3", "text4", "string_a", "string_b", "string1", "string2")
_NO_WORDS = {"model", "clip", "vae", "image", "images", "pixels", "mask", "control_net", "samples", "latent", "latent_image", "noise_mask"}
_PARTS = ("noise", "guider", "sampler", "sigmas")
"""What a sampler that is put together is put together from."""


def read(texts: Mapping[str, str]) -> Record | None:
    for graph in _graphs(texts):
        sampler = _sampler(graph)
        if sampler and (found := _record(graph, sampler)):
            return found
    return None


def _graphs(texts: Mapping[str, str]) -> list[Graph]:
    both = parse(texts.get("UserComment"), longest=MAX_GRAPH)  # some nodes that save write both in one
    prompts = [texts.get("prompt", ""), *(one for one in [both.get("prompt")] if isinstance(one, str))]
    workflows = [texts.get("workflow", ""), *(one for one in [both.get("workflow")] if isinstance(one, str))]
    found = [Graph.of_prompt(text, MAX_GRAPH) for text in prompts] + [Graph.of_workflow(text, MAX_GRAPH) for text in workflows]
    return [graph for graph in found if graph.nodes]


def _is_sampler(node: Node) -> bool:
    inputs = node.inputs
    is_whole = "positive" in inputs and any(name in inputs for name in _SEEDS) and ("steps" in inputs or "sigmas" in inputs)
    return is_whole or ("guider" in inputs and "sigmas" in inputs)


def _sampler(graph: Graph) -> Node | None:
    """The sampler whose latents come from no other one: the first pass."""
    samplers = [node for node in graph.nodes.values() if _is_sampler(node)]
    for node in samplers[:20]:
        behind = list(graph.walk(node, lambda one: ("latent_image", "samples", "latent", "pixels", "image", "images")))
        if not any(_is_sampler(one) for one in behind[1:]):
            return node
    return samplers[0] if samplers else None


def _record(graph: Graph, sampler: Node) -> Record | None:
    parts = list(graph.walk(sampler, lambda _: _PARTS))

    def given(*names: str) -> Any:
        return next((value for part in parts if (value := graph.scalar(part, *names)) is not None), None)

    draft = Draft(TOOL)
    guided = next((part for part in parts if "positive" in part.inputs or "conditioning" in part.inputs), sampler)
    draft.prompt(_words(graph, guided, "positive" if "positive" in guided.inputs else "conditioning"), _words(graph, guided, "negative"))
    draft.whole("seed", given(*_SEEDS))
    draft.whole("num_inference_steps", given("steps"), least=1)
    distilled = next((value for one in _conditions(graph, guided) if (value := graph.scalar(one, "guidance")) is not None), None)
    draft.real("guidance_scale", given("cfg") if distilled is None else distilled)
    name, schedule = plain(given("sampler_name"), 100), plain(given("scheduler"), 100)
    if name:
        draft.sampled(named(name, schedule), said(name, schedule))
    _sized(graph, sampler, draft, given("denoise"))
    _modelled(graph, parts, draft)
    return draft.done()


def _sized(graph: Graph, sampler: Node, draft: Draft, denoise: Any) -> None:
    for node in graph.walk(sampler, lambda one: ("latent_image", "samples", "latent", "pixels", "image", "images")):
        if node is not sampler and "latent" in node.kind.lower() and "width" in node.inputs and "height" in node.inputs:
            draft.size(graph.scalar(node, "width"), graph.scalar(node, "height"))
            return
    draft.real("strength", denoise)  # it began from a picture


def _modelled(graph: Graph, parts: list[Node], draft: Draft) -> None:
    start = next((part for part in parts if is_link(part.inputs.get("model"))), None)
    if start is None:
        return
    for node in graph.walk(start, lambda _: ("model",)):
        if isinstance(lora := node.inputs.get("lora_name"), str):
            draft.other(f"LoRA {name_of_file(lora)}", graph.scalar(node, "strength_model", "strength"))
        if (name := graph.scalar(node, *_MODELS)) is not None:
            draft.model = draft.model or name_of_file(name)


def _conditions(graph: Graph, guided: Node) -> list[Node]:
    return list(graph.walk(guided, lambda node: ("positive", "conditioning") if node is guided else ("conditioning", "positive")))


def _words(graph: Graph, start: Node, side: str) -> str:
    """The prompts that lead into one side of a sampler; nodes with both sides (a ControlNet's) pass each through."""

    def follows(node: Node) -> list[str]:
        if node is start:
            return [side]
        if node.kind == "ConditioningZeroOut" or _text(graph, node):
            return []
        if "positive" in node.inputs and "negative" in node.inputs:
            return [side]
        return [name for name, value in node.inputs.items() if is_link(value) and name not in _NO_WORDS]

    found: list[str] = []
    for node in graph.walk(start, follows):
        text = "" if node is start else _text(graph, node)
        if text and text not in found:
            found.append(text)
        if sum(map(len, found)) > MAX_PROMPT:
            break
    return "\n".join(found)


def _text(graph: Graph, node: Node) -> str:
    """What a text encoder encodes: the words in it, or those of the node plugged into it."""
    for name in _TEXTS:
        value = node.inputs.get(name)
        if isinstance(value, str) and value.strip():
            return plain(value, MAX_PROMPT).strip()
        source = graph.source(value)
        if source and name not in _NO_WORDS:
            found = [_held_words(one) for one in graph.walk(source, _leads_to_words)]
            if any(found):
                return " ".join(filter(None, found))[:MAX_PROMPT]
    return ""


def _leads_to_words(node: Node) -> list[str]:
    return [] if _held_words(node) else [name for name in (*_TEXTS, *_JOINED) if is_link(node.inputs.get(name))]


def _held_words(node: Node) -> str:
    values = [node.inputs.get(name) for name in (*_TEXTS, *_JOINED)]
    return " ".join(plain(value, MAX_PROMPT).strip() for value in values if isinstance(value, str) and value.strip())
