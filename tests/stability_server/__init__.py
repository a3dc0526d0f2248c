"""A stand-in for the Stability REST API: real HTTP on the loopback, the contract to the letter, media of its own.

README.md beside this file says how to use it.
"""

from tests.stability_server.standin import KEY, ManualClock, StandIn

__all__ = ["KEY", "ManualClock", "StandIn"]
