"""Weights for models that read a prompt with CLIP: the pipeline encodes it, compel weighs what comes out.

compel (2.5, tried with diffusers 0.42 and transformers 5) moves the embedding of heavier words away from that of an empty prompt, and
blends that of lighter ones with the prompt without them. Its own prompt syntax is not used: it is given spans. Prompts without weights
never meet it, so that their pictures stay what they were; in a run of both kinds the pipeline encodes all, and only the rows of weighted
prompts are replaced.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from studio.backends.diffusers.families import Family
from studio.backends.weights import parse, plain, weighs


def prompt_arguments(pipe: Any, family: Family, prompts: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """What a pipeline is told of the prompts and negative prompts of a run: the words, or embeddings where any of them has weights."""
    words = [plain(prompt) for prompt, _ in prompts]
    negative = [plain(prompt) for _, prompt in prompts]
    if not family.weighs or not any(weighs(prompt) for pair in prompts for prompt in pair):
        return {"prompt": words, "negative_prompt": negative if family.negative_prompt else None}
    names = ("prompt_embeds", "negative_prompt_embeds", "pooled_prompt_embeds", "negative_pooled_prompt_embeds")
    encoded = pipe.encode_prompt(
        prompt=words,
        device=pipe.device,
        num_images_per_prompt=1,
        do_classifier_free_guidance=family.negative_prompt,
        negative_prompt=negative if family.negative_prompt else None,
    )
    arguments = dict(zip(names, encoded, strict=False))
    encoders = _encoders(pipe)
    for name, typed in zip(names, zip(*prompts, strict=True), strict=False):
        for row, prompt in enumerate(typed):
            if arguments[name] is not None and weighs(prompt):
                arguments[name][row] = _weighted(encoders, prompt, arguments[name][row])
    return arguments


def _encoders(pipe: Any) -> list[Any]:
    """What compel encodes with, for each of the text encoders: as the pipeline does it, SDXL from the last layer but one."""
    from compel import EmbeddingsProvider, ReturnedEmbeddingsType

    pairs = [(pipe.tokenizer, pipe.text_encoder)]
    layer = ReturnedEmbeddingsType.LAST_HIDDEN_STATES_NORMALIZED
    if hasattr(pipe, "text_encoder_2"):
        pairs.append((pipe.tokenizer_2, pipe.text_encoder_2))
        layer = ReturnedEmbeddingsType.PENULTIMATE_HIDDEN_STATES_NON_NORMALIZED
    return [
        EmbeddingsProvider(tokenizer, encoder, returned_embeddings_type=layer, device=pipe.device)
        for tokenizer, encoder in pairs
        if encoder is not None
    ]


def _weighted(encoders: Sequence[Any], prompt: str, unweighted: Any) -> Any:
    """One prompt as (tokens, channels). Spans that are no token to a model are left out: compel stumbles over them."""
    import torch

    parts = []
    for encoder in encoders:
        spans = parse(prompt)
        tokens = encoder.get_token_ids([span.text for span in spans], include_start_and_end_markers=False)
        spans = [span for span, found in zip(spans, tokens, strict=True) if found]
        if not spans:
            return unweighted
        weighted = encoder.get_embeddings_for_weighted_prompt_fragments(
            [[span.text for span in spans]], [[max(0.0, span.weight) for span in spans]], device=encoder.device
        )
        parts.append(weighted[0])
    return torch.cat(parts, dim=-1).to(unweighted.dtype)
