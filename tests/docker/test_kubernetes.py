"""The manifests: kinds as Kubernetes and KEDA know them, words that image and settings know, and a scaling rule that counts right."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import kubernetes_validate
import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts.models import Team, User
from studio.generation.models import Batch, Job, PausedQueue
from tests.docker.manifests import FOLDER, documents, kustomization, of_kind, pods
from tests.factories import make_batch, make_job
from tests.test_contracts import branches

KEDA = {
    "ScaledObject": {
        "scaleTargetRef",
        "pollingInterval",
        "cooldownPeriod",
        "initialCooldownPeriod",
        "idleReplicaCount",
        "minReplicaCount",
        "maxReplicaCount",
        "fallback",
        "advanced",
        "triggers",
    },
    "TriggerAuthentication": {"podIdentity", "secretTargetRef", "env", "configMapTargetRef"},
}
"""What the `spec` of each kind may have; KEDA's documentation, "ScaledObject specification" and "Authentication"."""

POSTGRESQL = {"query", "targetQueryValue", "activationTargetQueryValue", "host", "port", "userName", "dbName", "sslmode"}
"""Metadata of KEDA's trigger `postgresql`; what is secret comes by TriggerAuthentication (`connection` or `password`)."""


# --- kinds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("found", [one for one in documents() if one["apiVersion"] != "keda.sh/v1alpha1"], ids=lambda one: one["kind"])
def test_kubernetes_knows_every_field(found: dict[str, Any]) -> None:
    kubernetes_validate.validate(found, desired_version=kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize("found", [one for one in documents() if one["apiVersion"] == "keda.sh/v1alpha1"], ids=lambda one: one["kind"])
def test_keda_knows_every_field(found: dict[str, Any]) -> None:
    assert set(found) == {"apiVersion", "kind", "metadata", "spec"}
    assert set(found["spec"]) <= KEDA[found["kind"]]
    for trigger in found["spec"].get("triggers", []):
        assert set(trigger) <= {"type", "name", "metadata", "authenticationRef", "metricType", "useCachedMetrics"}
        assert trigger["type"] == "postgresql"
        assert {"query", "targetQueryValue"} <= set(trigger["metadata"]) <= POSTGRESQL
        assert all(isinstance(value, str) for value in trigger["metadata"].values())
        assert trigger["metricType"] in ("AverageValue", "Value")
    for secret in found["spec"].get("secretTargetRef", []):
        assert set(secret) == {"parameter", "name", "key"}


def test_every_file_is_listed_and_every_name_is_used_once() -> None:
    assert sorted(kustomization()["resources"]) == sorted(path.name for path in FOLDER.glob("*.yaml") if path.stem != "kustomization")
    names = [(one["kind"], one["metadata"]["name"]) for one in documents()]
    assert len(names) == len(set(names))


def test_what_is_referred_to_is_there() -> None:
    secret = of_kind("Secret")["studio"]["stringData"]
    for scaled in of_kind("ScaledObject").values():
        spec = scaled["spec"]
        assert spec["scaleTargetRef"]["name"] in of_kind("Deployment")
        assert {trigger["authenticationRef"]["name"] for trigger in spec["triggers"]} <= set(of_kind("TriggerAuthentication"))
    for one in of_kind("TriggerAuthentication").values():
        assert {(ref["name"], ref["key"]) for ref in one["spec"]["secretTargetRef"]} <= {("studio", key) for key in secret}
    assert of_kind("HorizontalPodAutoscaler")["web"]["spec"]["scaleTargetRef"]["name"] in of_kind("Deployment")
    claims = {
        v["persistentVolumeClaim"]["claimName"] for p in pods().values() for v in p["spec"]["volumes"] if "persistentVolumeClaim" in v
    }
    assert claims <= set(of_kind("PersistentVolumeClaim"))
    path = of_kind("Ingress")["web"]["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    service = of_kind("Service")[path["name"]]["spec"]
    assert path["port"]["name"] in {port["name"] for port in service["ports"]}
    assert service["selector"].items() <= pods()["web"]["metadata"]["labels"].items()


def test_selectors_meet_their_pods_and_no_others() -> None:
    for name, one in of_kind("Deployment").items():
        wanted = one["spec"]["selector"]["matchLabels"].items()
        assert [pod for pod, template in pods().items() if wanted <= template["metadata"]["labels"].items()] == [name]


# --- the image and the settings --------------------------------------------------------------------------------------


def test_every_pod_runs_a_word_of_the_image() -> None:
    for name, pod in pods().items():
        [container] = pod["spec"]["containers"]
        assert container["image"] == "atelier"
        if "command" in container:
            assert (FOLDER.parent / container["command"][0]).is_file(), name
        else:
            word, *queues = container["args"]
            assert word in branches(), name
            assert set(queues) <= set(settings.BACKENDS)
    assert [one["name"] for one in kustomization()["images"]] == ["atelier"]
    assert kustomization()["images"][0]["newTag"] == settings.VERSION


def test_only_settings_that_exist_are_given() -> None:
    given = set(of_kind("ConfigMap")["studio"]["data"]) | set(of_kind("Secret")["studio"]["stringData"])
    given |= {one["name"] for pod in pods().values() for one in pod["spec"]["containers"][0].get("env", [])}

    assert given <= settings.ENVIRONMENT.names


def test_no_pod_has_more_rights_than_it_needs() -> None:
    for pod in pods().values():
        spec, [container] = pod["spec"], pod["spec"]["containers"]
        assert spec["automountServiceAccountToken"] is False
        assert (spec["securityContext"]["runAsNonRoot"], spec["securityContext"]["runAsUser"]) == (True, 10001)
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["requests"].keys() >= {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]


def test_pods_are_given_the_time_that_they_need_to_end() -> None:
    for name in ("worker-stability", "worker-diffusers", "beat"):
        assert pods()[name]["spec"]["terminationGracePeriodSeconds"] > settings.STOP_SECONDS + 10
    assert pods()["web"]["spec"]["terminationGracePeriodSeconds"] > settings.API_ANSWER_SECONDS + 30


def test_the_site_rolls_without_a_closed_door() -> None:
    web = of_kind("Deployment")["web"]["spec"]
    [container] = web["template"]["spec"]["containers"]

    assert web["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["lifecycle"]["preStop"]["exec"]["command"][0] == "sleep"
    assert of_kind("HorizontalPodAutoscaler")["web"]["spec"]["minReplicas"] >= 2


# --- the scaling rule ------------------------------------------------------------------------------------------------


def queries() -> dict[str, str]:
    return {name: one["spec"]["triggers"][0]["metadata"]["query"] for name, one in of_kind("ScaledObject").items()}


def test_both_workers_are_scaled_by_the_same_rule_each_for_its_queue() -> None:
    queues = {name: re.search(r"job\.queue = '(\w+)'", query)[1] for name, query in queries().items()}

    assert queues == {"worker-stability": "stability", "worker-diffusers": "diffusers"}
    assert len({query.replace(queues[name], "…") for name, query in queries().items()}) == 1
    assert {name: pods()[name]["spec"]["containers"][0]["args"] for name in queues} == {n: ["worker", q] for n, q in queues.items()}


@pytest.mark.django_db
def test_the_rule_counts_what_a_worker_could_have_and_has(team: Team, alice: User, other_team: Team, mallory: User) -> None:
    """On SQLite its only word that is not SQL's own, now(), is made known."""

    def counted() -> int:
        if connection.vendor == "sqlite":
            connection.ensure_connection()
            connection.connection.create_function("now", 0, lambda: timezone.now().strftime("%Y-%m-%d %H:%M:%S.%f"))
        with connection.cursor() as cursor:
            cursor.execute(queries()["worker-stability"])
            return int(cursor.fetchone()[0])

    def claimable() -> int:
        return Job.objects.claimable(["stability"], timezone.now()).count()

    assert counted() == 0
    first = make_job(team, alice, queue="stability")
    make_job(team, alice, queue="diffusers")
    later = make_job(team, alice, queue="stability")
    Job.objects.filter(pk=later.pk).update(run_after=timezone.now() + timedelta(hours=1))
    make_job(team, alice, queue="stability", status=Job.Status.FAILED)
    assert counted() == claimable() == 1
    Job.objects.filter(pk=later.pk).update(run_after=timezone.now() - timedelta(seconds=5))
    assert counted() == claimable() == 2
    Job.objects.filter(pk=first.pk).update(status=Job.Status.RUNNING)
    assert (counted(), claimable()) == (2, 1)

    batch = make_batch(other_team, mallory, 3, queue="stability")
    Batch.objects.filter(pk=batch.pk).update(at_once=1)
    assert (counted(), claimable()) == (5, 4)
    one = Job.objects.filter(batch=batch).first()
    Job.objects.filter(pk=one.pk).update(status=Job.Status.RUNNING)
    assert (counted(), claimable()) == (3, 1)
    Batch.objects.filter(pk=batch.pk).update(at_once=None, paused_at=timezone.now())
    assert (counted(), claimable()) == (3, 1)
    Batch.objects.filter(pk=batch.pk).update(paused_at=None)
    assert (counted(), claimable()) == (5, 3)

    PausedQueue.objects.create(queue="stability", reason="The provider is down")
    assert (counted(), claimable()) == (2, 0)


def test_a_user_who_may_read_three_tables_can_ask() -> None:
    for query in queries().values():
        assert set(re.findall(r"(?:FROM|JOIN) (\w+)", query)) == {"generation_job", "generation_batch", "generation_pausedqueue"}
