"""Prometheus' rules and Grafana's dashboard ask for what `/metrics` really tells, in expressions that can be read."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from accounts.models import Team, User
from tests.studio.populated import populate, provider
from tests.studio.test_metrics import counted_anew  # noqa: F401 - a fixture

DOCKER = Path(__file__).resolve().parents[2] / "docker"
RULES = [rule for group in yaml.safe_load((DOCKER / "prometheus" / "alerts.yml").read_text())["groups"] for rule in group["rules"]]
DASHBOARD: dict[str, Any] = json.loads((DOCKER / "grafana" / "atelier.json").read_text())
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
OWN = {"up"}
"""What Prometheus itself says of a target."""
POSTGRESQL = {
    *("atelier_database_pool_connections", "atelier_database_pool_limit", "atelier_database_pool_waiting"),
    *("atelier_database_pool_wait_seconds_total", "atelier_database_pool_errors_total"),
}
"""Told of a pool, which SQLite has not."""
FUNCTIONS = frozenset({"sum", "max", "min", "rate", "increase", "histogram_quantile", "absent", "topk", "clamp_min", "vector", "time"})
WORDS = frozenset({"by", "and", "or", "unless", "without", "on", "bool"})


def expressions() -> list[Any]:
    panels = [(f"panel {panel['title']}", target["expr"]) for panel in PANELS for target in panel["targets"]]
    return [pytest.param(expr, id=name) for name, expr in [*((rule["alert"], rule["expr"]) for rule in RULES), *panels]]


def parts(expr: str) -> tuple[dict[str, set[str]], set[str]]:
    """The metrics of an expression with the labels that their selectors name, and all other words."""
    asked = {name: set(re.findall(r"(\w+)\s*=", chosen)) for name, chosen in re.findall(r"([a-z_]\w*)\s*\{([^}]*)\}", expr)}
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\"[^\"]*\"", "", expr)
    bare = re.sub(r"\b(?:by|on|without)\s*\([^)]*\)", "", bare)
    words = set(re.findall(r"\b[a-z_]\w*\b", bare))
    return {name: asked.get(name, set()) for name in words - FUNCTIONS - WORDS} | asked, words


@pytest.fixture
def told(alice: User, team: Team, monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """Every sample that a studio tells in which something of everything happens, with the names of its labels."""
    provider(monkeypatch)
    populate(team, alice)
    Client().get("/healthz")
    Client().get("/no/such/page")
    text = Client().get("/metrics").content.decode()
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def test_every_metric_and_label_that_is_asked_for_is_told(told: dict[str, set[str]]) -> None:
    wrong = []
    for one in expressions():
        asked, _ = parts(one.values[0])
        for name, labels in asked.items():
            if name in OWN | POSTGRESQL:
                continue
            if name not in told:
                wrong.append(f"{one.id}: {name}")
            elif missing := labels - told[name] - {"job", "instance"}:
                wrong.append(f"{one.id}: {name} has no label {sorted(missing)}")
    assert wrong == []


def test_every_metric_of_ours_is_looked_at(told: dict[str, set[str]]) -> None:
    """By a rule or a panel: a number that nobody reads is not worth its query."""
    read = {name for one in expressions() for name in parts(one.values[0])[0]}
    ours = {re.sub(r"_(bucket|sum|count|created)$", "", name) for name in told if name.startswith("atelier_")}
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for name in read}

    assert ours - shown == {"atelier_info", "atelier_webhook_endpoints_off"}


@pytest.mark.parametrize("expr", expressions())
def test_an_expression_can_be_read(expr: str) -> None:
    """Brackets and quotes close, and what is called is a function. `promtool check rules` reads them whole, where it is there."""
    pairs = {")": "(", "]": "[", "}": "{"}
    open_ones: list[str] = []
    for mark in re.sub(r'"(?:[^"\\]|\\.)*"', "", expr):
        if mark in pairs.values():
            open_ones.append(mark)
        elif mark in pairs:
            assert open_ones, expr
            assert open_ones.pop() == pairs[mark], expr
    assert open_ones == []
    assert expr.count('"') % 2 == 0
    assert set(re.findall(r"\b([a-z_]+)\s*\(", re.sub(r'"[^"]*"', "", expr))) <= FUNCTIONS | WORDS
    for counted in re.findall(r"(?:rate|increase)\(\s*([a-z_]\w*)", expr):
        assert counted.endswith(("_total", "_count", "_bucket", "_sum")), f"{counted} is no counter"


def test_every_rule_says_what_to_do() -> None:
    assert len({rule["alert"] for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule["labels"]["severity"] in ("page", "ticket"), rule
        assert rule["annotations"]["summary"].endswith("."), rule
        assert rule["annotations"]["description"].endswith((".", "?")), rule


def test_the_dashboard_is_one_that_grafana_opens() -> None:
    assert DASHBOARD["schemaVersion"] >= 39
    assert DASHBOARD["uid"] == "atelier"
    variables = {one["name"]: one["type"] for one in DASHBOARD["templating"]["list"]}
    assert variables == {"datasource": "datasource", "queue": "query"}
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    for panel in PANELS:
        assert panel["type"] in ("timeseries", "stat"), panel["title"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["value"] is None, panel["title"]
        for target in panel["targets"]:
            assert set(re.findall(r"\$\{?(\w+)", target["expr"])) <= set(variables), panel["title"]
            for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
                assert label in target["expr"], (panel["title"], label)


def test_no_panel_lies_on_another() -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]


def test_grafana_finds_prometheus_and_the_dashboard() -> None:
    [source] = yaml.safe_load((DOCKER / "grafana/provisioning/datasources/prometheus.yml").read_text())["datasources"]
    [provided] = yaml.safe_load((DOCKER / "grafana/provisioning/dashboards/atelier.yml").read_text())["providers"]

    assert (source["type"], source["isDefault"], source["url"]) == ("prometheus", True, "http://prometheus:9090")
    assert (provided["type"], provided["options"]["path"]) == ("file", "/var/lib/grafana/dashboards")


def test_prometheus_reads_the_studio_with_its_token() -> None:
    config = yaml.safe_load((DOCKER / "prometheus" / "prometheus.yml").read_text())
    [scraped] = config["scrape_configs"]

    assert (scraped["job_name"], scraped["metrics_path"]) == ("atelier", "/metrics")
    assert scraped["authorization"] == {"type": "Bearer", "credentials_file": "/etc/prometheus/token"}
    assert config["rule_files"] == ["alerts.yml"]
