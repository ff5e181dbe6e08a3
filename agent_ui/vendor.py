"""Refresh and verify the vendored libraries: ``python agent_ui/vendor.py [refresh]``.

``static/vendor/VERSIONS`` is the list. Refreshing needs the npm client; verifying and running need no Node.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

VENDOR = Path(__file__).parent / "static" / "vendor"
VERSIONS = VENDOR / "VERSIONS"
HEADING = "# file package version path-in-package licence sha256"
# The signals files are one line long: the comment goes, its line stays.
SOURCE_MAP = re.compile(rb"//# sourceMappingURL=[^\s]*")


@dataclass(frozen=True)
class Library:
    """One vendored file and where it came from."""

    file: str
    package: str
    version: str
    inside: str
    licence: str
    sha256: str


def main(arguments: list[str]) -> int:
    libraries = listed()
    if arguments == ["refresh"]:
        libraries = [refreshed(library) for library in libraries]
        VERSIONS.write_text(table(libraries))
    wrong = differing(libraries)
    for file in wrong:
        print(f"{file} differs from VERSIONS")
    return 1 if wrong else 0


def listed() -> list[Library]:
    lines = VERSIONS.read_text().splitlines()
    return [Library(*line.split()) for line in lines if line and not line.startswith("#")]


def differing(libraries: list[Library]) -> list[str]:
    """The files whose content is not the one that was vendored."""
    return [library.file for library in libraries if digest((VENDOR / library.file).read_bytes()) != library.sha256]


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def refreshed(library: Library) -> Library:
    with tempfile.TemporaryDirectory() as folder:
        archive = packed(library, Path(folder))
        content = SOURCE_MAP.sub(b"", member(archive, library.inside))
        licence = member(archive, "LICENSE")
    (VENDOR / library.file).write_bytes(content)
    (VENDOR / "licences" / f"{library.package.replace('/', '-').lstrip('@')}.txt").write_bytes(licence)
    return replace(library, sha256=digest(content))


def packed(library: Library, folder: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("Refreshing needs npm. Verifying does not: run this without 'refresh'.")
    wanted = f"{library.package}@{library.version}"
    command = [npm, "pack", "--silent", wanted]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - words of our own list
    return next(folder.glob("*.tgz"))


def member(archive: Path, path: str) -> bytes:
    with tarfile.open(archive) as packed_files:
        stream = packed_files.extractfile(f"package/{path}")
        if stream is None:
            raise SystemExit(f"{archive.name} holds no file {path}")
        return stream.read()


def table(libraries: list[Library]) -> str:
    rows = [" ".join((lib.file, lib.package, lib.version, lib.inside, lib.licence, lib.sha256)) for lib in libraries]
    return "\n".join([HEADING, *rows]) + "\n"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
