"""A small CNN that names the attributes of a picture, and the evaluation that uses it.

`train` learns from drawn pictures only, never from generated ones.  `eval` asks a pipeline for random prompts that were
not used in training and lets the judge look; a quarter of them ask for combinations that were kept out of training.
"""

import argparse
import json
import re
import time
from pathlib import Path

import captions
import common
import numpy as np
import sample
import scenes
import torch
import torch.nn.functional as F
from torch import nn

HEADS: dict[str, list[str | None]] = {
    "style": scenes.STYLES,
    "time": scenes.TIMES,
    "terrain": scenes.TERRAINS,
    "object": [*scenes.OBJECTS, None],
    "color": list(scenes.COLORS),
    "position": scenes.POSITIONS,
}
OF_OBJECT = ("color", "position")  # only judged where there is an object


class Judge(nn.Module):
    """(n, 3, 128, 128) in -1..1 to the scores of every head."""

    def __init__(self, w: int = 32) -> None:
        super().__init__()
        layers, c = [], 3
        for i, (n, s) in enumerate([(w, 2), (w * 2, 2), (w * 2, 1), (w * 4, 2), (w * 4, 1), (w * 6, 2), (w * 6, 1)]):
            layers += [nn.Conv2d(c, n, 5 if i == 0 else 3, s, 2 if i == 0 else 1, bias=False), nn.BatchNorm2d(n), nn.SiLU()]
            c = n
        self.body = nn.Sequential(*layers)
        self.squeeze = nn.Conv2d(c, 48, 1)  # keeps the layout: position and terrain live in where things are
        self.fc = nn.Sequential(nn.Linear(48 * 64 + c, 256), nn.SiLU(), nn.Dropout(0.2))
        self.heads = nn.ModuleDict({k: nn.Linear(256, len(v)) for k, v in HEADS.items()})

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Scores by head."""
        f = self.body(x)
        h = self.fc(torch.cat([self.squeeze(f).flatten(1), f.amax((2, 3))], 1))
        return {k: m(h) for k, m in self.heads.items()}


def labels(rows: list[dict]) -> dict[str, torch.Tensor]:
    """The right answers by head, as indices."""
    return {k: torch.tensor([v.index(r[k]) for r in rows]) for k, v in HEADS.items()}


def with_object(rows: list[dict]) -> torch.Tensor:
    """True where the scene has a main object."""
    return torch.tensor([r["object"] is not None for r in rows])


@torch.no_grad()
def look(net: Judge, pictures: np.ndarray, device: torch.device) -> dict[str, torch.Tensor]:
    """The answers of the judge by head, as indices."""
    outs = [net(common.to_tensor(pictures[i : i + 100]).to(device)) for i in range(0, len(pictures), 100)]
    return {k: torch.cat([o[k] for o in outs]).argmax(1).cpu() for k in HEADS}


def disturbed(x: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Half of the batches a little blurred or noisy, so that the judge reads shapes and not pixel-exact edges."""
    if rng.random() >= 0.5:
        return x
    if rng.random() < 0.5:
        return F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
    return x + 0.06 * torch.randn_like(x)


def judge_loss(out: dict[str, torch.Tensor], rows: list[dict], device: torch.device) -> torch.Tensor:
    """Sum of the heads' cross entropies."""
    y, has, total = labels(rows), with_object(rows).to(device), torch.zeros((), device=device)
    for k in HEADS:
        one = F.cross_entropy(out[k].float(), y[k].to(device), reduction="none", label_smoothing=0.02)
        total = total + ((one * has).sum() / has.sum().clamp_min(1) if k in OF_OBJECT else one.mean())
    return total


def train(a: argparse.Namespace, device: torch.device) -> None:
    """Train on drawn pictures (half of the batches mirrored, with mirrored answers) and write `a.judge`."""
    images, rows = common.load_data(a.data)
    images, rows = images[: a.take], rows[: a.take]
    n, rng = len(images) - min(2000, len(images) // 5), np.random.default_rng(0)
    net = Judge().to(device, memory_format=torch.channels_last)
    opt = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=0.02)
    clock, step = common.Progress(a.minutes, a.steps), 0
    while (done := clock.at(step)) < 1:
        idx = np.sort(rng.integers(0, n, 64))
        x, part = common.to_tensor(images[idx]).to(device), [rows[i] for i in idx]
        if rng.random() < 0.5:
            x, part = x.flip(3).contiguous(memory_format=torch.channels_last), [scenes.mirrored(r) for r in part]
        with common.autocast(device):
            out = net(disturbed(x, rng))
        loss = judge_loss(out, part, device)
        for group in opt.param_groups:
            group["lr"] = common.cosine_lr(done, step, 2e-3, 50)
        opt.zero_grad()
        loss.backward()
        opt.step()
        step += 1
        if step % 100 == 0:
            print(step, f"{clock.seconds / 60:.1f} min loss {loss.item():.3f}", flush=True)
    net.eval()
    said, y, has = look(net, images[n:], device), labels(rows[n:]), with_object(rows[n:])
    right = {k: (said[k] == y[k])[has if k in OF_OBJECT else slice(None)].float().mean().item() for k in HEADS}
    print(f"judge on {len(images) - n} unseen drawn pictures", json.dumps(right))
    torch.save({"net": net.state_dict(), "drawn": right}, a.judge)


def exam(n: int, seed: int) -> tuple[list[dict], list[str], torch.Tensor]:
    """n scenes, a quarter of them held-out combinations; their prompts; whether the prompt names the position."""
    rng, rows = np.random.default_rng(seed), []
    while len(rows) < n:
        s = scenes.random_scene(rng, allow_held_out=True)
        s["object"] = s["object"] or str(rng.choice(scenes.OBJECTS))
        if scenes.held_out(s) == (len(rows) % 4 == 0):
            rows.append(s)
    prompts = [captions.caption(s, rng, full=True) for s in rows]
    named = [bool(re.search(rf"\b({'|'.join(captions.POSITION[s['position']])})\b", p)) for s, p in zip(rows, prompts, strict=True)]
    return rows, prompts, torch.tensor(named)


def generate(a: argparse.Namespace, prompts: list[str], device: torch.device) -> tuple[np.ndarray, float]:
    """One picture per prompt, first seed, (n, 128, 128, 3) uint8; and seconds per picture in batches of 20."""
    pipe, pictures, start = sample.load(a.model, a.device), [], time.time()
    for i in range(0, len(prompts), 20):
        part = prompts[i : i + 20]
        generators = [torch.Generator().manual_seed(10_000 + i + k) for k in range(len(part))]
        with common.autocast(device):
            done = pipe(part, num_inference_steps=a.infer_steps, guidance_scale=a.cfg, generator=generators).images
        pictures += [np.asarray(im) for im in done]
    return np.stack(pictures), (time.time() - start) / len(prompts)


def report(rows: list[dict], named: torch.Tensor, said: dict[str, torch.Tensor], drawn: dict[str, float]) -> dict:
    """Shares of right answers: by attribute, on held-out combinations, by object, by style, by position."""
    y, combo = labels(rows), torch.tensor([scenes.held_out(s) for s in rows])
    hit = {k: (said[k] == y[k]).float() for k in HEADS}
    result: dict = {"attributes": {}}
    for k, v in HEADS.items():
        m = named if k == "position" else torch.ones(len(rows), dtype=torch.bool)
        counts = np.bincount(y[k][m].numpy(), minlength=len(v))
        result["attributes"][k] = {
            "accuracy": round(float(hit[k][m].mean()), 3),
            "prompts": int(m.sum()),
            "chance": round(float(counts.max() / counts.sum()), 3),
            "new_combinations": round(float(hit[k][m & combo].mean()), 3),
            "judge_on_drawn": round(drawn[k], 3),
        }
    result["objects"] = {}
    for j, o in enumerate(scenes.OBJECTS):
        m = y["object"] == j
        wrong = [str(HEADS["object"][i]) for i in said["object"][m].tolist() if i != j]
        result["objects"][o] = f"{int(hit['object'][m].sum())}/{int(m.sum())}" + (f" (else {', '.join(wrong)})" if wrong else "")
    result["object_by_style"] = {s: round(float(hit["object"][y["style"] == i].mean()), 3) for i, s in enumerate(scenes.STYLES)}
    result["position_when_named"] = {}
    for j, where in enumerate(scenes.POSITIONS):
        m = named & (y["position"] == j)
        seen = np.bincount(said["position"][m].numpy(), minlength=len(scenes.POSITIONS)).tolist()
        result["position_when_named"][where] = dict(zip(scenes.POSITIONS, seen, strict=True))
    return result


def evaluate(a: argparse.Namespace, device: torch.device) -> None:
    """Run the exam, print the figures, write them to `a.out` if it is named."""
    state = torch.load(a.judge, map_location=device)
    net = Judge().to(device).eval()
    net.load_state_dict(state["net"])
    rows, prompts, named = exam(a.n, a.seed)
    pictures, seconds = generate(a, prompts, device)
    setting = {"n": a.n, "cfg": a.cfg, "steps": a.infer_steps, "seed": a.seed, "seconds_per_picture_batched": round(seconds, 3)}
    result = setting | report(rows, named, look(net, pictures, device), state["drawn"])
    print(json.dumps(result, indent=1))
    if a.out:
        Path(a.out).write_text(json.dumps(result, indent=1) + "\n")


def main() -> None:
    """Command line."""
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("mode", choices=["train", "eval"])
    ap.add_argument("--data", default="data")
    ap.add_argument("--take", type=int, default=10**9, help="train on at most this many pictures")
    ap.add_argument("--judge", default="judge.pt")
    ap.add_argument("--model", default="run/model")
    ap.add_argument("--out", default="")
    ap.add_argument("--minutes", type=float, default=3)
    ap.add_argument("--steps", type=int, default=10**9)
    ap.add_argument("--n", type=int, default=400)
    ap.add_argument("--seed", type=int, default=99)
    ap.add_argument("--cfg", type=float, default=4.0)
    ap.add_argument("--infer-steps", type=int, default=20)
    ap.add_argument("--device", default="auto")
    a = ap.parse_args()
    torch.manual_seed(0)
    (train if a.mode == "train" else evaluate)(a, common.pick_device(a.device))


if __name__ == "__main__":
    main()
