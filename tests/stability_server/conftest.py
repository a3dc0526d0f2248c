from tests.stability_server.fixtures import client, running_standin, standin

__all__ = ["client", "running_standin", "standin"]
