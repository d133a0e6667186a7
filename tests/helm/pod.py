"""A rendered pod on this machine: its volumes, its root file system, its user and its command line.

The root holds what an image would: the system's libraries, Python, this checkout. All of it is read-only,
without capabilities and without the way to any, as the container's security context has it. What Kubernetes
adds on top, a network and a process tree of the pod's own, is not here, so two pods need two ports.
"""

import asyncio
import os
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.helm.chart import ROOT, objects, only
from tests.real import MISSING

_ISOLATED: Final = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"])]
_SYSTEM: Final = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/proc", "/dev")


@dataclass(frozen=True, slots=True)
class Pod:
    """One container of a workload that was rendered from *values*, with its volumes below *directory*."""

    directory: Path
    values: Mapping[str, Any]

    def configmap(self, volume: str, files: Mapping[str, str]) -> None:
        """As the kubelet writes and rewrites it: a directory that a symbolic link is swapped to."""
        mounted = self.directory / volume
        mounted.mkdir(parents=True, exist_ok=True)
        number = sum(1 for _ in mounted.glob("..version_*"))
        version = mounted / f"..version_{number}"
        version.mkdir()
        for name, text in files.items():
            (version / name).write_text(text)
            if not (mounted / name).is_symlink():
                (mounted / name).symlink_to(f"..data/{name}")
        (mounted / "..new").symlink_to(version.name)
        (mounted / "..new").rename(mounted / "..data")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """The container's process; killed on leaving if it is still there."""
        container = self.template()["spec"]["containers"][0]
        process = await asyncio.create_subprocess_exec(*self.command(container["command"], container))
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    def template(self) -> dict[str, Any]:
        kind = "StatefulSet" if self.values.get("persistence", {}).get("enabled") else "Deployment"
        template: dict[str, Any] = only(kind, self.values)["spec"]["template"]
        return template

    def prepare(self) -> None:
        """The volumes that the chart has contents for; the empty ones belong to the pod's group."""
        user = self.template()["spec"]["securityContext"]["fsGroup"]
        self.configmap("sloctl-configuration", self._configuration())
        self.configmap("sloctl-specs", self.values["specs"]["files"])
        for name in ("sloctl-data", "data"):
            (self.directory / name).mkdir()
            if os.geteuid() == 0:
                os.chown(self.directory / name, 0, user)
            (self.directory / name).chmod(0o2770)
        (self.directory / "root").mkdir()

    def command(self, command: list[str], container: Mapping[str, Any]) -> list[str]:
        """*command*, in a root of its own, as the user that the security context names."""
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"]
        assert context["capabilities"] == {"drop": ["ALL"]}
        new = self.directory / "root"
        script = [
            "set -e",
            "mount --make-rprivate /",
            f"mount -t tmpfs pod {new}",
            *(line for path in _SYSTEM for line in _brought(Path(path), new)),
            *(line for path in _python() for line in _brought(path, new)),
            *(
                f"mkdir -p {new}{mount['mountPath']}; "
                f"mount --bind {self.directory / mount['name']} {new}{mount['mountPath']}; "
                + (
                    ""
                    if mount["mountPath"] == "/data"
                    else f"mount -o remount,bind,ro {new}{mount['mountPath']}"
                )
                for mount in container["volumeMounts"]
            ),
            f"mount -o remount,ro {new}",
            f"exec chroot {new} /usr/bin/setpriv {_user(context)} --no-new-privs --bounding-set=-all "
            f"--inh-caps=-all /usr/bin/env -i PATH={Path(sys.executable).parent} {shlex.join(command)}",
        ]
        return [*_ISOLATED, "/bin/sh", "-c", "\n".join(script)]

    def _configuration(self) -> Mapping[str, str]:
        found: dict[str, str] = next(
            each["data"] for each in objects(self.values) if "sidecar.yaml" in each.get("data", {})
        )
        return found


def must_be_isolated() -> None:
    """Skips where this machine does not let us have mounts of our own."""
    tried = subprocess.run([*_ISOLATED, "mount", "--make-rprivate", "/"], capture_output=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"{MISSING}the right to mount, for a read-only root (unshare --user --mount)")


def _user(context: Mapping[str, Any]) -> str:
    """In a user namespace there is only one user, who is nobody special outside."""
    if os.geteuid() != 0:
        return ""
    return f"--reuid {context['runAsUser']} --regid {context['runAsGroup']} --clear-groups"


def _python() -> list[Path]:
    needed = {ROOT, Path(sys.prefix), Path(sys.base_prefix)}
    outer = {
        path for path in needed if not any(path != other and path.is_relative_to(other) for other in needed)
    }
    return sorted(path for path in outer if not path.is_relative_to("/usr"))


def _brought(path: Path, new: Path) -> list[str]:
    """*path* in the new root; read-only, except for the kernel's own."""
    if path.is_symlink():
        return [f"ln -s {path.readlink()} {new}{path}"]
    if not path.exists():
        return []
    if str(path) in ("/proc", "/dev"):
        return [f"mkdir -p {new}{path}", f"mount --rbind {path} {new}{path}"]
    return [
        f"mkdir -p {new}{path}",
        f"mount --bind {path} {new}{path}",
        f"mount -o remount,bind,ro {new}{path}",
    ]
