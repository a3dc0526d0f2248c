"""Workers: who is at work for which queue, with how many threads, in which version, on which devices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from studio.generation.models import Worker
from studio.generation.querysets import silence
from studio.metrics.registry import MAX, queues


def families() -> Iterator[Metric]:
    """One query. A worker of several queues counts, with all its threads, for each of them."""
    there = GaugeMetricFamily("atelier_workers", f"Worker processes heard of within a job's lease. {MAX}", labels=["queue", "state"])
    silent = GaugeMetricFamily(
        "atelier_workers_silent", f"Those not heard of for longer, and not said goodbye: killed, stopped or cut off. {MAX}"
    )
    versions = GaugeMetricFamily("atelier_workers_by_version", f"Worker processes of a version. {MAX}", labels=["version"])
    threads = GaugeMetricFamily("atelier_queue_threads", f"Jobs that its workers can make at a time. {MAX}", labels=["queue"])
    busy = GaugeMetricFamily("atelier_queue_threads_busy", f"Jobs that its workers had at their last heartbeats. {MAX}", labels=["queue"])
    memory = GaugeMetricFamily("atelier_worker_memory_bytes", f"Resident memory of a worker process. {MAX}", labels=["worker"])
    device = ["worker", "device", "model"]
    total = GaugeMetricFamily("atelier_worker_device_memory_bytes", f"Memory of a worker's GPU. {MAX}", labels=device)
    free = GaugeMetricFamily("atelier_worker_device_memory_free_bytes", f"What is free of it, whoever has the rest. {MAX}", labels=device)

    count: Counter[tuple[str, str]] = Counter()
    kinds: Counter[str] = Counter()
    able: Counter[str] = Counter(dict.fromkeys(queues(), 0))
    at_work: Counter[str] = Counter(dict.fromkeys(queues(), 0))
    gone, heard_since = 0, timezone.now() - silence()
    for worker in Worker.objects.order_by("name"):
        if worker.heartbeat_at < heard_since:
            gone += 1
            continue
        memory.add_metric([worker.name], worker.memory)
        kinds[worker.version or "unknown"] += 1
        for queue in worker.queues:
            count[queue, worker.state] += 1
            able[queue] += worker.threads
            at_work[queue] += worker.running
        for number, one in enumerate(worker.devices):
            labels = [worker.name, str(number), str(one.get("name", ""))]
            total.add_metric(labels, one.get("total") or 0)
            free.add_metric(labels, one.get("free") or 0)
    for (queue, state), number in sorted(count.items()):
        there.add_metric([queue, state], number)
    silent.add_metric([], gone)
    for version, number in sorted(kinds.items()):
        versions.add_metric([version], number)
    for queue in sorted(able):
        threads.add_metric([queue], able[queue])
        busy.add_metric([queue], at_work[queue])
    yield from (there, silent, versions, threads, busy, memory, total, free)
