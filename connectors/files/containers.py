"""Where the file of likes lies: alone, in a folder or in a zip, which is never unpacked to disk."""

from __future__ import annotations

import lzma
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from connectors.files.decoding import decode_text
from connectors.files.histories import REFUSAL
from connectors.files.json_files import read_json
from connectors.files.lists import choose_liked, name_left_out, read_sections
from connectors.files.outcome import ASK_FOR_ACCOUNT_DATA, MAX_BYTES, FileRejected, LikesFile
from connectors.files.tables import read_table
from connectors.text import count_nouns

# All that zipfile and its decompressors raise for damaged archives (CPython 3.11, Lib/zipfile.py).
ZIP_ERRORS = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError),
    *(ValueError, IndexError, KeyError, NotImplementedError, RuntimeError),
)
ZIP_SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
LIBRARY_NAME = re.compile(r"yourlibrary\d*\.json", re.I)
HISTORY_NAME = re.compile(r"(streaming_?history|endsong).*\.json", re.I)
TEXTS = (".json", ".jsonl", ".ndjson", ".csv", ".tsv")
#: Texts of other programs by how they begin.
_LIBRARY = (
    "is a {} library, not an export of likes; make a CSV or JSON file of the songs you like, with "
    "their titles and artists"
)
OTHER_TEXTS = {
    "#extm3u": "is an M3U playlist, not an export of likes",
    "[playlist]\n": "is a PLS playlist, not an export of likes",
    "[playlist]\r": "is a PLS playlist, not an export of likes",
    "http://xspf.org/ns": "is an XSPF playlist, not an export of likes",
    "<!doctype plist": _LIBRARY.format("Music or iTunes"),
    "<dj_playlists": _LIBRARY.format("rekordbox"),
    "<nml ": _LIBRARY.format("Traktor"),
}
MOST_ENTRIES = 5_000
FOLDER_DEPTH = 3
MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """One file inside a folder or zip: its path there and how to read it."""

    name: str
    read: Callable[[], bytes]

    @property
    def base(self) -> str:
        return self.name.rsplit("/", 1)[-1]


def read_path(path: Path) -> LikesFile:
    """The likes of a file, folder or zip. Raises ``FileRejected`` without the path itself."""
    if "\0" in str(path):
        raise FileRejected("is no path: it holds a NUL byte")
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return _read_folder(path)
        if not stat.S_ISREG(mode):
            raise FileRejected("is neither a file nor a folder")
        with path.open("rb") as file:
            head = file.read(4)
            is_zip = head in ZIP_SIGNATURES
            data = b"" if is_zip else head + file.read(MAX_BYTES + 1 - len(head))
    except FileNotFoundError as error:
        raise FileRejected("there is no such file") from error
    except PermissionError as error:
        raise FileRejected("may not be read; give yourself the permission") from error
    except OSError as error:
        raise FileRejected(f"cannot be read: {error.strerror or error}") from error
    if is_zip:
        return _read_zip(path)
    if len(data) > MAX_BYTES:
        raise FileRejected(f"is larger than {MAX_BYTES // MEGABYTE} MB; no list of likes is")
    return read_bytes(data)


def read_bytes(data: bytes) -> LikesFile:
    """The likes of one file, its kind told from its content."""
    text, lost = decode_text(data)
    return _read_text(text).with_note(lost)


def _read_text(text: str) -> LikesFile:
    start = text.lstrip()[:1]
    head = text.lstrip()[:2_000].casefold()
    for sign, problem in OTHER_TEXTS.items():
        if head.startswith(sign) or (start == "<" and sign in head):
            raise FileRejected(problem)
    if start == "<":
        raise FileRejected("is a web page or XML, not an export of likes")
    if start in "[{":
        return read_json(text.strip())
    if text.startswith("#AUDIOSCROBBLER"):
        raise FileRejected(REFUSAL)
    sections = read_sections(text)
    if sections is None:
        return read_table(text)
    name, table, others = sections
    likes = read_table(table)
    left_out = name_left_out(others, name) if others else ""
    return likes.with_note(left_out)


def _read_folder(path: Path) -> LikesFile:
    found = [entry for entry in _list_folder(path) if LIBRARY_NAME.fullmatch(entry.base)]
    if not found:
        raise FileRejected(f"is a folder without YourLibrary.json; {ASK_FOR_ACCOUNT_DATA}")
    return _read_only(found)


def _list_folder(path: Path) -> Iterator[Entry]:
    seen = 0
    for folder, folders, files in os.walk(path):
        inside = Path(folder).relative_to(path)
        if len(inside.parts) >= FOLDER_DEPTH:
            folders.clear()
        folders.sort()
        for name in sorted(files):
            seen += 1
            if seen > MOST_ENTRIES:
                return
            if (Path(folder) / name).is_file():
                yield Entry((inside / name).as_posix(), _make_reader(Path(folder) / name))


def _make_reader(path: Path) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise FileRejected(f"cannot be read: {error.strerror or error}") from error
        if len(data) > MAX_BYTES:
            raise FileRejected(f"is larger than {MAX_BYTES // MEGABYTE} MB; no list of likes is")
        return data

    return read


def _read_zip(path: Path) -> LikesFile:
    try:
        with zipfile.ZipFile(path) as archive:
            return _read_archive(archive)
    except FileRejected:
        raise
    except ZIP_ERRORS as error:
        raise FileRejected(f"is a damaged zip ({error}); download it again") from error


def _read_archive(archive: zipfile.ZipFile) -> LikesFile:
    infos = [info for info in archive.infolist() if _is_wanted(info.filename)]
    names = {info.filename for info in infos}
    if "[Content_Types].xml" in names or "mimetype" in names:
        raise FileRejected("is a spreadsheet or document; open it and save it as CSV UTF-8")
    libraries = [info for info in infos if LIBRARY_NAME.fullmatch(_base(info))]
    chosen = libraries or [info for info in infos if _base(info).lower().endswith(TEXTS)]
    if not chosen:
        raise FileRejected(f"is a zip without YourLibrary.json; {ASK_FOR_ACCOUNT_DATA}")
    has_history = False
    if not libraries:
        rest = [info for info in chosen if not HISTORY_NAME.fullmatch(_base(info))]
        liked = [info for info in rest if choose_liked([_base(info).rpartition(".")[0]])]
        has_history = len(rest) < len(chosen)
        chosen = liked if len(liked) == 1 else rest
    _check_sizes(chosen)
    entries = _open_entries(archive, chosen)
    if libraries:
        return _read_only(entries)
    name, likes = _read_one_of(entries, has_history)
    others = sum(_base(info).lower().endswith(TEXTS) for info in infos) - 1
    if not others:
        return likes
    left = count_nouns(others, "other file was not", "other files were not")
    return likes.with_note(f"only {name} was read; {left}")


def _open_entries(archive: zipfile.ZipFile, infos: Sequence[zipfile.ZipInfo]) -> list[Entry]:
    return [Entry(info.filename, _make_unzipper(archive, info)) for info in infos]


def _base(info: zipfile.ZipInfo) -> str:
    return info.filename.rsplit("/", 1)[-1]


def _is_wanted(name: str) -> bool:
    """Not a folder, and not what macOS adds to a zip."""
    return not (name.endswith("/") or "__MACOSX/" in name or name.rsplit("/", 1)[-1][:2] == "._")


def _check_sizes(infos: Sequence[zipfile.ZipInfo]) -> None:
    for info in infos:
        if info.flag_bits & 1:
            raise FileRejected(f"{info.filename}: is encrypted; unpack it with its password first")
    if len(infos) > MOST_ENTRIES or sum(info.file_size for info in infos) > MAX_BYTES:
        raise FileRejected(
            f"unpacks to more than {MAX_BYTES // MEGABYTE} MB; no list of likes is so large"
        )


def _make_unzipper(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], bytes]:
    def read() -> bytes:
        with archive.open(info) as file:
            data = file.read(MAX_BYTES + 1)
            if len(data) > MAX_BYTES:
                raise FileRejected(f"unpacks to more than {MAX_BYTES // MEGABYTE} MB")
            return data

    return read


def _read_only(entries: Sequence[Entry]) -> LikesFile:
    """The one entry; a library in several parts of one folder is put together."""
    if len({entry.name.rpartition("/")[0] for entry in entries}) > 1:
        names = ", ".join(entry.name for entry in entries[:3])
        raise FileRejected(f"holds more than one library ({names}); give one of them")
    parts = [_read_entry(entry) for entry in entries]
    items = tuple(item for part in parts for item in part.items)
    return LikesFile(parts[0].kind, items, parts[0].note)


def _read_one_of(entries: Sequence[Entry], has_history: bool) -> tuple[str, LikesFile]:
    """The name and the likes of the one entry that is a list of likes."""
    good: list[tuple[str, LikesFile]] = []
    problems: list[str] = []
    for entry in entries:
        try:
            good.append((entry.name, _read_entry(entry)))
        except FileRejected as error:
            problems.append(str(error))
    if len(good) > 1:
        names = ", ".join(name for name, _ in good[:3])
        raise FileRejected(f"holds {len(good)} lists of tracks ({names}); unpack it and give one")
    if not good and has_history:
        raise FileRejected(
            f"holds a history of plays and no likes; {ASK_FOR_ACCOUNT_DATA}, not "
            '"Extended streaming history"'
        )
    if len(entries) == 1 and problems:
        raise FileRejected(problems[0])
    if not good:
        problem = next((text for text in problems if REFUSAL in text), problems[0])
        hint = "" if REFUSAL in problem else f"; {ASK_FOR_ACCOUNT_DATA}"
        raise FileRejected(f"holds no list of likes ({problem}){hint}")
    return good[0]


def _read_entry(entry: Entry) -> LikesFile:
    try:
        return read_bytes(entry.read())
    except FileRejected as error:
        raise FileRejected(f"{entry.name}: {error}") from error
