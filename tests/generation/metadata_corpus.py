"""Picture files as other tools write them, made on the spot, and files that somebody made to do harm."""

from __future__ import annotations

import io
import json
import struct
import zlib
from typing import Any

from PIL import Image

from tests.generation.pictures import picture

HTML = '<img src=x onerror="alert(1)"></script><script>alert(2)</script>'


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def text(keyword: str, words: str) -> bytes:
    try:
        return chunk(b"tEXt", keyword.encode() + b"\0" + words.encode("latin-1"))
    except UnicodeEncodeError:
        return chunk(b"iTXt", keyword.encode() + b"\0\0\0\0\0" + words.encode("utf-8", "surrogatepass"))


def packed(keyword: str, words: bytes) -> bytes:
    return chunk(b"zTXt", keyword.encode() + b"\0\0" + zlib.compress(words, 9))


def png(*chunks: bytes, behind: bytes = b"", **texts: str) -> bytes:
    """A PNG with these chunks and texts behind its header; `behind` stands between its pixels and its end."""
    plain = picture((16, 16))
    added = b"".join([*chunks, *(text(keyword, words) for keyword, words in texts.items())])
    return plain[:33] + added + plain[33:-12] + behind + plain[-12:]


def with_comment(comment: bytes, format: str = "JPEG", **tags: Any) -> bytes:
    """A JPEG or WebP with a UserComment; `tags` are numbers of the picture's own directory, as `t010F`."""
    exif = Image.Exif()
    for name, value in tags.items():
        exif[int(name[1:], 16)] = value
    if comment:
        exif.get_ifd(0x8769)[0x9286] = comment
    return picture((16, 16), format=format, exif=exif)


def utf16(words: str, order: str = "be") -> bytes:
    return b"UNICODE\0" + words.encode(f"utf-16-{order}")


# --- A1111 -----------------------------------------------------------------------------------------------------------

A1111 = (
    "a castle on a hill, (night:1.2)\nsecond line, <lora:ink:0.8>\nNegative prompt: people,\nblurry: very\n"
    "Steps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, Seed: 123, Size: 640x384, Model hash: 00ff, "
    "Model: dream_v8, VAE: good.pt, Denoising strength: 0.4, Clip skip: 2, Hires upscale: 2, Hires upscaler: Latent, "
    'Lora hashes: "ink: aabb, pen: cc\\"dd", Version: v1.10.1'
)
A1111_SETTINGS = {
    "mode": "text-to-image",
    "prompt": "a castle on a hill, (night:1.2)\nsecond line, <lora:ink:0.8>",
    "negative_prompt": "people,\nblurry: very",
    "num_inference_steps": 28,
    "scheduler": "DPM++ 2M Karras",
    "guidance_scale": 6.5,
    "seed": 123,
    "width": 640,
    "height": 384,
}

# --- ComfyUI ---------------------------------------------------------------------------------------------------------


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


COMFY: dict[str, Any] = {
    "3": node(
        "KSampler",
        seed=2**53 + 7,
        steps=30,
        cfg=5.5,
        sampler_name="euler_ancestral",
        scheduler="normal",
        denoise=1.0,
        model=["10", 0],
        positive=["6", 0],
        negative=["7", 0],
        latent_image=["5", 0],
    ),
    "4": node("CheckpointLoaderSimple", ckpt_name="sd\\dream_v8.safetensors"),
    "5": node("EmptyLatentImage", width=832, height=1216, batch_size=1),
    "6": node("CLIPTextEncode", text="a red fox in snow", clip=["10", 1]),
    "7": node("CLIPTextEncode", text="blurry", clip=["10", 1]),
    "8": node("VAEDecode", samples=["20", 0], vae=["4", 2]),
    "9": node("SaveImage", images=["8", 0], filename_prefix="fox"),
    "10": node("LoraLoader", lora_name="ink.safetensors", strength_model=0.8, model=["4", 0], clip=["4", 1]),
    "20": node(
        "KSampler",
        seed=1,
        steps=10,
        cfg=9,
        sampler_name="ddim",
        scheduler="normal",
        denoise=0.5,
        model=["4", 0],
        positive=["6", 0],
        negative=["7", 0],
        latent_image=["21", 0],
    ),
    "21": node("LatentUpscale", samples=["3", 0], width=1664, height=2432),
}
COMFY_SETTINGS = {
    "mode": "text-to-image",
    "prompt": "a red fox in snow",
    "negative_prompt": "blurry",
    "seed": 2**53 + 7,
    "num_inference_steps": 30,
    "guidance_scale": 5.5,
    "scheduler": "Euler a",
    "width": 832,
    "height": 1216,
}
COMFY_FLUX = {
    "1": node("SamplerCustomAdvanced", noise=["2", 0], guider=["3", 0], sampler=["4", 0], sigmas=["5", 0], latent_image=["6", 0]),
    "2": node("RandomNoise", noise_seed=42),
    "3": node("BasicGuider", model=["7", 0], conditioning=["8", 0]),
    "4": node("KSamplerSelect", sampler_name="res_multistep"),
    "5": node("BasicScheduler", scheduler="simple", steps=20, denoise=1, model=["7", 0]),
    "6": node("EmptySD3LatentImage", width=["11", 0], height=1024, batch_size=1),
    "7": node("UNETLoader", unet_name="flux1-dev.safetensors", weight_dtype="default"),
    "8": node("FluxGuidance", guidance=3.5, conditioning=["9", 0]),
    "9": node("CLIPTextEncode", text=["10", 0], clip=["12", 0]),
    "10": node("Text Concatenate", text_a="a lighthouse,", text_b="storm", delimiter=" "),
    "11": node("PrimitiveInt", value=768),
}
COMFY_ADVANCED = {
    "1": node(
        "KSamplerAdvanced",
        add_noise="enable",
        noise_seed=["9", 0],
        steps=12,
        cfg=7,
        sampler_name="dpmpp_2m_sde_gpu",
        scheduler="karras",
        positive=["2", 0],
        negative=["2", 1],
        latent_image=["5", 0],
        model=["4", 0],
    ),
    "2": node("ControlNetApplyAdvanced", positive=["3", 0], negative=["6", 0], control_net=["7", 0], image=["8", 0], strength=1),
    "3": node("CLIPTextEncodeSDXL", text_g="a tower", text_l="ink", width=1024, height=1024),
    "4": node("CheckpointLoaderSimple", ckpt_name="xl.safetensors"),
    "5": node("VAEEncode", pixels=["8", 0], vae=["4", 2]),
    "6": node("ConditioningZeroOut", conditioning=["3", 0]),
    "8": node("LoadImage", image="in.png"),
    "9": node("Seed (rgthree)", seed=99),
}
COMFY_CUSTOM = {
    "1": node(
        "SamplerCustom",
        add_noise=True,
        noise_seed=5,
        cfg=4,
        model=["4", 0],
        positive=["2", 0],
        negative=["3", 0],
        sampler=["6", 0],
        sigmas=["7", 0],
        latent_image=["5", 0],
    ),
    "2": node("CLIPTextEncode", text="boats"),
    "3": node("CLIPTextEncode", text="rain"),
    "4": node("CheckpointLoaderSimple", ckpt_name="turbo.ckpt"),
    "5": node("EmptyLatentImage", width=512, height=512),
    "6": node("KSamplerSelect", sampler_name="heun"),
    "7": node("SDTurboScheduler", steps=2, denoise=1),
}
COMFY_WORKFLOW = {
    "last_node_id": 9,
    "nodes": [
        {
            "id": 3,
            "type": "KSampler",
            "inputs": [
                {"name": name, "link": link} for name, link in (("model", 1), ("positive", 4), ("negative", 6), ("latent_image", 2))
            ],
            "widgets_values": [77, "randomize", 21, 8, "uni_pc", "normal", 1],
        },
        {"id": 4, "type": "CheckpointLoaderSimple", "widgets_values": ["base.safetensors"]},
        {"id": 5, "type": "EmptyLatentImage", "widgets_values": [640, 512, 1]},
        {"id": 6, "type": "CLIPTextEncode", "inputs": [{"name": "clip", "link": 3}], "widgets_values": ["drawn fox"]},
        {"id": 7, "type": "CLIPTextEncode", "inputs": [{"name": "clip", "link": 5}], "widgets_values": ["bad"]},
        {"id": 8, "type": "Note", "widgets_values": {"text": "hello"}},
    ],
    "links": [
        [1, 4, 0, 3, 0, "MODEL"],
        [2, 5, 0, 3, 3, "LATENT"],
        [3, 4, 1, 6, 0, "CLIP"],
        [4, 6, 0, 3, 1, "CONDITIONING"],
        [5, 4, 1, 7, 0, "CLIP"],
        [6, 7, 0, 3, 2, "CONDITIONING"],
    ],
    "version": 0.4,
}

# --- InvokeAI, SwarmUI, Fooocus, NovelAI -----------------------------------------------------------------------------

INVOKE = {
    "app_version": "5.4.0",
    "generation_mode": "sdxl_txt2img",
    "positive_prompt": "a teapot",
    "negative_prompt": "cups",
    "width": 1024,
    "height": 960,
    "seed": 314,
    "cfg_scale": 7.5,
    "steps": 30,
    "scheduler": "dpmpp_2m_sde_k",
    "clip_skip": 0,
    "model": {"key": "k", "hash": "blake3:00", "name": "Juggernaut XL", "base": "sdxl", "type": "main"},
    "loras": [{"model": {"name": "ink"}, "weight": 0.7}],
}
INVOKE_2 = {
    "model": "stable diffusion",
    "model_weights": "stable-diffusion-1.5",
    "app_id": "invoke-ai/InvokeAI",
    "app_version": "2.2.5",
    "image": {
        "prompt": [{"prompt": "a kettle [steam] [mist]", "weight": 1.0}],
        "steps": 50,
        "cfg_scale": 7.5,
        "height": 512,
        "width": 640,
        "seed": 2,
        "type": "txt2img",
        "sampler": "k_euler_a",
    },
}
DREAM = '"a kettle, \\"old\\" [steam]" -s 50 -S 2 -W 640 -H 512 -C 7.5 -A k_lms'
SWARM = {
    "sui_image_params": {
        "prompt": "a whale",
        "negativeprompt": "boats",
        "model": "OfficialStableDiffusion/sd_xl_base_1.0",
        "seed": 8,
        "steps": 20,
        "cfgscale": 7.0,
        "aspectratio": "Custom",
        "width": 1152,
        "height": 896,
        "sampler": "dpmpp_2m",
        "scheduler": "karras",
        "loras": ["ink", "pen"],
        "loraweights": ["1", "0.5"],
        "swarm_version": "0.9.5.0",
    },
    "sui_extra_data": {"date": "2025-01-01", "generation_time": "5.00 (prep) and 3.00 (gen) seconds"},
    "sui_models": [{"name": "sd_xl_base_1.0.safetensors", "param": "model", "hash": "0x00"}],
}
FOOOCUS = {
    "adm_guidance": "(1.5, 0.8, 0.3)",
    "base_model": "juggernautXL_v8Rundiffusion",
    "base_model_hash": "aeb7e9e689",
    "full_negative_prompt": ["anime"],
    "full_prompt": ["cinematic still a violin"],
    "guidance_scale": 4,
    "loras": [["sd_xl_offset", 0.1, "485268"]],
    "metadata_scheme": "fooocus",
    "negative_prompt": "cello",
    "performance": "Speed",
    "prompt": "a violin",
    "resolution": "(896, 1152)",
    "sampler": "dpmpp_2m_sde_gpu",
    "scheduler": "karras",
    "seed": "7126",
    "sharpness": 2,
    "steps": 30,
    "styles": "['Fooocus V2']",
    "version": "Fooocus v2.5.5",
}
FOOOCUS_TEXT = (
    "cinematic still a violin\nNegative prompt: anime\nSteps: 30, Sampler: DPM++ 2M SDE Karras, Seed: 7126, Size: 896x1152, "
    'CFG scale: 4, Sharpness: 2, ADM Guidance: "(1.5, 0.8, 0.3)", Model: juggernautXL, Model hash: aeb7e9e689, Performance: Speed, '
    "Version: Fooocus v2.5.5"
)
FOOOCUS_LOG = {
    "Prompt": "a violin",
    "Negative Prompt": "cello",
    "Performance": "Speed",
    "Steps": 30,
    "Resolution": [896, 1152],
    "Guidance Scale": 4,
    "Base Model": "juggernaut.safetensors",
    "Sampler": "dpmpp_2m",
    "Scheduler": "karras",
    "Seed": 7126,
    "Version": "v2.1",
}
NOVEL = {"prompt": "a dragon", "steps": 28, "height": 1216, "width": 832, "scale": 5.0, "uc": "lowres", "seed": 4}
NOVEL |= {"sampler": "k_euler_ancestral", "noise_schedule": "native"}


def told(prompt: str, negative: str, seed: int, steps: int, guidance: float, size: tuple[int, int], scheduler: str = "") -> dict[str, Any]:
    settings = {"mode": "text-to-image", "prompt": prompt, "negative_prompt": negative, "seed": seed, "num_inference_steps": steps}
    settings |= {"guidance_scale": guidance, "width": size[0], "height": size[1]}
    return settings | ({"scheduler": scheduler} if scheduler else {})


VIOLIN = told("a violin", "cello", 7126, 30, 4, (896, 1152), "DPM++ 2M SDE Karras")
WHALE = told("a whale", "boats", 8, 20, 7, (1152, 896), "DPM++ 2M Karras")
KETTLE = told("a kettle", "steam, mist", 2, 50, 7.5, (640, 512), "Euler a")
COMFY_TEXT = json.dumps(COMFY)

TOOLS: dict[str, tuple[bytes, str, str, dict[str, Any]]] = {
    "a1111 png": (png(parameters=A1111), "A1111", "dream_v8", A1111_SETTINGS),
    "a1111 png, zTXt": (png(packed("parameters", A1111.encode())), "A1111", "dream_v8", A1111_SETTINGS),
    "a1111 png, behind the pixels": (png(behind=text("parameters", A1111)), "A1111", "dream_v8", A1111_SETTINGS),
    "a1111 jpeg, utf-16 be": (with_comment(utf16(A1111)), "A1111", "dream_v8", A1111_SETTINGS),
    "a1111 jpeg, utf-16 le": (with_comment(utf16(A1111, "le")), "A1111", "dream_v8", A1111_SETTINGS),
    "a1111 jpeg, ascii": (with_comment(b"ASCII\0\0\0" + A1111.encode()), "A1111", "dream_v8", A1111_SETTINGS),
    "a1111 webp": (with_comment(utf16(A1111), "WEBP"), "A1111", "dream_v8", A1111_SETTINGS),
    "comfyui png": (png(prompt=COMFY_TEXT, workflow=json.dumps(COMFY_WORKFLOW)), "ComfyUI", "dream_v8", COMFY_SETTINGS),
    "comfyui png, with NaN": (png(prompt=COMFY_TEXT[:-1] + ', "99": {"inputs": {"x": NaN}}}'), "ComfyUI", "dream_v8", COMFY_SETTINGS),
    "comfyui webp": (with_comment(b"", "WEBP", t0110="prompt:" + COMFY_TEXT), "ComfyUI", "dream_v8", COMFY_SETTINGS),
    "comfyui webp, both in one": (
        with_comment(json.dumps({"prompt": COMFY_TEXT, "workflow": "{}"}).encode(), "WEBP"),
        *("ComfyUI", "dream_v8", COMFY_SETTINGS),
    ),
    "comfyui flux": (
        png(prompt=json.dumps(COMFY_FLUX)),
        *("ComfyUI", "flux1-dev", told("a lighthouse, storm", "", 42, 20, 3.5, (768, 1024))),
    ),
    "comfyui advanced, from a picture": (
        png(prompt=json.dumps(COMFY_ADVANCED)),
        *("ComfyUI", "xl"),
        {"mode": "text-to-image", "prompt": "a tower", "negative_prompt": "", "seed": 99, "num_inference_steps": 12}
        | {"guidance_scale": 7, "scheduler": "DPM++ 2M SDE Karras"},
    ),
    "comfyui custom": (png(prompt=json.dumps(COMFY_CUSTOM)), "ComfyUI", "turbo", told("boats", "rain", 5, 2, 4, (512, 512), "Heun")),
    "comfyui workflow alone": (
        png(workflow=json.dumps(COMFY_WORKFLOW)),
        *("ComfyUI", "base", told("drawn fox", "bad", 77, 21, 8, (640, 512), "UniPC")),
    ),
    "invokeai": (
        png(invokeai_metadata=json.dumps(INVOKE)),
        *("InvokeAI", "Juggernaut XL", told("a teapot", "cups", 314, 30, 7.5, (1024, 960), "DPM++ 2M SDE Karras")),
    ),
    "invokeai 2": (png(text("sd-metadata", json.dumps(INVOKE_2))), "InvokeAI", "stable-diffusion-1.5", KETTLE),
    "invokeai 1": (
        png(Dream=DREAM),
        *("InvokeAI", "", KETTLE | {"prompt": 'a kettle, \\"old\\"', "negative_prompt": "steam", "scheduler": "LMS"}),
    ),
    "swarmui png": (png(parameters=json.dumps(SWARM)), "SwarmUI", "sd_xl_base_1.0", WHALE),
    "swarmui jpeg": (with_comment(utf16(json.dumps(SWARM))), "SwarmUI", "sd_xl_base_1.0", WHALE),
    "fooocus png": (png(parameters=json.dumps(FOOOCUS), fooocus_scheme="fooocus"), "Fooocus", "juggernautXL_v8Rundiffusion", VIOLIN),
    "fooocus png, as a1111": (
        png(parameters=FOOOCUS_TEXT, fooocus_scheme="a1111"),
        *("Fooocus", "juggernautXL", VIOLIN | {"prompt": "cinematic still a violin", "negative_prompt": "anime"}),
    ),
    "fooocus jpeg": (
        with_comment(b"", t9286=json.dumps(FOOOCUS).encode(), t0131="Fooocus v2.5.5", t927C=b"fooocus"),
        *("Fooocus", "juggernautXL_v8Rundiffusion", VIOLIN),
    ),
    "fooocus log": (
        picture((16, 16), format="JPEG", comment=json.dumps(FOOOCUS_LOG).encode()),
        *("Fooocus", "juggernaut", VIOLIN | {"scheduler": "DPM++ 2M Karras"}),
    ),
    "novelai": (
        png(Title="AI generated image", Description="a dragon", Software="NovelAI", Source="NAI Diffusion V4", Comment=json.dumps(NOVEL)),
        *("NovelAI", "NAI Diffusion V4", told("a dragon", "lowres", 4, 28, 5, (832, 1216), "Euler a")),
    ),
}
"""Name -> file, the tool that it names, the model, the settings."""

# --- hostile ---------------------------------------------------------------------------------------------------------

CYCLE = {
    "1": node("KSampler", seed=["2", 0], steps=["1", 0], positive=["2", 0], negative=["2", 0], latent_image=["1", 0], model=["1", 0]),
    "2": node("CLIPTextEncode", text=["3", 0], conditioning=["2", 0]),
    "3": node("Text", text=["2", 0], string=["3", 0]),
}


def tangle(size: int) -> str:
    """A graph in which everything is plugged into everything."""
    links = {f"text{place}": [str(place * 7 % size), 0] for place in range(60)}
    nodes = {str(one): node("Text", text=[str((one + 1) % size), 0], string=[str(one * 3 % size), 0], **links) for one in range(size)}
    nodes["s"] = node(
        "KSampler", seed=["0", 0], steps=["1", 0], positive=["0", 0], negative=["1", 0], latent_image=["2", 0], model=["3", 0]
    )
    return json.dumps(nodes)


def everywhere(value: Any) -> dict[str, bytes]:
    """Files of every tool in which each value is this one."""

    def filled(one: Any) -> Any:
        if isinstance(one, dict):
            return {name: inner if name in ("class_type", "type") else filled(inner) for name, inner in one.items()}
        return [filled(inner) for inner in one] if isinstance(one, list) else value

    swarm, invoke, second = json.dumps(filled(SWARM)), json.dumps(filled(INVOKE)), json.dumps(filled(INVOKE_2))
    return {
        "atelier": png(atelier=json.dumps({"mode": "text-to-image", "seed": value, "prompt": value, "extra": {"duration": value}})),
        "swarmui": png(parameters=swarm),
        "invokeai": png(invokeai_metadata=invoke),
        "invokeai 2": png(text("sd-metadata", second)),
        "fooocus": png(parameters=json.dumps(filled(FOOOCUS)), fooocus_scheme="fooocus"),
        "novelai": png(Software="NovelAI", Comment=json.dumps(filled(NOVEL))),
        "comfyui": png(prompt=json.dumps(filled(COMFY))),
        "comfyui, linked": png(
            prompt=json.dumps({name: {**one, "inputs": {**one["inputs"], "seed": value}} for name, one in COMFY.items()})
        ),
        "comfyui workflow": png(workflow=json.dumps(filled(COMFY_WORKFLOW))),
    }


ODD_VALUES: dict[str, Any] = {
    "nothing": None,
    "a list": [[1, [2]]],
    "an object": {"a": {"b": 1}},
    "true": True,
    "a huge number": 10**400,
    "infinity": float("inf"),
    "no number": float("nan"),
    "minus": -5,
    "nul and a half pair": "a\0b\ud83d\x1b[31m",
    "long": "x" * 3000,
    "html": HTML,
    "a link": ["3", 0],
}


def hostile() -> dict[str, bytes]:
    bomb = zlib.compress(b"x" * 30_000_000, 9)
    whole = png(parameters=A1111)
    files = {
        "ten megabytes of text": png(parameters="x" * 10_000_000),
        "ten megabytes that end like settings": png(parameters="x" * 10_000_000 + "\nSteps: 20, Seed: 1"),
        "a bomb, zTXt": png(chunk(b"zTXt", b"parameters\0\0" + bomb)),
        "a bomb, iTXt": png(chunk(b"iTXt", b"prompt\0\x01\0\0\0" + bomb)),
        "a broken zTXt": png(chunk(b"zTXt", b"parameters\0\0not deflated")),
        "deep lists": png(prompt="[" * 100_000),
        "deep objects": png(parameters='{"a":' * 50_000 + "1" + "}" * 50_000),
        "deep in a graph": png(
            prompt='{"1":{"class_type":"KSampler","inputs":{"positive":' + "[" * 900 + "]" * 900 + ',"seed":1,"steps":1}}}'
        ),
        "a cycle": png(prompt=json.dumps(CYCLE)),
        "a tangle": png(prompt=tangle(300)),
        "no end to a string": png(parameters='a\nSteps: 1, a: "' + '\\"' * 20_000),
        "only colons": png(parameters="Steps: 1" + ":" * 60_000),
        "only commas": png(parameters="Steps: 1" + ", " * 30_000),
        "only quotes": png(parameters="Steps: 1, " + 'a: "' * 15_000),
        "only brackets": png(Dream='"' + "[" * 60_000 + '" -s 1'),
        "only switches": png(Dream='"a"' + " -s 1" * 10_000),
        "many spaces": png(parameters="a\nSteps: 1, Size:" + " " * 60_000 + "5x5"),
        "many chunks": png(*(text(f"k{place}", "v") for place in range(5_000)), text("parameters", A1111)),
        "two of each": png(text("parameters", A1111), text("parameters", "x\nSteps: 2, Seed: 9"), text("prompt", COMFY_TEXT)),
        "no keyword": png(chunk(b"tEXt", b"\0" + A1111.encode())),
        "a keyword without an end": png(chunk(b"tEXt", b"parameters" * 50)),
        "a chunk longer than the file": png(struct.pack(">I", 2**31 - 1) + b"tEXtparameters\0"),
        "broken exif": png(chunk(b"eXIf", b"MM\0\x2a\xff\xff\xff\xff")),
        "exif in a circle": png(chunk(b"eXIf", b"II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\x08\0\0\0")),
        "broken exif in a jpeg": b"\xff\xd8\xff\xe1\0\x10Exif\0\0MM\0\x2a\xff\xff" + picture((16, 16), format="JPEG")[2:],
        "odd utf-16": with_comment(b"UNICODE\0\xd8\x00\xd8\x00\x00S\x00t" + utf16(A1111)[8:] + b"\x00"),
        "xmp without an end": png(text("XML:com.adobe.xmp", "<exif:UserComment" + "<" * 50_000)),
        "html in a1111": png(parameters=A1111.replace("castle", HTML).replace("dream_v8", HTML).replace("people", HTML)),
        "half of a pair": png(chunk(b"iTXt", b"parameters\0\0\0\0\0a \xed\xa0\xbd\nSteps: 3, Seed: 1, Model: \xed\xa0\xbd")),
        "digits of other scripts": png(parameters="a\nSteps: ٣, Seed: ²"),
    }
    files |= {f"{tool}, {name}": data for name, value in ODD_VALUES.items() for tool, data in everywhere(value).items()}
    files |= {f"cut at {length}": whole[:length] for length in range(0, len(whole), 37)}
    return files


def jpeg_at_a_place(**more: Any) -> bytes:
    """A JPEG that says where it was taken and holds A1111's settings."""
    exif = Image.Exif()
    exif[0x010F] = "Camera maker"
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    exif.get_ifd(0x8769)[0x9286] = utf16(A1111)
    buffer = io.BytesIO()
    Image.radial_gradient("L").resize((64, 48)).convert("RGB").save(buffer, more.pop("format", "JPEG"), exif=exif, **more)
    return buffer.getvalue()
