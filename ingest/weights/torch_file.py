"""This file knows PyTorch's zip files of weights: torch's own loader reads them, allowed to make tensors and nothing else, and only
after the zip was looked at. Nothing else ever opens a pickle; the older form, a pickle without a zip, is refused.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from graph.errors import BadInput
from ingest.weights.checkpoint import MOST_TENSORS, Checkpoint, DamagedCheckpoint, Tensor, Values, checked_shape
from ingest.weights.formats import WIDTH, decoded

KINDS = (".bin", ".pt", ".pth")
INDEX = "pytorch_model.bin.index.json"
SINGLE = "pytorch_model.bin"
LARGEST_PICKLE = 64 * 2**20  # bytes of what names the tensors
LARGEST_DIRECTORY = 64 * 2**20  # bytes of the zip's list of entries
_LEAST_ENTRY = 30  # bytes of a zip entry's own header
_PARTS = 200  # entries that hold no tensor
_SHARED = 2  # how often over the bytes of a file may be used: tied weights are used twice
_WITHIN = ("state_dict", "model_state_dict", "model", "module")  # where training scripts put the weights
_DTYPES = {
    "float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2", "int64": "I64", "int32": "I32", "int16": "I16", "int8": "I8", "uint8": "U8", "bool": "BOOL",
}  # fmt: skip


def read_torch(paths: list[Path], config: Mapping[str, Any] | None = None) -> Checkpoint:
    """The checkpoint of one file or of several shards. Raises DamagedCheckpoint, BadInput."""
    tensors: dict[str, Tensor] = {}
    made: dict[str, Callable[[], Values]] = {}
    for path in paths:
        check_zip(path)
        used = 0
        for name, held in _loaded(path).items():
            if name in tensors or len(tensors) >= MOST_TENSORS:
                raise DamagedCheckpoint(path, f"tensor {name[:80]!r} is in two shards, or there are too many")
            tensors[name] = _tensor(path, name, held)
            made[name] = partial(_values, held)
            used += tensors[name].size_bytes
        if used > _SHARED * path.stat().st_size:
            raise DamagedCheckpoint(path, f"its tensors claim {used} bytes, many times those of the file")
    return Checkpoint("torch", dict(sorted(tensors.items())), decoded, {}, config or {}, made)


def check_zip(path: Path) -> None:
    """Raise what keeps a file from being loaded: DamagedCheckpoint, or BadInput for a form that is not read.

    Entries lie uncompressed, one after the other, and none is a program: so what is loaded is no larger than the file.
    """
    size = path.stat().st_size
    if not zipfile.is_zipfile(path):
        raise BadInput(f"{path} is not a zip as torch.save writes it; pickles are not read: save it as safetensors")
    try:
        with zipfile.ZipFile(path) as file:
            if size - file.start_dir > LARGEST_DIRECTORY:
                raise DamagedCheckpoint(path, f"its list of entries takes {size - file.start_dir} bytes")
            entries = sorted(file.infolist(), key=lambda entry: entry.header_offset)
            start = file.start_dir
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise DamagedCheckpoint(path, f"it is no whole zip ({error})") from error
    if len(entries) > MOST_TENSORS + _PARTS or len({entry.filename for entry in entries}) != len(entries):
        raise DamagedCheckpoint(path, f"it has {len(entries)} entries, or one twice")
    end = 0
    for entry in entries:
        if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size or entry.flag_bits & 1:
            raise DamagedCheckpoint(path, f"its entry {entry.filename[:80]!r} is compressed, as torch.save never does")
        if entry.header_offset < end:
            raise DamagedCheckpoint(path, f"its entry {entry.filename[:80]!r} overlaps another")
        end = entry.header_offset + _LEAST_ENTRY + entry.file_size
    if end > start:
        raise DamagedCheckpoint(path, "its entries reach into its list of entries")
    names = [entry.filename.rpartition("/")[2] for entry in entries]
    pickles = [entry for entry in entries if entry.filename.rpartition("/")[2] == "data.pkl"]
    if len(pickles) != 1 or pickles[0].file_size > LARGEST_PICKLE:
        raise DamagedCheckpoint(path, f"it has {len(pickles)} lists of tensors, or a very long one")
    if "constants.pkl" in names:
        raise BadInput(f"{path} is a TorchScript program, which is not read: save its weights as safetensors")


def _loaded(path: Path) -> dict[str, Any]:
    """The tensors of a file by name, mapped. torch makes nothing but tensors and plain containers of them."""
    try:
        import torch
    except ImportError as error:
        raise BadInput(
            f"{path}: reading PyTorch files needs the extra: pip install 'modelstemma[torch]', or give safetensors"
        ) from error
    try:
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:
        said = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise DamagedCheckpoint(path, f"torch does not load it as weights and nothing else ({said})") from error
    for inner in (found, *(found.get(name) for name in _WITHIN if isinstance(found, dict))):
        if isinstance(inner, dict):
            held = {name: value for name, value in inner.items() if isinstance(name, str) and torch.is_tensor(value)}
            if held:
                return held
    raise BadInput(f"{path} holds no tensors by name: give a file of a model's weights")


def _tensor(path: Path, name: str, held: Any) -> Tensor:
    dtype = _DTYPES.get(str(held.dtype).removeprefix("torch."))
    if dtype is None or held.is_sparse or held.is_quantized or str(held.layout) != "torch.strided":
        raise BadInput(f"{path}: tensor {name[:80]!r} holds {held.dtype}, which is not read: save it as safetensors")
    shape = checked_shape(path, name, list(held.shape))
    tensor = Tensor(name, dtype, shape, path, 0, 0)
    size = tensor.count * WIDTH[dtype]
    if size > held.untyped_storage().nbytes():
        raise DamagedCheckpoint(path, f"tensor {name[:80]!r} claims {size} bytes, more than there are")
    return Tensor(name, dtype, shape, path, 0, size)


def _values(held: Any) -> Values:
    values: Values = held.detach().float().contiguous().numpy()
    return values
