"""The text side: a byte-level BPE tokenizer in CLIP's format, and a two-layer CLIP text encoder."""

import argparse
import json
from pathlib import Path

import captions
import numpy as np
import scenes
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

LENGTH = 48  # tokens, start and end included
WIDTH = 192  # numbers per token


def train_tokenizer(vocab: int = 1024, n: int = 40000, seed: int = 0) -> CLIPTokenizer:
    """Learn merges on `n` sample captions, then lay the vocabulary out as CLIP does: bytes, bytes at a word end, merges."""
    rng = np.random.default_rng(seed)
    sentences = [captions.caption(scenes.random_scene(rng), rng) for _ in range(n)]
    tok = Tokenizer(models.BPE(end_of_word_suffix="</w>", continuing_subword_prefix=""))
    blank = CLIPTokenizer()
    tok.normalizer, tok.pre_tokenizer = blank._tokenizer.normalizer, blank._tokenizer.pre_tokenizer
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=vocab - 256, min_frequency=20, show_progress=False, end_of_word_suffix="</w>", initial_alphabet=alphabet
    )
    tok.train_from_iterator(sentences, trainer)
    merges = [tuple(m) for m in json.loads(tok.to_str())["model"]["merges"]]
    words = alphabet + [c + "</w>" for c in alphabet]
    for m in merges:
        if m[0] + m[1] not in words:
            words.append(m[0] + m[1])
    words += ["<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={w: i for i, w in enumerate(words)}, merges=merges, model_max_length=LENGTH)


def save_vocab_files(tokenizer: CLIPTokenizer, folder: Path) -> None:
    """Write vocab.json and merges.txt beside tokenizer.json, for older transformers and for other programs."""
    model = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    (folder / "vocab.json").write_text(json.dumps(model["vocab"]))
    lines = [m if isinstance(m, str) else " ".join(m) for m in model["merges"]]
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(lines) + "\n")


def build_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """The text encoder with fresh weights: ids (n, 48) to (n, 48, 192)."""
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=2,
        num_attention_heads=3,
        max_position_embeddings=LENGTH,
        hidden_act="gelu",
        projection_dim=WIDTH,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.eos_token_id,
        attention_dropout=0.0,
    )
    return CLIPTextModel(config)


def main() -> None:
    """Command line: train the tokenizer and show what it makes of two prompts."""
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--out", default="tokenizer")
    ap.add_argument("--vocab", type=int, default=1024)
    ap.add_argument("--captions", type=int, default=40000, help="sample captions to learn from")
    a = ap.parse_args()
    train_tokenizer(a.vocab, a.captions).save_pretrained(a.out)
    tok = CLIPTokenizer.from_pretrained(a.out)
    for sentence in ("a red sailboat on the sea at sunset, watercolor", "zzyx a Robot\u00e9 \U0001f600"):
        print(tok.tokenize(sentence), tok(sentence).input_ids)
    print(len(tok), "tokens;", sum(p.numel() for p in build_encoder(tok).parameters()), "encoder parameters")


if __name__ == "__main__":
    main()
