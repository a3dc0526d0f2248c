"""`/metrics` for Prometheus: what the database knows of jobs, workers and money, and what this process saw and has.

Every web process tells the same of what lies in rows: take the `max` over processes. What is of one process alone (requests, sockets, pool)
Prometheus tells apart by its own label `instance`: take the `sum`. The help of each metric says which of the two it is.
"""

from studio.metrics.page import metrics
from studio.metrics.requests import observe_request

__all__ = ["metrics", "observe_request"]
