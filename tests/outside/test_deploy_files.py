"""What deploy/ holds beside the image: read by the programs that it is for, and held against syncd itself."""

import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from bad_day import NOW, make_daemon
from flask import Flask
from parts import kubectl, tool
from prometheus_client.parser import text_string_to_metric_families

from syncd.config import load
from syncd.config.model import DaemonOptions, WebOptions
from syncd.domain.runs import Status
from syncd.sandbox import serve
from syncd.web import Metrics
from syncd.web.app import create_app

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = DEPLOY / "systemd"
KUBERNETES = DEPLOY / "kubernetes"
COMPONENTS = KUBERNETES / "components"
VARIANTS = ["daemon", "cronjob", "sqlite"]
ALERTS = DEPLOY / "monitoring/alerts.yaml"
DASHBOARD = json.loads((DEPLOY / "monitoring/grafana.json").read_text(encoding="utf-8"))
SHUTDOWN = DaemonOptions().shutdown_timeout.total_seconds()


def complaints(*command: str, cwd: Path | None = None) -> str:
    ended = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    return ended.stderr or (ended.stdout if ended.returncode else "")


# --- the configuration of the container ---


def test_the_configuration_of_the_container_is_valid(tmp_path: Path) -> None:
    text = (DEPLOY / "config.toml").read_text(encoding="utf-8")
    secrets = {"state_url": "postgresql://db/syncd", "digest_key": "0123456789abcdef" * 4, "gomus_token": "t"}
    for name, content in secrets.items():
        (tmp_path / name).write_text(content)
    (tmp_path / "config.toml").write_text(text.replace("/run/secrets", str(tmp_path)), encoding="utf-8")
    config = load(tmp_path / "config.toml", {"GOMUS_URL": "https://demo.gomus.de", "SYNCD_WEB_LISTEN": "0.0.0.0:8080"})
    assert config.web == WebOptions(listen="0.0.0.0:8080")


def test_kubernetes_has_the_same_configuration() -> None:
    assert (KUBERNETES / "base/config.toml").read_bytes() == (DEPLOY / "config.toml").read_bytes()


def test_compose_waits_longer_than_the_daemon_takes_to_stop() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert {services[name]["stop_grace_period"] for name in ("syncd", "worker", "trial")} == {"40s"}
    assert SHUTDOWN + 5 < 40


# --- the health check of the image ---


@pytest.mark.parametrize(("path", "code"), [("/healthz", 0), ("/elsewhere", 1)])
def test_the_health_check_asks_the_page(path: str, code: int) -> None:
    page = Flask(__name__)
    page.add_url_rule(path, view_func=lambda: "ok")
    with serve(page) as url:
        assert health(url.removeprefix("http://")) == code


def test_nobody_who_answers_is_not_well_and_no_page_is_no_reason() -> None:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port = bound.getsockname()[1]
    assert (health(f"0.0.0.0:{port}"), health("")) == (1, 0)


def test_a_page_that_says_nothing_is_not_well() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert health(f"0.0.0.0:{silent.getsockname()[1]}", patience="0.1") == 1


def health(listen: str, patience: str = "4") -> int:
    script = (DEPLOY / "healthcheck").read_text(encoding="utf-8").replace("-t 4", f"-t {patience}")
    environment = {**os.environ, "SYNCD_WEB_LISTEN": listen}
    shell = [tool("bash", "bash"), "-c", script]
    return subprocess.run(shell, env=environment, capture_output=True, check=False).returncode


# --- systemd ---


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The root of a machine on which the units are installed as docs/operations.md says."""
    units = tmp_path / "etc/systemd/system"
    for name in ("syncd.service", "syncd-once.service"):
        (units / f"{name}.d").mkdir(parents=True)
        shutil.copy(UNITS / "hardening.conf", units / f"{name}.d")
    for file in UNITS.glob("syncd*.[st]*e*r*"):
        shutil.copy(file, units)
    targets = tmp_path / "usr/lib/systemd/system"
    targets.mkdir(parents=True)
    for file in Path("/usr/lib/systemd/system").glob("*.target"):
        shutil.copy(file, targets, follow_symlinks=False)
    for program in ("opt/syncd/bin/syncd", "bin/sh"):
        (tmp_path / program).parent.mkdir(parents=True)
        shutil.copy("/bin/true", tmp_path / program)
    return tmp_path


UNIT_NAMES = ["syncd.service", "syncd-once.service", "syncd-once.timer"]


def test_systemd_understands_every_line_of_the_units(machine: Path) -> None:
    analyze = tool("systemd-analyze", "systemd")
    assert complaints(analyze, "verify", "--man=no", f"--root={machine}", *UNIT_NAMES) == ""


@pytest.mark.parametrize("unit", [name for name in UNIT_NAMES if name.endswith(".service")])
def test_systemd_finds_the_units_hardened(machine: Path, unit: str) -> None:
    analyze = tool("systemd-analyze", "systemd")
    options = ["--no-pager", "--offline=true", "--threshold=15", f"--root={machine}"]  # of 100; the lower the better
    assert complaints(analyze, "security", *options, unit) == ""


def test_systemd_waits_longer_than_the_daemon_takes_to_stop() -> None:
    (limit,) = re.findall(r"TimeoutStopSec=(\d+)s", (UNITS / "syncd.service").read_text(encoding="utf-8"))
    assert int(limit) > SHUTDOWN + 5


# --- Kubernetes ---

Manifest = dict[str, Any]


def render(folder: Path) -> Iterator[Manifest]:
    """What a kustomization leads to, without its patches; every file that it names must be there."""
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    for name in kustomization["resources"]:
        resource = folder / name
        yield from render(resource) if resource.is_dir() else yaml.safe_load_all(resource.read_text(encoding="utf-8"))
    for one in kustomization.get("configMapGenerator", []):
        data = {file: (folder / file).read_text(encoding="utf-8") for file in one["files"]}
        data |= dict(literal.split("=", 1) for literal in one["literals"])
        yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": one["name"]}, "data": data}


def pod_of(manifests: list[Manifest]) -> Manifest:
    (spec,) = [one["spec"] for one in manifests if one["kind"] in ("Deployment", "CronJob")]
    return dict(spec["template"] if "template" in spec else spec["jobTemplate"]["spec"]["template"])


@pytest.fixture(params=VARIANTS)
def manifests(request: pytest.FixtureRequest) -> list[Manifest]:
    return list(render(KUBERNETES / request.param))


def test_every_manifest_fits_the_schema_of_kubernetes(manifests: list[Manifest]) -> None:
    for manifest in [*manifests, *yaml.safe_load_all((KUBERNETES / "secret.example.yaml").read_text(encoding="utf-8"))]:
        kubernetes_validate.validate(manifest, "1.30", strict=True)


@pytest.mark.parametrize("variant", VARIANTS)
def test_kubectl_renders_each_variant(variant: str) -> None:
    rendered = subprocess.run(
        [kubectl(), "kustomize", KUBERNETES / variant], capture_output=True, text=True, check=True
    ).stdout
    manifests = list(yaml.safe_load_all(rendered))
    for manifest in manifests:
        kubernetes_validate.validate(manifest, "1.30", strict=True)
    config_map = next(one["metadata"]["name"] for one in manifests if one["kind"] == "ConfigMap")
    volumes = {volume["name"]: volume for volume in pod_of(manifests)["spec"]["volumes"]}
    assert volumes["config"]["configMap"]["name"] == config_map
    assert ("persistentVolumeClaim" in volumes["state"]) == (variant == "sqlite")


def test_what_a_manifest_refers_to_is_there(manifests: list[Manifest]) -> None:
    there = {(one["kind"], one["metadata"]["name"]) for one in manifests} | {("Secret", "syncd")}
    labels = pod_of(manifests)["metadata"]["labels"].items()
    pod = pod_of(manifests)["spec"]
    (container,) = pod["containers"]
    ports = {port["name"] for port in container.get("ports", [])}
    config_map = next(one["data"] for one in manifests if one["kind"] == "ConfigMap")
    for volume in pod["volumes"]:
        match volume:
            case {"configMap": {"name": name, "items": items}}:
                assert ("ConfigMap", name) in there
                assert {item["key"] for item in items} <= config_map.keys()
            case {"secret": {"secretName": name}}:
                assert ("Secret", name) in there
            case {"persistentVolumeClaim": {"claimName": name}}:
                assert ("PersistentVolumeClaim", name) in there
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    assert {
        one["valueFrom"]["configMapKeyRef"]["key"] for one in container["env"] if "valueFrom" in one
    } <= config_map.keys()
    for manifest in manifests:
        match manifest:
            case {"kind": "Service", "spec": {"selector": selector, "ports": wanted}}:
                assert selector.items() <= labels
                assert {port["targetPort"] for port in wanted} <= ports
            case {"kind": "NetworkPolicy", "spec": {"podSelector": {"matchLabels": selector}}}:
                assert selector.items() <= labels
    for constraint in pod.get("topologySpreadConstraints", []):
        assert constraint["labelSelector"]["matchLabels"].items() <= labels


def test_a_variant_names_its_image_by_digest() -> None:
    kustomizations = [yaml.safe_load((KUBERNETES / name / "kustomization.yaml").read_text()) for name in VARIANTS]
    images = [image for one in kustomizations for image in one.get("images", [])]
    assert [image for image in images if not re.fullmatch(r"sha256:[0-9a-f]{64}", image["digest"])] == []


def test_nothing_waits_for_a_pod_that_only_stands_by_to_be_ready() -> None:
    """Of two, one is never ready: a rolling update or a budget would wait for it for ever."""
    manifests = list(render(KUBERNETES / "daemon"))
    assert [one["spec"]["strategy"] for one in manifests if one["kind"] == "Deployment"] == [{"type": "Recreate"}]
    assert "PodDisruptionBudget" not in {one["kind"] for one in manifests}


@pytest.mark.parametrize("port", [22, 53, 443, 465, 587, 5432])
def test_the_network_policy_lets_out_what_syncd_asks_for(port: int) -> None:
    (policy,) = [one["spec"] for one in render(KUBERNETES / "base") if one["kind"] == "NetworkPolicy"]
    assert port in {one["port"] for rule in policy["egress"] for one in rule["ports"]}


@pytest.mark.parametrize("file", ["daemon/deployment.yaml", "cluster/worker.yaml"])
def test_the_monitor_of_pods_finds_those_of_daemons_and_workers(file: str) -> None:
    monitor = yaml.safe_load((COMPONENTS / "podmonitor/podmonitor.yaml").read_text(encoding="utf-8"))["spec"]
    pod = yaml.safe_load((KUBERNETES / file).read_text(encoding="utf-8"))["spec"]["template"]
    (container,), (endpoint,) = pod["spec"]["containers"], monitor["podMetricsEndpoints"]
    (expression,) = monitor["selector"]["matchExpressions"]
    assert pod["metadata"]["labels"][expression["key"]] in expression["values"]
    assert endpoint["port"] in {port["name"] for port in container["ports"]}
    assert f"`{endpoint['path']}`" in (DEPLOY.parent / "docs/web.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("variant", VARIANTS)
def test_authorities_of_ones_own_are_mounted_where_syncd_looks_for_them(tmp_path: Path, variant: str) -> None:
    shutil.copytree(KUBERNETES, tmp_path / "kubernetes")
    file = tmp_path / "kubernetes" / variant / "kustomization.yaml"
    components = "\ncomponents: [../components/authorities]\n"
    file.write_text(file.read_text(encoding="utf-8") + components, encoding="utf-8")
    command = [kubectl(), "kustomize", file.parent]
    manifests = list(yaml.safe_load_all(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    pod = pod_of(manifests)["spec"]
    (container,) = pod["containers"]
    (place,) = [one["value"] for one in container["env"] if one["name"] == "SSL_CERT_FILE"]
    (mounted,) = [one for one in container["volumeMounts"] if place.startswith(one["mountPath"])]
    assert {"name": mounted["name"], "configMap": {"name": "syncd-authorities"}} in pod["volumes"]
    assert place == f"{mounted['mountPath']}/authorities.pem"


def test_the_pod_of_each_variant_is_locked_down(manifests: list[Manifest]) -> None:
    pod = pod_of(manifests)["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert not pod["automountServiceAccountToken"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["terminationGracePeriodSeconds"] > SHUTDOWN + 5


def test_the_folders_of_the_pod_are_those_that_the_image_and_its_configuration_name(manifests: list[Manifest]) -> None:
    (container,) = pod_of(manifests)["spec"]["containers"]
    named = "\n".join((DEPLOY / name).read_text(encoding="utf-8") for name in ("Dockerfile", "config.toml"))
    assert [mount["mountPath"] for mount in container["volumeMounts"] if mount["mountPath"] not in named] == []


# --- Prometheus and Grafana ---


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Each metric as Prometheus knows it, with its labels, as syncd serves and documents them."""
    folder = tmp_path_factory.mktemp("daemon")
    app = create_app(WebOptions(), make_daemon(folder, "members"), Metrics(), lambda: NOW)
    page = (DEPLOY.parent / "docs/web.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| `(syncd_\w+)` \| \w+ \|([^|]*)\|", page)
    labels = {name: set(re.findall(r"`(\w+)`", column)) for name, column in rows}
    told = {}
    for family in text_string_to_metric_families(app.test_client().get("/metrics").text):
        match family.type:
            case "counter":
                told[f"{family.name}_total"] = labels[f"{family.name}_total"]
            case "histogram":
                told |= {f"{family.name}_{end}": labels[family.name] | {"le"} for end in ("bucket", "sum", "count")}
            case _:
                told[family.name] = labels[family.name]
    return told


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return list(group["rules"])


def panels_and_their_questions() -> list[tuple[str, str]]:
    return [(panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel["targets"]]


def questions() -> list[tuple[str, str]]:
    return [*((rule["alert"], rule["expr"]) for rule in rules()), *panels_and_their_questions()]


@pytest.mark.parametrize(("asker", "question"), questions())
def test_asks_for_metrics_and_labels_that_there_are(told: dict[str, set[str]], asker: str, question: str) -> None:
    del asker
    used = set(re.findall(r"\bsyncd_\w+", question))
    assert used
    assert used - told.keys() == set()
    asked_of_one = {
        (name, label)
        for name, selector in re.findall(r"(syncd_\w+)\{([^}]*)\}", question)
        for label in re.findall(r"(\w+)\s*[=!]", selector)
    }
    assert {(name, label) for name, label in asked_of_one if label not in told[name]} == set()
    grouped = {word for group in re.findall(r"\b(?:by|on) \(([^)]*)\)", question) for word in re.findall(r"\w+", group)}
    assert grouped <= set().union(*(told[name] for name in used))


def test_every_status_that_a_rule_asks_for_is_one_of_a_run() -> None:
    asked = re.findall(r'syncd_last_run_status\{status="([^"]+)"\}', ALERTS.read_text(encoding="utf-8"))
    assert asked
    assert set(asked) <= {status.value for status in Status}


def test_prometheus_understands_the_rules_and_the_questions_of_the_dashboard(tmp_path: Path) -> None:
    promtool = tool("promtool", "prometheus")
    asked = [question.replace("$__rate_interval", "5m") for _, question in panels_and_their_questions()]
    recorded = [{"record": f"panel:{number}", "expr": question} for number, question in enumerate(asked)]
    file = tmp_path / "panels.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": recorded}]}), encoding="utf-8")
    assert complaints(promtool, "check", "rules", str(ALERTS)) == ""
    assert complaints(promtool, "check", "rules", str(file)) == ""


def test_the_rules_tell_of_a_bad_day_and_not_of_a_good_one(tmp_path: Path) -> None:
    promtool = tool("promtool", "prometheus")
    for file in (ALERTS, Path(__file__).parent / "alerts.test.yaml"):
        shutil.copy(file, tmp_path)
    assert complaints(promtool, "test", "rules", "alerts.test.yaml", cwd=tmp_path) == ""


def test_every_rule_has_a_good_and_a_bad_day() -> None:
    text = (Path(__file__).parent / "alerts.test.yaml").read_text(encoding="utf-8")
    assert [rule["alert"] for rule in rules() if text.count(rule["alert"]) < 2] == []


def test_the_panels_of_the_dashboard_stand_side_by_side() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    cells = [(p["x"] + dx, p["y"] + dy) for p in places for dx in range(p["w"]) for dy in range(p["h"])]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24
