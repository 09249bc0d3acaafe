"""What tells two versions of a file apart, for those who look again and again."""

from os import stat_result
from typing import NamedTuple


class FileVersion(NamedTuple):
    """When a file changed (ns), its size, and where it lies: a new one that was moved there."""

    changed_at: int
    size: int
    inode: int


def version_of(seen: stat_result) -> FileVersion:
    """Return the version of a file, by what its ``stat`` says."""
    return FileVersion(seen.st_mtime_ns, seen.st_size, seen.st_ino)
