"""The step of a build that compiles Stillhunt's loops and puts them into the wheel, or beside the sources of an editable install.

Machine code depends on processor, system and Python, so a wheel that has it is tagged with them. Where it cannot be made (another kind of
processor, or WITHOUT_LOOPS=1), the wheel is for any, and its user's first commands compile.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = "src/stillhunt/compiled/shipped"


class CompileHook(BuildHookInterface[Any]):
    """Runs ``python -m stillhunt.compiled build`` and takes what it made."""

    def dependencies(self) -> list[str]:
        """What Stillhunt itself needs, because it is run to compile it."""
        return list(self.metadata.core.dependencies)

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, unless nothing has changed since the last time; a failure is told, and the wheel does without."""
        if self.target_name != "wheel" or os.environ.get("WITHOUT_LOOPS"):
            return
        root = Path(self.root)
        with tempfile.TemporaryDirectory(prefix="stillhunt-build-") as folder:
            # Formats and channels are found by entry point, and before the first installation nobody has written those down.
            self._declare(Path(folder))
            path = os.pathsep.join(filter(None, [str(root / "src"), folder, os.environ.get("PYTHONPATH")]))
            command = [sys.executable, "-m", "stillhunt.compiled", "build"]
            done = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, cwd=root, check=False)  # noqa: S603 - our own
        if done.returncode:
            self.app.display_warning("Stillhunt's loops were not compiled: the first commands of whoever installs this will be slow")
        elif version != "editable":
            build_data["artifacts"].append(f"/{FOLDER}/*")
            build_data["pure_python"] = False
            build_data["infer_tag"] = True

    def _declare(self, folder: Path) -> None:
        """Write the metadata that an installation has, as far as Stillhunt reads it itself."""
        core = self.metadata.core
        place = folder / f"{core.name}-{self.metadata.version}.dist-info"
        place.mkdir()
        (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {core.name}\nVersion: {self.metadata.version}\n", "utf-8")
        groups = {"console_scripts": core.scripts, **core.entry_points}
        lines = [f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items()) for group, entries in groups.items()]
        (place / "entry_points.txt").write_text("\n".join(lines), "utf-8")
