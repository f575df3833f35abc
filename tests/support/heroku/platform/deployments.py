"""Builds under way: each in a thread, its output streamed, its slug released and run."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from . import refusals, shapes
from .builds import BuildError, Output, make_slug
from .shapes import Resource
from .world import App

if TYPE_CHECKING:
    from .platform import Platform


class Deployments:
    """The builds of all apps; `outputs` are those of this process's life, by build id."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self.outputs: dict[str, Output] = {}

    def start(self, app: App, wanted: Resource, account: Resource) -> Resource:
        source = wanted.get("source_blob") or {}
        url = source.get("url") or ""
        if not url.startswith(("https://", f"{self._platform.base_url}/blobs/")):
            raise refusals.invalid("https is required for source_blob:url")
        build = shapes.build(
            app.resource, source, wanted.get("buildpacks") or [], account, self._platform.base_url
        )
        app.builds.append(build)
        output = self.outputs[build["id"]] = Output()
        self._platform.logs[app.id].add("app", "api", f"Build started by user {account['email']}")
        threading.Thread(target=self._run, args=(app, build, account, output), daemon=True).start()
        return build

    def _run(self, app: App, build: Resource, account: Resource, output: Output) -> None:
        slug = shapes.new_id()
        source = build["source_blob"]
        try:
            if slow := self._platform.faults.take(("slow-build",)):
                time.sleep(slow.seconds)
            if self._platform.faults.take(("build-failure",)):
                raise BuildError(
                    " !     Error: Unable to install dependencies using pip.\n"
                    " !     This build was ordered to fail."
                )
            tarball = self._platform.blobs / source["url"].split("?")[0].rpartition("/")[2]
            processes = make_slug(tarball, source["checksum"], self._platform.code(slug), output)
            app.resource["slug_size"] = tarball.stat().st_size
        except BuildError as error:
            output.write(str(error))
            output.write(" !     Push failed")
            self._end(app, build, output, "failed")
            return
        output.write("-----> Launching...")
        with self._platform.lock:
            if app.id in self._platform.world.apps:
                self._deploy(app, build, account, slug, processes)
                output.write(f"       Released v{app.releases[-1]['version']}")
        self._end(app, build, output, "succeeded")

    def _deploy(
        self, app: App, build: Resource, account: Resource, slug: str, processes: dict[str, str]
    ) -> None:
        first = app.slug is None
        version = build["source_blob"]["version"] or slug[:8]
        release = self._platform.release(app, f"Deploy {version[:8]}", account, slug)
        build.update(slug={"id": slug}, release={"id": release["id"]})
        app.resource["buildpack_provided_description"] = "Python"
        kept = {kind: entry for kind, entry in app.formation.items() if kind in processes}
        app.formation = {
            kind: {**kept[kind], "command": command}
            if kind in kept
            else shapes.formation(app.resource, kind, command, int(first and kind == "web"), "Basic")
            for kind, command in processes.items()
        }
        self._platform.restart_all(app)
        for entry in app.formation.values():
            self._platform.scale_fleet(app, entry)
        if first and "web" in processes:
            self._platform.logs[app.id].add("app", "api", f"Scaled to web@1:Basic by user {account['email']}")

    def _end(self, app: App, build: Resource, output: Output, status: str) -> None:
        with self._platform.lock:
            build.update(status=status, updated_at=shapes.timestamp())
            app.outputs[build["id"]] = output.text
            if app.id in self._platform.world.apps:
                self._platform.logs[app.id].add("app", "api", f"Build {status}")
            self._platform.world.save()
        output.end()
