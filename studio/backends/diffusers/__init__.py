"""The local runner: any diffusers text-to-image model, and Storybook, the small one that comes with the studio.

    config      the operator's file of models            folders    what a model folder says about itself, without torch
    families    pipeline classes and what they can do    schedulers the names people know
    capabilities  a model as an `Engine`                 records    what the worker found out, for the web process
    hub         models by hub id                         devices    device, dtype, threads; the one place that prepares torch
    loading     a folder becomes weights                 shelf      which weights are in memory
    pipelines   one set of weights for three modes       requests   a request made complete and checked
    batches     many requests, one run                   steps      progress, cancel and x0, asked at every step
    previews    small pictures while it runs             images     uploads in, files out
    upscaler    the ×4 network and the engine made of it builtin    Storybook's settings

Only functions import torch and its relatives: the web process lists engines and must stay small.
"""

from studio.backends.diffusers.backend import DiffusersBackend

__all__ = ["DiffusersBackend"]
