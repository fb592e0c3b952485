"""Weights: found, fetched with resume, checked, read without running code, and loaded without a key left over."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import pickle
import re
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import httpx

from engine.encoders.registry import CHECKPOINTS, ModelCard
from engine.errors import Cancelled, EncoderNotReady, WeightsCorrupt, WeightsMissing
from engine.progress import Cancel, Progress, silent, stop_if
from engine.settings import Settings
from engine.settings import settings as process_settings

if TYPE_CHECKING:
    from torch import Tensor, nn

CHUNK: Final = 1 << 20
ATTEMPTS: Final = 3
TIMEOUT: Final = httpx.Timeout(30, connect=10)
LARGEST_BYTES: Final = 20_000_000_000
_HEX64 = re.compile(r"[0-9a-f]{64}\Z")
# Where training scripts put the weights, in the order in which they are looked for.
_WRAPPERS: Final = ("state_dict", "model_state_dict", "model")
# Data-parallel and compiled models prefix every key.
_PREFIXES: Final = ("module.", "_orig_mod.")
# Numbers that OpenAI's exports keep beside the weights; the architecture says them already.
_BESIDE: Final = ("input_resolution", "context_length", "vocab_size")


def obtain(card: ModelCard, settings: Settings | None = None, *, progress: Progress = silent, cancel: Cancel | None = None) -> Path:
    """The weights' file of a model, fetched if it is not here yet.

    Args:
        card: The model.
        settings: Deployment settings; the process's by default.
        progress: Told the bytes.
        cancel: Stops the download; what has arrived stays for the next time.

    Raises:
        WeightsMissing: If the file is neither here nor to be fetched; the message names the file and the folder.
        WeightsCorrupt: If what arrived is not what the card says.
        EncoderNotReady: If another process is fetching it.
        Cancelled: If the person stopped it.
    """
    settings = settings or process_settings()
    found = card.found(settings)
    if found is not None:
        return found
    if card.source.embedded or card.source.added:
        raise WeightsMissing(card.title, "the file is gone.", card.source.bring, card.folder(settings))
    return fetch(card, settings, progress=progress, cancel=cancel)


def fetch(card: ModelCard, settings: Settings, *, progress: Progress = silent, cancel: Cancel | None = None) -> Path:
    """Fetch the weights' file; an interrupted download goes on where it stopped, an archive that was brought is unpacked.

    Raises:
        WeightsMissing: If the hub can't be reached or does not have it, or the disk is full.
        WeightsCorrupt: If the checksum or the size is another; the download is thrown away.
        EncoderNotReady: If another process is fetching it.
        Cancelled: If the person stopped it.
    """
    folder = card.folder(settings)
    part = folder / f"{_download_name(card)}.part"

    def missing(why: str) -> WeightsMissing:
        return WeightsMissing(card.title, why, card.source.bring, folder)

    try:
        folder.mkdir(parents=True, exist_ok=True)
        brought = folder / _download_name(card)
        if card.source.url and brought.is_file():
            return _settle(card, brought, card.path(settings), "")
        with _held(part, card) as file:
            announced = _download(card, settings.hub, file, progress, cancel)
            file.flush()
            os.fsync(file.fileno())
            return _settle(card, part, card.path(settings), announced)
    except _Refused as error:
        raise missing(str(error)) from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        kept = part.stat().st_size if part.is_file() else 0
        tail = f" {kept / 1e6:,.1f} MB have arrived and are kept: the next try goes on from there." if kept else ""
        raise missing(f"{_host(card, settings)} can't be reached ({type(error).__name__}).{tail}") from None
    except Cancelled:
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise missing("the disk is full.") from None
        raise missing(f"the folder can't be written ({error.strerror}).") from None


def _host(card: ModelCard, settings: Settings) -> str:
    return card.source.address(settings.hub).split("://")[-1].split("/")[0]


class _Refused(Exception):
    """The hub answered, but not with the file."""


def _download_name(card: ModelCard) -> str:
    return card.source.url.rsplit("/", 1)[-1] if card.source.url else card.source.name


@contextlib.contextmanager
def _held(part: Path, card: ModelCard) -> Iterator[BinaryIO]:
    """The partial file, open and locked: two processes must not write the same download."""
    with part.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EncoderNotReady(card.title, "another process is downloading its weights") from None
        yield file


def _download(card: ModelCard, hub: str, file: BinaryIO, progress: Progress, cancel: Cancel | None) -> str:
    """Write the rest of the file; returns the SHA-256 that the server announces, or nothing."""
    url, stage = card.source.address(hub), f"Downloading {card.title}"
    with httpx.Client(timeout=TIMEOUT, follow_redirects=True) as client:
        for attempt in range(ATTEMPTS):
            before = file.tell()
            try:
                return _download_once(client, url, file, stage, progress, cancel)
            except httpx.TransportError:
                # A cut line is worth another try only while bytes keep coming.
                if attempt == ATTEMPTS - 1 or file.tell() == before:
                    raise
    raise AssertionError("unreachable")


def _download_once(client: httpx.Client, url: str, file: BinaryIO, stage: str, progress: Progress, cancel: Cancel | None) -> str:
    have = file.seek(0, os.SEEK_END)
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with client.stream("GET", url, headers=headers) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            # Either everything had arrived before, or the file behind the address became shorter.
            if response.headers.get("content-range", "").rpartition("/")[2] == str(have):
                return _announced(response)
            _restart(file)
            return _download_once(client, url, file, stage, progress, cancel)
        wrong_part = response.status_code == httpx.codes.PARTIAL_CONTENT and not _begins_at(response, have)
        if wrong_part:
            _restart(file)
            raise httpx.RemoteProtocolError("another part was sent than was asked for")
        if response.status_code == httpx.codes.OK:
            have = _restart(file)
        elif response.status_code != httpx.codes.PARTIAL_CONTENT:
            raise _Refused(f"{response.url.host} answered {response.status_code} for {response.url.path}.")
        length = int(response.headers.get("content-length") or 0)
        total = have + length if length else 0
        for chunk in response.iter_raw(CHUNK):
            stop_if(cancel, stage, "What has arrived is kept.")
            file.write(chunk)
            have += len(chunk)
            progress(stage, have, total)
        if have < total:
            raise httpx.RemoteProtocolError("the connection was cut")
        return _announced(response)


def _begins_at(response: httpx.Response, position: int) -> bool:
    return bool(response.headers.get("content-range", "").startswith(f"bytes {position}-"))


def _restart(file: BinaryIO) -> int:
    file.seek(0)
    file.truncate()
    return 0


def _announced(response: httpx.Response) -> str:
    """The SHA-256 of a large file as the hub tells it in the ETag before it redirects to its store."""
    for answer in (*response.history, response):
        for header in ("x-linked-etag", "etag"):
            tag = answer.headers.get(header, "").removeprefix("W/").strip('"')
            if _HEX64.match(tag):
                return str(tag)
    return ""


def _settle(card: ModelCard, arrived: Path, target: Path, announced: str) -> Path:
    """Check what arrived and give it its name, at once or not at all."""
    if card.source.url:
        if announced and sha256(arrived) != announced:
            _drop(arrived)
            raise WeightsCorrupt(card.title, "the download's checksum is wrong. It was thrown away: try again.")
        unpacked = _unpack(card, arrived)
        _check(card, unpacked, "")
        os.replace(unpacked, target)
        _drop(arrived)
    else:
        _check(card, arrived, announced)
        os.replace(arrived, target)
    file_hash(target)
    return target


def _drop(arrived: Path) -> None:
    """Remove a download; a file that a person brought is theirs."""
    if arrived.suffix == ".part":
        arrived.unlink(missing_ok=True)


def _check(card: ModelCard, arrived: Path, announced: str) -> None:
    wanted = card.sha256 or announced
    size = arrived.stat().st_size
    if wanted:
        why = "" if (got := sha256(arrived)) == wanted else f"its SHA-256 begins with {got[:12]}, not {wanted[:12]}."
    elif card.size_mb and abs(size / 1e6 - card.size_mb) > 0.02 * card.size_mb:
        why = f"it has {size / 1e6:,.1f} MB, not about {card.size_mb:,.1f} MB."
    else:
        why = ""
    if why:
        arrived.unlink(missing_ok=True)
        raise WeightsCorrupt(card.title, f"{why} The download was thrown away: try again, or bring the file {card.source.bring}.")


def _unpack(card: ModelCard, archive: Path) -> Path:
    """The only checkpoint of a zip, unpacked beside it."""
    unpacked = archive.with_name(f"{card.source.name}.unpacked")
    try:
        with zipfile.ZipFile(archive) as bundle:
            members = [m for m in bundle.infolist() if Path(m.filename).suffix in CHECKPOINTS and "__MACOSX" not in m.filename]
            if len(members) != 1 or members[0].file_size > LARGEST_BYTES:
                raise WeightsCorrupt(archive.name, f"the archive holds {len(members)} checkpoints, not one of a sane size.")
            with bundle.open(members[0]) as packed, unpacked.open("wb") as plain:
                shutil.copyfileobj(packed, plain, CHUNK)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        unpacked.unlink(missing_ok=True)
        _drop(archive)
        raise WeightsCorrupt(archive.name, f"it is no whole zip archive ({error}). Fetch it again.") from None
    return unpacked


def sha256(path: Path) -> str:
    """SHA-256 of a file, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256.json")


def known_hash(path: Path) -> str | None:
    """SHA-256 that was recorded beside a file, if the file has not changed since."""
    try:
        note = json.loads(_note(path).read_text(encoding="utf-8"))
        stat = path.stat()
        same = (note["size"], note["mtime_ns"]) == (stat.st_size, stat.st_mtime_ns)
        return str(note["sha256"]) if same and _HEX64.match(str(note["sha256"])) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def file_hash(path: Path, *, remember: bool = True) -> str:
    """SHA-256 of a weights' file, recorded beside it, because hashing gigabytes takes seconds."""
    known = known_hash(path) if remember else None
    if known:
        return known
    stat, found = path.stat(), sha256(path)
    if remember:
        note = {"sha256": found, "size": stat.st_size, "mtime_ns": stat.st_mtime_ns}
        with contextlib.suppress(OSError):  # a read-only folder only costs the time again
            _note(path).write_text(json.dumps(note), encoding="utf-8")
    return found


def read_state(path: Path) -> dict[str, Tensor]:
    """The bare state dict of a checkpoint: safetensors, or a torch file with or without wrapping.

    Nothing in the file is executed: torch reads it with ``weights_only``, and compressed archives, which could unfold to
    any size, are refused.

    Args:
        path: A ``.safetensors``, ``.pt``, ``.pth`` or ``.bin`` file; the content decides, not the name.

    Returns:
        Tensors on the CPU by key, prefixes of data-parallel training removed.

    Raises:
        WeightsCorrupt: If the file is truncated, no checkpoint, or holds more than weights.
    """
    if not path.is_file():
        raise WeightsCorrupt(path.name, "there is no such file.")
    try:
        content = _read_safetensors(path) if _is_safetensors(path) else _read_torch(path)
    except WeightsCorrupt:
        raise
    except Exception as error:  # damaged files raise whatever the parser trips over
        raise WeightsCorrupt(path.name, _why_unreadable(error)) from None
    return _bare(content, path.name)


def _is_safetensors(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(9)
    return len(head) == 9 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= 100_000_000


def _read_safetensors(path: Path) -> Any:  # noqa: ANN401 - what is inside is checked by _bare
    from safetensors.torch import load_file

    return load_file(path)


def _read_torch(path: Path) -> Any:  # noqa: ANN401 - what is inside is checked by _bare
    import torch

    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as bundle:
            if any("/code/" in member.filename for member in bundle.infolist()):
                raise WeightsCorrupt(path.name, "it is a TorchScript program, which would be run. Save its state_dict() and use that.")
            if any(member.compress_type != zipfile.ZIP_STORED for member in bundle.infolist()):
                raise WeightsCorrupt(path.name, "it is a compressed archive. Unpack it and use the checkpoint inside.")
    return torch.load(path, map_location="cpu", weights_only=True)


def _why_unreadable(error: Exception) -> str:
    words = str(error)
    if isinstance(error, pickle.UnpicklingError) and ("GLOBAL" in words or "global" in words):
        return "it holds Python objects beside the weights, which could run code. Save the state_dict() alone, best as safetensors."
    return f"it is no checkpoint, or it is cut off or damaged ({type(error).__name__}). Copy it again."


def _bare(content: Any, name: str) -> dict[str, Tensor]:  # noqa: ANN401 - whatever a file may hold
    import torch

    for _ in range(3):
        inner = next((content[key] for key in _WRAPPERS if isinstance(content.get(key), Mapping)), None) if _is_dict(content) else None
        if inner is None:
            break
        content = inner
    if not _is_dict(content) or not content:
        raise WeightsCorrupt(name, "it holds no state dict.")
    state = {key: value for key, value in content.items() if key not in _BESIDE}
    if not all(isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in state.items()):
        raise WeightsCorrupt(name, "it holds more than a state dict, and none under state_dict or model. Save the state_dict() alone.")
    for prefix in _PREFIXES:
        if state and all(key.startswith(prefix) for key in state):
            state = {key.removeprefix(prefix): value for key, value in state.items()}
    if not all(bool(torch.isfinite(value).all()) for value in state.values() if value.is_floating_point()):
        raise WeightsCorrupt(name, "some of its weights are not finite numbers. Copy it again, or export it in another precision.")
    return state


def _is_dict(content: Any) -> bool:  # noqa: ANN401 - whatever a file may hold
    return isinstance(content, Mapping)


def load_strictly(model: nn.Module, state: Mapping[str, Tensor], name: str, architecture: str) -> None:
    """Put weights into a model: no key missing, none left over, every shape the same; values are cast to the model's dtype.

    Raises:
        WeightsCorrupt: With the first few keys that do not fit.
    """
    own = model.state_dict()
    missing = [key for key in own if key not in state]
    unexpected = [key for key in state if key not in own]
    # Some exports keep the temperature as one number, others as a vector of one.
    other = [key for key in own if key in state and own[key].shape != state[key].shape and (own[key].numel(), state[key].numel()) != (1, 1)]
    if missing or unexpected or other:
        counts = ((missing, "missing"), (unexpected, "unexpected"), (other, "of another shape"))
        told = "; ".join(f"{len(keys)} {what} ({', '.join(keys[:3])}{', …' if len(keys) > 3 else ''})" for keys, what in counts if keys)
        raise WeightsCorrupt(
            name, f"they do not fit the architecture {architecture}: keys {told}. Name the architecture that they were trained with."
        )
    model.load_state_dict({key: state[key].reshape(own[key].shape) for key in own}, strict=True)
