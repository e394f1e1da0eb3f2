"""Zip archives from strangers: looked at before anything is unpacked, and never unpacked under their own names."""

import struct
import zipfile
from pathlib import Path

from app.errors import Invalid
from app.geo.tables import HARMLESS_BYTES, MAX_BYTES, RATIO, File

#: The list of an archive's files may be so long: in memory it takes ten times that.
MAX_DIRECTORY = 2**20
#: How folders are called that archives are unpacked into; files.room clears away what a killed process left.
UNPACKED = "civic-unpacked-"
_TAIL = 2**16 + 22
_GIGABYTE = 2**30


def members(file: File) -> list[str]:
    """The names of the files in an archive, without folders and what a system leaves beside them.

    Raises Invalid when it is damaged, or has a file that is encrypted, packed in an unusual way, or far too large.
    """
    _refuse_long_list(file)
    try:
        with zipfile.ZipFile(file.path) as archive:
            found = [info for info in archive.infolist() if not info.is_dir() and _meant(info.filename)]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error) as error:
        raise Invalid(f"{file.name} is a damaged or cut-off zip archive: {error}.") from error
    for info in found:
        if info.flag_bits & 0x1:
            raise Invalid(f"{file.name} is protected by a password. Save it without one.")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Invalid(
                f"{file.name} is packed in a way that is not read here. Pack it again as a plain zip archive."
            )
        _refuse_too_large(file, info)
    return [info.filename for info in found]


def unpack(file: File, target: Path, most: int) -> None:
    """Write the bytes of a file in an archive to `target`. Raises Invalid when they are more than `most`."""
    with file.opened() as stream, target.open("xb") as out:
        left = most
        while piece := stream.read(2**20):
            left -= len(piece)
            if left < 0:
                raise Invalid(f"{file.name} holds a file of more than {most // 2**10} kB that should be smaller.")
            out.write(piece)


def _meant(name: str) -> bool:
    last = name.replace("\\", "/").rpartition("/")[2]
    return not name.startswith("__MACOSX/") and not last.startswith(".") and last.lower() not in ("thumbs.db", "")


def _refuse_too_large(file: File, info: zipfile.ZipInfo) -> None:
    size = info.file_size
    if size > MAX_BYTES or size > max(HARMLESS_BYTES, RATIO * file.path.stat().st_size):
        shown = f"{size / _GIGABYTE:.1f} GB" if size >= _GIGABYTE else f"{size // 2**20} MB"
        raise Invalid(f"{file.name} would unpack to {shown}, far more than a table of its size can be.")


def _refuse_long_list(file: File) -> None:
    """By the size that the archive gives for its list of files, before that is read as a whole."""
    with file.path.open("rb") as stream:
        stream.seek(max(0, file.path.stat().st_size - _TAIL))
        tail = stream.read()
    sizes = [struct.unpack_from("<L", tail, at + 12)[0] for at in _all(tail, b"PK\x05\x06", 16)]
    sizes += [struct.unpack_from("<Q", tail, at + 40)[0] for at in _all(tail, b"PK\x06\x06", 48)]
    if any(size > MAX_DIRECTORY for size in sizes):
        raise Invalid(f"{file.name} holds too many files, or is no zip archive that can be read here.")


def _all(tail: bytes, mark: bytes, least: int) -> list[int]:
    found, at = [], tail.find(mark)
    while at >= 0:
        if at + least <= len(tail):
            found.append(at)
        at = tail.find(mark, at + 1)
    return found
