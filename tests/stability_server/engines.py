"""v1's engines.

Only SDXL 1.0 is there, as in the document of 2026-09; the switched-off and old ids of API.md 1.2 are 404, and so is the upscale endpoint
that this document has dropped. `standin.engines` can be given other ids, which then follow SDXL's rules.
"""

from __future__ import annotations

SDXL = {
    "id": "stable-diffusion-xl-1024-v1-0",
    "name": "Stable Diffusion XL v1.0",
    "description": "Stability-AI Stable Diffusion XL v1.0",
    "type": "PICTURE",
}
