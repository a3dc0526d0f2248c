"""Train the UNet and the text encoder together on cached latents (v-prediction).

Resumes from OUT/state.pt if it is there.  Every --save-minutes the state is saved and the averaged weights are exported
as a complete float16 StableDiffusionPipeline to OUT/model.
"""

import argparse
import copy
from dataclasses import dataclass, field
from pathlib import Path

import captions
import common
import nets
import numpy as np
import scenes as drawing
import text
import torch
from diffusers import AutoencoderKL, DDPMScheduler
from transformers import CLIPTokenizer


def object_masks(rows: list[dict]) -> torch.Tensor:
    """(n, 1, 16, 16): 1 on the latent cells that the main object touches, else 0."""
    m = np.zeros((len(rows), 1, 16, 16), np.float32)
    for i, s in enumerate(rows):
        if (box := drawing.object_box(s)) is not None:
            x0, y0, x1, y1 = (int(np.clip(round(v / 8), 0, 16)) for v in box)
            m[i, 0, y0:y1, x0:x1] = 1
    return torch.from_numpy(m)


def running(mean: float | None, value: float, keep: float = 0.99) -> float:
    """An exponential average that starts at the first value."""
    return value if mean is None else keep * mean + (1 - keep) * value


@dataclass
class State:
    """How far the training has come, and the running losses: over all noise levels, and over the noisiest fifth."""

    step: int = 0
    samples: int = 0
    seconds: float = 0.0
    loss: float | None = None
    loss_high: float | None = None


@dataclass
class Data:
    """Latents (n, 16, 16, 16), their scenes, and where the main object is.  The last 512 pictures are never trained on."""

    latents: torch.Tensor
    rows: list[dict]
    masks: torch.Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.masks = object_masks(self.rows)
        self.count = len(self.rows) - min(512, len(self.rows) // 10)

    @classmethod
    def load(cls, folder: str, take: int) -> "Data":
        """At most `take` pictures of the folder."""
        latents = np.load(Path(folder, "latents.npy"), mmap_mode="c")[:take]
        return cls(torch.from_numpy(latents), common.load_data(folder)[1][:take])


class Trainer:
    """One training run; `a` holds the command line."""

    def __init__(self, a: argparse.Namespace) -> None:
        self.a, self.device, self.rng = a, common.pick_device(a.device), np.random.default_rng()
        self.data = Data.load(a.data, a.take)
        self.tokenizer = CLIPTokenizer.from_pretrained(a.tokenizer)
        self.vae = AutoencoderKL.from_pretrained(a.vae, dtype=torch.float32)
        unet = nets.build_unet(a.channels, a.layers, a.mid).to(self.device, memory_format=torch.channels_last)
        if self.device.type == "cpu":
            unet.set_attn_processor(nets.PlainAttention())
        encoder = text.build_encoder(self.tokenizer).to(self.device)
        if a.init:
            nets.load_unet(unet, a.init)
            trained = type(encoder).from_pretrained(a.init, subfolder="text_encoder", dtype=torch.float32)
            encoder.load_state_dict(trained.state_dict())
        self.nets = torch.nn.ModuleDict({"unet": unet, "text": encoder})
        self.average = copy.deepcopy(self.nets).eval().requires_grad_(False)
        self.params = list(self.nets.parameters())
        self.opt = torch.optim.AdamW(self.params, a.lr, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
        self.alpha_bar = DDPMScheduler(**nets.SCHEDULE).alphas_cumprod.to(self.device)
        self.out = Path(a.out)
        self.out.mkdir(parents=True, exist_ok=True)
        self.log = self.out / "log.jsonl"
        self.state = self.resume()
        self.predict = torch.compile(unet) if a.compile else unet

    def resume(self) -> State:
        """The saved state, or a new one."""
        saved = self.out / "state.pt"
        if not saved.exists():
            common.log(self.log, unet=sum(p.numel() for p in self.nets["unet"].parameters()), data=self.data.count)
            return State()
        s = torch.load(saved, map_location=self.device)
        self.nets.load_state_dict(s["nets"])
        self.average.load_state_dict(s["average"])
        self.opt.load_state_dict(s["opt"])
        state = State(**s["state"])
        common.log(self.log, resumed_at=state.step, samples=state.samples)
        if self.a.reset_clock:
            state.step, state.seconds = 0, 0.0
        return state

    def save(self) -> None:
        """Write the state so that it is never half there, and export the averaged weights."""
        part = self.out / "state.tmp"
        kept = {"nets": self.nets.state_dict(), "average": self.average.state_dict(), "opt": self.opt.state_dict()}
        torch.save({**kept, "state": vars(self.state)}, part)
        part.replace(self.out / "state.pt")
        nets.export(self.out / "model", self.vae, self.tokenizer, self.average["unet"], self.average["text"])

    def noise_levels(self, done: float) -> torch.Tensor:
        """Most levels where shapes are decided, and a share of the noisiest, where the layout is decided.

        The plain logit-normal puts 6 % of the samples above level 830, but that is where an object's place is still open:
        below it the place can be read off the noisy picture, so that words about it are not needed.  The extra share falls
        to 40 % of itself at the end, in favour of details.
        """
        n = self.a.batch
        t = (1000 * torch.sigmoid(1.2 * torch.randn(n, device=self.device) - 0.3)).long().clamp(0, 999)
        high = torch.rand(n, device=self.device) < self.a.high_noise * (1 - 0.6 * done)
        return torch.where(high, torch.randint(self.a.high_floor, 1000, (n,), device=self.device), t)

    def loss(self, done: float) -> torch.Tensor:
        """One batch: the loss to minimise; the running plain losses go to the state."""
        a, idx = self.a, self.rng.integers(0, self.data.count, self.a.batch)
        said = ["" if self.rng.random() < a.drop else captions.caption(self.data.rows[i], self.rng) for i in idx]
        ids = self.tokenizer(said, padding="max_length", max_length=text.LENGTH, truncation=True, return_tensors="pt").input_ids
        x = self.data.latents[idx].float().to(self.device)
        t = self.noise_levels(done)
        ab = self.alpha_bar[t][:, None, None, None]
        eps = torch.randn_like(x)
        noisy = (ab.sqrt() * x + (1 - ab).sqrt() * eps).contiguous(memory_format=torch.channels_last)
        goal = ab.sqrt() * eps - (1 - ab).sqrt() * x
        with common.autocast(self.device):
            context = self.nets["text"](ids.to(self.device)).last_hidden_state
            v = self.predict(noisy, t, context, return_dict=False)[0]
        err = (v.float() - goal).square()
        self.state.loss = running(self.state.loss, err.mean().item())
        if (t >= 800).any():
            self.state.loss_high = running(self.state.loss_high, err[t >= 800].mean().item(), 0.97)
        # Backgrounds are most of the picture but objects are most of the meaning: weigh them up first, and return to the
        # true loss later so that the final model is not biased towards drawing extra objects.
        extra = (a.object_weight - 1) * min(1.0, max(0.0, (0.8 - done) / 0.25))
        return (err * (1 + extra * self.data.masks[idx].to(self.device))).mean() if extra > 0 else err.mean()

    def update(self, done: float) -> None:
        """One step of the optimiser and of the averaged weights."""
        state = self.state
        for group in self.opt.param_groups:
            group["lr"] = common.cosine_lr(done, state.step, self.a.lr, warmup=200)
        self.loss(done).backward()
        torch.nn.utils.clip_grad_norm_(self.params, 1.0)
        self.opt.step()
        self.opt.zero_grad()
        state.step, state.samples = state.step + 1, state.samples + self.a.batch
        decay = min(self.a.ema, (1 + state.step) / (10 + state.step))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), [p.detach() for p in self.params], 1 - decay)

    def run(self) -> None:
        """Train until the minutes or the steps are used up."""
        state, a = self.state, self.a
        clock = common.Progress(a.minutes, a.steps, state.seconds)
        last_save, last_log, last_samples = clock.seconds, clock.seconds, state.samples
        while (done := clock.at(state.step)) < 1:
            self.update(done)
            state.seconds = clock.seconds
            if state.step % 100 == 0:
                rate = (state.samples - last_samples) / (state.seconds - last_log)
                common.log(self.log, **vars(state), rate=rate)
                last_log, last_samples = state.seconds, state.samples
            if state.seconds - last_save > a.save_minutes * 60:
                self.save()
                last_save = state.seconds
        self.save()
        common.log(self.log, done=True, **vars(state))


def main() -> None:
    """Command line."""
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    ap.add_argument("--data", default="data")
    ap.add_argument("--vae", default="vae")
    ap.add_argument("--tokenizer", default="tokenizer")
    ap.add_argument("--out", default="run", help="state.pt, log.jsonl and model/ (the exported pipeline) go here")
    ap.add_argument("--init", help="start from an exported pipeline folder (use its vae and tokenizer folders too)")
    ap.add_argument("--take", type=int, default=10**9, help="use at most this many pictures")
    ap.add_argument("--minutes", type=float, default=70)
    ap.add_argument("--steps", type=int, default=10**9)
    ap.add_argument("--batch", type=int, default=32)
    ap.add_argument("--lr", type=float, default=1e-3)
    ap.add_argument("--ema", type=float, default=0.999)
    ap.add_argument("--drop", type=float, default=0.1, help="share of empty captions, for classifier-free guidance")
    ap.add_argument(
        "--object-weight", type=float, default=3.0, help="loss weight where the object is; fades to 1 at 55 to 80 %% of the run"
    )
    ap.add_argument("--high-noise", type=float, default=0.5, help="extra share of the noisiest levels; fades to 40 %% of itself")
    ap.add_argument("--high-floor", type=int, default=700, help="where the noisiest levels begin, of 1000")
    ap.add_argument("--channels", type=int, nargs="+", default=[128, 160])
    ap.add_argument("--layers", type=int, default=1)
    ap.add_argument("--mid", action=argparse.BooleanOptionalAction, default=True, help="a middle block")
    ap.add_argument("--save-minutes", type=float, default=10)
    ap.add_argument("--device", default="auto")
    ap.add_argument("--compile", action="store_true")
    ap.add_argument("--reset-clock", action="store_true", help="resume the weights but start a new schedule of --minutes")
    a = ap.parse_args()
    torch.manual_seed(0)
    Trainer(a).run()


if __name__ == "__main__":
    main()
