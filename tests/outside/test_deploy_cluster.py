"""deploy/kubernetes/cluster and the component that backs up: read, rendered, and the backup made and put back."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import docker
import kubernetes_validate
import pytest
import yaml
from databases import IMAGE
from engine import no_engine, no_image
from office import Office, open_office, person
from parts import kubectl, leave_out
from test_deploy_files import COMPONENTS, KUBERNETES, SHUTDOWN, Manifest

from syncd.config import load

CLUSTER, BACKUP = KUBERNETES / "cluster", COMPONENTS / "backup"
WHOLE = sorted(
    [
        *(CLUSTER / name for name in ("worker.yaml", "disruption.yaml")),
        *set(BACKUP.glob("*")) - {BACKUP / "kustomization.yaml"},
    ]
)
TOKENS = ("louvre_token", "prado_token")


def read(file: Path) -> Manifest:
    return dict(yaml.safe_load(file.read_text(encoding="utf-8")))


def pod_of(manifest: Manifest) -> Manifest:
    spec = manifest["spec"]
    return dict(spec["template"] if "template" in spec else spec["jobTemplate"]["spec"]["template"])


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> list[Manifest]:
    """With all components."""
    program = kubectl()
    folder = tmp_path_factory.mktemp("cluster") / "kubernetes"
    shutil.copytree(KUBERNETES, folder)
    file = folder / "cluster/kustomization.yaml"
    components = "\ncomponents: [../components/podmonitor, ../components/backup, ../components/authorities]\n"
    file.write_text(file.read_text(encoding="utf-8") + components, encoding="utf-8")
    command = [program, "kustomize", file.parent]
    return list(yaml.safe_load_all(subprocess.run(command, capture_output=True, text=True, check=True).stdout))


def named(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    (found,) = [one for one in manifests if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    return found


def workloads(manifests: list[Manifest]) -> dict[str, Manifest]:
    return {one["metadata"]["name"]: pod_of(one) for one in manifests if one["kind"] in ("Deployment", "CronJob")}


# --- as they stand ---


@pytest.mark.parametrize("file", WHOLE, ids=lambda file: file.name)
def test_each_manifest_fits_the_schema_of_kubernetes(file: Path) -> None:
    kubernetes_validate.validate(read(file), "1.30", strict=True)


def test_the_folder_of_museums_is_valid_and_has_a_queue(tmp_path: Path) -> None:
    secrets = {"state_url": "postgresql://db/syncd", "digest_key": "0123456789abcdef" * 4} | dict.fromkeys(TOKENS, "t")
    for name, content in secrets.items():
        (tmp_path / name).write_text(content)
    (tmp_path / "museums").mkdir()
    for file in (CLUSTER / "museums").iterdir():
        text = file.read_text(encoding="utf-8").replace("/run/secrets", str(tmp_path))
        (tmp_path / "museums" / file.name).write_text(text, encoding="utf-8")
    config = load(tmp_path / "museums", {"SYNCD_WEB_LISTEN": ""})
    assert (config.broken, sorted(config.syncs)) == ({}, ["louvre/members", "prado/members"])
    assert config.daemon.queue == "procrastinate"


@pytest.mark.parametrize("file", [CLUSTER / "worker.yaml", BACKUP / "backup.yaml", BACKUP / "restore.yaml"])
def test_each_pod_is_locked_down(file: Path) -> None:
    pod = pod_of(read(file))["spec"]
    (container,) = pod["containers"]
    assert (pod["securityContext"]["runAsNonRoot"], pod["automountServiceAccountToken"]) == (True, False)
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}


def test_a_worker_may_end_in_order_and_tells_whether_it_lives() -> None:
    pod = pod_of(read(CLUSTER / "worker.yaml"))["spec"]
    (container,) = pod["containers"]
    assert pod["terminationGracePeriodSeconds"] > SHUTDOWN + 5
    (beat,) = [one["value"] for one in container["env"] if one["name"] == "SYNCD_BEAT"]
    assert {"name": "spool", "mountPath": str(Path(beat).parent)} in container["volumeMounts"]
    for probe in ("startupProbe", "livenessProbe"):
        assert container[probe]["exec"]["command"][-1] in (KUBERNETES.parent / "Dockerfile").read_text(encoding="utf-8")


def test_a_budget_is_there_for_workers_alone() -> None:
    budget = read(CLUSTER / "disruption.yaml")["spec"]["selector"]["matchLabels"]
    scheduler = pod_of(read(KUBERNETES / "daemon/deployment.yaml"))["metadata"]["labels"]
    assert budget.items() <= pod_of(read(CLUSTER / "worker.yaml"))["metadata"]["labels"].items()
    assert not budget.items() <= scheduler.items()


# --- as they are rendered ---


def test_what_is_rendered_fits_the_schema_and_names_each_image_by_digest(rendered: list[Manifest]) -> None:
    for manifest in rendered:
        if manifest["kind"] != "PodMonitor":
            kubernetes_validate.validate(manifest, "1.30", strict=True)
    images = [pod["spec"]["containers"][0]["image"] for pod in workloads(rendered).values()]
    assert (len(images), [image for image in images if "@sha256:" not in image]) == (4, [])


def test_schedulers_and_workers_have_the_same_folder_secrets_and_exports(rendered: list[Manifest]) -> None:
    pods = workloads(rendered)
    both = [pods[name]["spec"] for name in ("syncd", "syncd-worker")]
    volumes = [{one["name"]: one for one in pod["volumes"] if one["name"] != "spool"} for pod in both]
    assert volumes[0] == volumes[1]
    assert volumes[0]["config"]["configMap"] == {"name": "syncd-museums"}
    assert {"name": "SYNCD_CONFIG", "value": "/etc/syncd"} in both[0]["containers"][0]["env"]
    assert [one["metadata"]["name"] for one in rendered if one["kind"] == "ConfigMap"] == ["syncd-museums"]
    assert "GOMUS_URL" not in yaml.safe_dump(rendered)
    assert named(rendered, "Deployment", "syncd")["spec"]["replicas"] == 2
    assert named(rendered, "Deployment", "syncd")["spec"]["strategy"] == {"type": "Recreate"}


def test_the_page_is_looked_for_at_schedulers_and_workers_may_go_out(rendered: list[Manifest]) -> None:
    labels = {name: pod["metadata"]["labels"].items() for name, pod in workloads(rendered).items()}
    for selector in (
        named(rendered, "Service", "syncd")["spec"]["selector"],
        named(rendered, "Deployment", "syncd")["spec"]["selector"]["matchLabels"],
    ):
        assert [name for name, own in labels.items() if selector.items() <= own] == ["syncd"]
    for wide in (
        named(rendered, "NetworkPolicy", "syncd")["spec"]["podSelector"],
        named(rendered, "PodMonitor", "syncd")["spec"]["selector"],
    ):
        (expression,) = wide["matchExpressions"]
        assert expression["values"] == [dict(labels[name])[expression["key"]] for name in ("syncd", "syncd-worker")]
    assert "matchLabels" not in named(rendered, "NetworkPolicy", "syncd")["spec"]["podSelector"]


def test_authorities_of_ones_own_are_mounted_in_every_pod(rendered: list[Manifest]) -> None:
    missing = [
        name
        for name, pod in workloads(rendered).items()
        if {"name": "authorities", "configMap": {"name": "syncd-authorities"}} not in pod["spec"]["volumes"]
    ]
    assert missing == []


# --- the backup, and the way back ---


@pytest.fixture
def office(tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    if reason := no_engine() or no_image(IMAGE):
        leave_out("CONTAINERS", f"no containers: {reason}")
    monkeypatch.setenv("SYNCD_DIGEST_KEY", "a key for tests")
    with open_office(tmp_path) as office:
        for name in ("secrets", "backup"):
            (tmp_path / name).mkdir()
            (tmp_path / name).chmod(0o777)
        (tmp_path / "secrets/state_url").write_text(postgres_url)
        url = f'"{postgres_url}"\ndigest_key = {{ env = "SYNCD_DIGEST_KEY" }}'
        office.reconfigure('"sqlite:///state/syncd.db"', url)
        yield office


def carry_out(office: Office, file: Path) -> None:
    """The command of a CronJob, as the user that it has, in a container that may write as little."""
    pod = pod_of(read(file))["spec"]
    (container,) = pod["containers"]
    mounts = [(mount["name"], mount) for mount in container["volumeMounts"]]
    engine = docker.from_env()
    try:
        engine.containers.run(
            IMAGE,
            container["args"],
            entrypoint=container["command"],
            environment={one["name"]: one["value"] for one in container["env"]},
            user=f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}",
            volumes=[f"{office.folder / ours}:{mount['mountPath']}" for ours, mount in mounts],
            read_only=True,
            cap_drop=["ALL"],
            network_mode="host",
            remove=True,
        )
    finally:
        engine.close()


def test_what_is_backed_up_can_be_restored_and_nobody_comes_twice_or_goes(office: Office) -> None:
    assert office.syncd("--once").code == 0
    carry_out(office, BACKUP / "backup.yaml")
    (dump,) = (office.folder / "backup").iterdir()
    assert dump.stat().st_mode & 0o777 == 0o600
    office.rows = [*office.rows[1:], person(41), person(42)]
    office.export()
    assert office.syncd("--once").code == 0
    assert len(office.sandbox.deleted) == 1
    carry_out(office, BACKUP / "restore.yaml")
    office.rows = [*office.rows[1:], person(43)]
    office.export()
    ended = office.syncd("--once")
    assert (ended.code, len(ended.named("state.restored"))) == (0, 1)
    assert sorted(str(customer.foreign_id) for customer in office.sandbox.customers) == [
        f"M-{number:04d}" for number in range(2, 44)
    ]
    assert len(office.sandbox.deleted) == 1


def test_old_dumps_go_and_one_that_is_cut_short_is_none(office: Office) -> None:
    old = office.folder / "backup/syncd-2020-01-01T000000Z.dump"
    old.touch()
    os.utime(old, (0, 0))
    (office.folder / "secrets/state_url").write_text("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    with pytest.raises(docker.errors.ContainerError):
        carry_out(office, BACKUP / "backup.yaml")
    assert list((office.folder / "backup").glob("*.dump")) == [old], "the old ones stay until there is a new one"
