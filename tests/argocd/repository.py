"""A git repository for Argo CD to look at: bare, in a folder, written to by commits alone."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import yaml

from harness.kube import Body

__all__ = ["Repository"]

_AUTHOR = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "test"), ("EMAIL", "test@example.com"))
}


class Repository:
    """A bare repository with the branch ``main``.

    Attributes
    ----------
    url
        For an Application's ``repoURL``.
    """

    def __init__(self, folder: Path) -> None:
        self._git_dir = folder / "repository.git"
        self._work_tree = folder / "work-tree"
        self._work_tree.mkdir(parents=True)
        self.url = f"file://{self._git_dir}"
        # Nothing of the user's: no hook, no signing, no template.
        self._env = {"PATH": os.environ.get("PATH", os.defpath), "GIT_CONFIG_GLOBAL": "/dev/null"}
        self._env |= {"GIT_CONFIG_NOSYSTEM": "1", **_AUTHOR}
        self._git("init", "--quiet", "--bare", "--initial-branch=main", str(self._git_dir))
        self._env |= {"GIT_DIR": str(self._git_dir), "GIT_WORK_TREE": str(self._work_tree)}

    def write(self, path: str, *manifests: Body) -> str:
        """Commit a file of manifests and return the revision; without any, the file is empty."""
        return self.commit({path: yaml.safe_dump_all(map(dict, manifests), sort_keys=False)})

    def remove(self, *paths: str) -> str:
        """Commit that there are no such files any more."""
        return self.commit(dict.fromkeys(paths))

    def commit(self, files: Mapping[str, str | None]) -> str:
        """Commit files by their content, None for those to remove, and return the revision."""
        for path, content in files.items():
            file = self._work_tree / path
            if content is None:
                file.unlink()
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, encoding="utf-8")
        return self._commit()

    def copy(self, source: Path, path: str) -> str:
        """Commit a copy of a folder."""
        files = {
            str(Path(path) / file.relative_to(source)): file.read_text(encoding="utf-8")
            for file in sorted(source.rglob("*"))
            if file.is_file()
        }
        return self.commit(files)

    def _commit(self) -> str:
        self._git("add", "--all")
        self._git("commit", "--quiet", "--allow-empty", "--message", "test")
        return self._git("rev-parse", "HEAD")

    def _git(self, *arguments: str) -> str:
        outcome = subprocess.run(
            ["git", *arguments],
            cwd=self._work_tree,
            env=self._env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert outcome.returncode == 0, f"git {' '.join(arguments)}: {outcome.stdout}{outcome.stderr}"
        return outcome.stdout.strip()
