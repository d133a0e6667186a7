"""Send the PrometheusRules of a folder to this pod's own API server, by server-side apply.

Run by the Job of `compile.enabled`, in sloctl's image, as `python apply.py FOLDER`. Its account may get,
create and patch PrometheusRules of its namespace, nothing else. LABELS is a JSON object, laid over theirs.
"""

import json
import os
import ssl
import sys
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import yaml

ACCOUNT = Path(os.environ.get("ACCOUNT", "/var/run/secrets/kubernetes.io/serviceaccount"))


def main(folder: Path) -> int:
    manifests = [yaml.safe_load(file.read_text()) for file in sorted(folder.rglob("*.yaml"))]
    rules = [manifest for manifest in manifests if manifest["kind"] == "PrometheusRule"]
    failed = sum(not apply_rules(manifest) for manifest in rules)
    print(f"{len(rules) - failed} of {len(rules)} PrometheusRules applied")
    return 1 if failed or not rules else 0


def apply_rules(manifest: dict[str, Any]) -> bool:
    """Apply one object; returns whether the API server took it, and prints why not."""
    namespace, name = (ACCOUNT / "namespace").read_text().strip(), manifest["metadata"]["name"]
    manifest["metadata"]["labels"] |= json.loads(os.environ.get("LABELS", "{}"))
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    address = f"[{host}]" if ":" in host else host
    path = f"/apis/monitoring.coreos.com/v1/namespaces/{namespace}/prometheusrules/{name}"
    request = Request(
        f"https://{address}:{port}{path}?fieldManager=sloctl&force=true",
        data=json.dumps(manifest).encode(),
        method="PATCH",
        headers={
            "Authorization": f"Bearer {(ACCOUNT / 'token').read_text().strip()}",
            "Content-Type": "application/apply-patch+yaml",
        },
    )
    try:
        with urlopen(request, timeout=30, context=ssl.create_default_context(cafile=ACCOUNT / "ca.crt")):
            return True
    except HTTPError as refused:
        print(f"{name}: {refused.code}: {refused.read(4096).decode(errors='replace')}", file=sys.stderr)
    except OSError as unreachable:
        print(f"{name}: {unreachable}", file=sys.stderr)
    return False


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
