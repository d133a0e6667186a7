"""The chart against a real API server: every set of values is installed, upgraded and uninstalled.

Run as `make e2e`, which builds kube-apiserver and etcd first. There is no kubelet: pods are made of the
workloads' templates here, so that Pod Security "restricted" judges them; none of them runs. Prints what it
does, and ends with 1 at the first thing that is not as it should be.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.real import free_port

ROOT: Final = Path(__file__).parents[1]
BIN: Final = ROOT / ".tools" / "bin"
CHART: Final = ROOT / "helm" / "sloctl"
VALUES: Final = ROOT / "tests" / "helm" / "values"
NAMESPACE: Final = "shop"
RESTRICTED: Final = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": NAMESPACE, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
}
CARELESS: Final = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "careless"},
    "spec": {"containers": [{"name": "shop", "image": "shop"}]},
}
TOKENS: Final = 'admin-token,admin,admin,"system:masters"\n'
KUBECONFIG: Final = """
apiVersion: v1
kind: Config
clusters: [{{name: here, cluster: {{server: "https://127.0.0.1:{port}", insecure-skip-tls-verify: true}}}}]
users: [{{name: admin, user: {{token: admin-token}}}}]
contexts: [{{name: here, context: {{cluster: here, user: admin}}}}]
current-context: here
"""
READY_WITHIN: Final = 120.0


def main() -> None:
    with tempfile.TemporaryDirectory() as directory, api_server(Path(directory)):
        create(RESTRICTED)
        # What a cluster's controllers make; without it no pod is admitted.
        for account in ("default", "metrics"):
            kubectl("create", "serviceaccount", account, "-n", NAMESPACE)
        kubectl("apply", "--server-side", "-f", str(ROOT / ".tools" / "crds"))
        refused(CARELESS, because='violates PodSecurity "restricted')
        before = objects_left()
        for values in sorted(VALUES.glob("*.yaml")):
            lived_through(values)
            check(objects_left() == before, f"{values.stem}: nothing is left after uninstall")
        may_do_nothing()


def lived_through(values: Path) -> None:
    """Install, upgrade, uninstall; every pod of it is one that "restricted" admits."""
    # A hook is waited for, and no kubelet runs its pod here.
    given = ["slo", str(CHART), "-n", NAMESPACE, "-f", str(values), "--no-hooks"]
    helm("install", *given)
    told(f"{values.stem}: installed")
    helm("upgrade", *given, "--set", "image.tag=9.9.9", "--set", "configuration.interval=10s")
    told(f"{values.stem}: upgraded")
    for pod in pods():
        create(pod, namespace=NAMESPACE)
        kubectl("delete", "pod", "-n", NAMESPACE, "--force", "--grace-period=0", pod["metadata"]["name"])
    helm("uninstall", "slo", "-n", NAMESPACE)
    kubectl("delete", "pvc", "-n", NAMESPACE, "--all", "--wait=false")


def pods() -> Iterator[dict[str, Any]]:
    """What a controller would make of the workloads."""
    workloads = json.loads(kubectl("get", "deployment,statefulset", "-n", NAMESPACE, "-o", "json"))["items"]
    for workload in workloads:
        template = workload["spec"]["template"]
        claims = [claim["metadata"]["name"] for claim in workload["spec"].get("volumeClaimTemplates", [])]
        volumes = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in claims]
        spec = {**template["spec"], "volumes": [*template["spec"].get("volumes", []), *volumes]}
        labels = template["metadata"].get("labels", {})
        metadata = {"name": workload["metadata"]["name"], "labels": labels}
        yield {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def may_do_nothing() -> None:
    """The chart grants nothing, so its account may read nothing."""
    account = f"system:serviceaccount:{NAMESPACE}:slo-sloctl"
    for verb, what in (("get", "secrets"), ("get", "configmaps"), ("list", "pods"), ("create", "pods")):
        answer = run("kubectl", "auth", "can-i", verb, what, f"--as={account}", "-n", NAMESPACE)
        check(answer.stdout.strip() == "no", f"the chart's account may not {verb} {what}")


def objects_left() -> set[str]:
    kinds = "deployment,statefulset,service,configmap,ingress,networkpolicy,pdb,serviceaccount,secret"
    return set(kubectl("get", kinds, "-n", NAMESPACE, "-o", "name").split())


def create(thing: Mapping[str, Any], *, namespace: str | None = None) -> None:
    where = [] if namespace is None else ["-n", namespace]
    done = run("kubectl", "create", *where, "-f", "-", given=json.dumps(thing))
    check(
        done.returncode == 0,
        f"{thing['kind']} {thing['metadata']['name']} is accepted: {done.stderr.strip()}",
    )


def refused(thing: Mapping[str, Any], *, because: str) -> None:
    done = run("kubectl", "create", "-n", NAMESPACE, "-f", "-", given=json.dumps(thing))
    check(because in done.stderr, f"a {thing['kind']} without a security context is refused")


def kubectl(*arguments: str) -> str:
    return ran("kubectl", *arguments)


def helm(*arguments: str) -> str:
    return ran("helm", *arguments)


def ran(program: str, *arguments: str) -> str:
    done = run(program, *arguments)
    check(done.returncode == 0, f"{program} {' '.join(arguments)}: {done.stderr.strip()}", loud=False)
    return done.stdout


def run(program: str, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [str(BIN / program), *arguments]
    return subprocess.run(command, input=given, capture_output=True, text=True, check=False)


def check(holds: bool, claim: str, *, loud: bool = True) -> None:
    if not holds:
        sys.exit(f"not so: {claim}")
    if loud:
        told(claim.removesuffix(": "))


def told(line: str) -> None:
    print(line, flush=True)


@contextmanager
def api_server(directory: Path) -> Iterator[None]:
    """An API server with RBAC and a store of its own, ready; what runs below is its administrator."""
    peers, clients, port = free_port(), free_port(), free_port()
    (directory / "tokens.csv").write_text(TOKENS)
    (directory / "kubeconfig").write_text(KUBECONFIG.format(port=port))
    os.environ["KUBECONFIG"] = str(directory / "kubeconfig")
    key = directory / "account.key"
    subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
    etcd = [
        "etcd",
        f"--data-dir={directory / 'etcd'}",
        f"--listen-client-urls=http://127.0.0.1:{clients}",
        f"--advertise-client-urls=http://127.0.0.1:{clients}",
        f"--listen-peer-urls=http://127.0.0.1:{peers}",
        f"--initial-advertise-peer-urls=http://127.0.0.1:{peers}",
        f"--initial-cluster=default=http://127.0.0.1:{peers}",
    ]
    server = [
        "kube-apiserver",
        f"--etcd-servers=http://127.0.0.1:{clients}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--authorization-mode=RBAC",
        f"--token-auth-file={directory / 'tokens.csv'}",
        f"--cert-dir={directory / 'certificates'}",
        f"--secure-port={port}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        "--service-cluster-ip-range=10.0.0.0/24",
    ]
    with started(etcd, directory), started(server, directory):
        ready()
        yield


@contextmanager
def started(command: list[str], directory: Path) -> Iterator[None]:
    with (directory / f"{command[0]}.log").open("w") as log:
        process = subprocess.Popen([str(BIN / command[0]), *command[1:]], stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)


def ready() -> None:
    until = time.monotonic() + READY_WITHIN
    while run("kubectl", "get", "--raw", "/readyz").stdout != "ok":
        check(time.monotonic() < until, "the API server is ready", loud=False)
        time.sleep(1)
    told(json.loads(kubectl("version", "-o", "json"))["serverVersion"]["gitVersion"])


if __name__ == "__main__":
    main()
