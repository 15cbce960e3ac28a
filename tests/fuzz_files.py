"""The kinds of files that `tests.fuzz` mutates: whole ones to start from, and who reads them."""

from __future__ import annotations

import gzip
import json
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from PIL import Image
from pyarrow import feather, parquet

from tests import ROOT
from ui.threshold.cost_matrix import from_link
from uqcore.datasets.images import center_digit, decode_strokes, read_image
from uqcore.exhibits.function_table import SETTINGS, FunctionTable
from uqcore.exhibits.one_image import decode_image, encode_image
from uqcore.keras_dropout.files import load_model
from uqcore.live import Setting
from uqcore.live.own_points import read_csv
from uqcore.methods import METHODS
from uqcore.methods.base import configure
from uqcore.models.sampling import load_posterior
from uqcore.predictions import NotOpened, Roles, first_cells, read_back, read_models, read_predictions, same_examples
from uqcore.selection import ThresholdPolicy
from uqcore.store import Store
from uqcore.store.manifest import from_json
from uqcore.trainings import Order
from uqcore.trainings.progress import from_line
from uqcore.tuning.cost_file import read_costs
from uqcore.types import StoredFile, UqError


class Kind(NamedTuple):
    """Whole files, who reads such, and its share of the cases."""

    seeds: Callable[[], list[bytes]]
    read: Callable[[bytes], object]
    weight: float = 1.0


def is_possible(kind: str) -> bool:
    """Whether what reads it is installed."""
    needs = {"keras": "keras", "xlsx": "openpyxl"}.get(kind)
    return needs is None or find_spec(needs) is not None


N = 12
NAMES = ("cat", "dog", "emu")


def _columns() -> dict[str, list[Any]]:
    rng = np.random.default_rng(0)
    probs = rng.dirichlet([0.5, 0.5, 0.5], N).astype(np.float32)
    labels = probs.argmax(axis=1)
    of_classes = {f"p_{name}": probs[:, k].tolist() for k, name in enumerate(NAMES)}
    more = {"id": [f"r{i}" for i in range(N)], "time": [f"2026-01-{i + 1:02}" for i in range(N)]}
    return more | of_classes | {"label": [NAMES[k] for k in labels], "group": ["a", "b"] * (N // 2)}


def _vectors() -> dict[str, list[Any]]:
    columns = _columns()
    rows = list(zip(*(columns[f"p_{name}"] for name in NAMES), strict=True))
    return {
        "probs": [list(row) for row in rows],
        "label": [NAMES.index(name) for name in columns["label"]],
        "ood": [i % 3 == 0 for i in range(N)],
    }


def _csv(sep: str = ",", columns: dict[str, list[Any]] | None = None) -> bytes:
    columns = columns or _columns()
    quoted = [
        [f'"{cell}"' if sep in str(cell) else str(cell) for cell in row] for row in zip(*columns.values(), strict=True)
    ]
    return "\r\n".join(sep.join(row) for row in [[*columns], *quoted]).encode()


def _records() -> list[dict[str, Any]]:
    columns = _columns()
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _arrow(write: Callable[[pa.Table, BytesIO], Any], columns: dict[str, list[Any]]) -> bytes:
    buffer = BytesIO()
    write(pa.table(columns), buffer)
    return buffer.getvalue()


def _npz(compressed: bool, **arrays: Any) -> bytes:
    buffer = BytesIO()
    (np.savez_compressed if compressed else np.savez)(buffer, **arrays)
    return buffer.getvalue()


def _npzs() -> list[bytes]:
    probs = np.array([_columns()[f"p_{name}"] for name in NAMES], np.float32).T
    images = np.zeros((N, 4, 4), np.uint8)
    logits = np.log(np.stack([probs + 0.01, probs + 0.1]))
    closed = {"mean_logits": logits[0], "variance": probs[:, 0], "mean_field_factor": np.array(0.4)}
    return [
        _npz(True, probs=probs, labels=probs.argmax(axis=1), class_names=np.array(NAMES), images=images),
        _npz(False, logits=logits, ood=np.arange(N) > 9, **closed),
        _npz(False, scores=probs.astype(np.float64), y=probs.argmax(axis=1), id=np.array(_columns()["id"])),
    ]


def _npys() -> list[bytes]:
    found = []
    for array in (np.array([_columns()["p_cat"]]).T, np.asfortranarray(np.random.default_rng(0).normal(size=(6, 3)))):
        buffer = BytesIO()
        np.save(buffer, array)
        found.append(buffer.getvalue())
    return found


def _excel() -> list[bytes]:
    import openpyxl

    book, buffer, columns = openpyxl.Workbook(), BytesIO(), _columns()
    for row in [list(columns), *zip(*columns.values(), strict=True)]:
        book.active.append(row)
    book.save(buffer)
    return [buffer.getvalue()]


def _keras() -> list[bytes]:
    from tests.keras_models import classifier, library

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.keras"
        classifier(library("keras")).save(path)
        return [path.read_bytes()]


def _read_keras(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.keras"
        path.write_bytes(data)
        load_model(path)


def _pictures() -> list[bytes]:
    rng, found = np.random.default_rng(0), []
    ink = np.full((40, 30, 3), 255, np.uint8)
    ink[8:30, 12:16] = rng.integers(0, 60, (22, 4, 3))
    for form, options in (("PNG", {}), ("JPEG", {}), ("PNG", {"bits": 1})):
        buffer = BytesIO()
        image = Image.fromarray(ink)
        (image.convert("P") if options else image).save(buffer, form)
        found.append(buffer.getvalue())
    buffer = BytesIO()
    Image.fromarray(np.dstack([ink, ink[..., :1]])).save(buffer, "PNG")
    return [*found, buffer.getvalue()]


def _read_predictions(data: bytes) -> None:
    limits: dict[str, Any] = {"max_bytes": 10**8, "max_growth": 10}
    cells = None
    with suppress(UqError):
        cells = first_cells(data, "mine", **limits)
    try:
        mine = read_predictions(data, "mine", **limits)
    except NotOpened:
        assert cells is None
        raise
    assert np.isfinite(mine.values).all()
    assert cells is not None
    read_back(mine)
    for measure_id in mine.measures[:2]:
        mine.measure(measure_id)


def _read_labels(data: bytes) -> None:
    probs = np.array([_columns()[f"p_{name}"] for name in NAMES], np.float32).T
    read_predictions(_npz(False, probs=probs, class_names=np.array(NAMES)), "mine", labels=data, max_bytes=10**8)


def _labels() -> list[bytes]:
    buffer = BytesIO()
    np.save(buffer, np.arange(N) % 3)
    text = "label\n" + "\n".join(_columns()["label"])
    return [buffer.getvalue(), text.encode(), json.dumps([{"label": name} for name in _columns()["label"]]).encode()]


def _grouped() -> list[bytes]:
    """With many rows, so that something is certified; the second with weights too."""
    columns = {name: column * 10 for name, column in _columns().items()}
    return [_csv(columns=columns), _csv(columns=columns | {"weight": [i % 7 + 0.5 for i in range(10 * N)]})]


def _read_groups(data: bytes) -> None:
    """Read, and a risk certified for every group."""
    from uqcore.tuning import Goal, study, tune

    mine = read_predictions(data, "mine", max_bytes=10**8, max_growth=10)
    if mine.group is not None and mine.labels is not None:
        of = study(mine, "predictive_entropy", 0.5)
        tune(of, Goal("risk", 0.5, per_group=True)).policy.to_json()
        tune(of, Goal("risk", 0.5, weighted=mine.weight is not None))


def _read_several(data: bytes) -> None:
    """Beside a whole file, as those of another model."""
    from uqcore.tuning import Goal
    from uqcore.tuning.comparison import compare

    mine = read_models(data, "mine", max_bytes=10**8, max_growth=10)
    models = same_examples({"whole": read_predictions(_csv(), "whole"), **mine})
    compare(models, "predictive_entropy", Goal("coverage", 0.8))


def _several() -> list[bytes]:
    names = [name for name in _columns() if name.startswith("p_")]
    columns = {name: column[::-1] for name, column in _columns().items()}
    two = columns | {f"other_{name}": columns[name] for name in names}
    return [_csv(), _csv(columns=columns), _csv(";", two), _arrow(parquet.write_table, columns)]


def _costs() -> list[bytes]:
    text = "truth,dog,cat,emu\ncat,1,0,2.5\ndog,0,3,1e3\nemu,4,5,0\n"
    spreadsheet = text.replace(",", ";").replace(".", ",")
    return [text.encode(), spreadsheet.encode("utf-8-sig"), text.replace(",", "\t").encode("utf-16")]


def _policies() -> list[bytes]:
    from uqcore.tuning import Goal, study, tune

    predictions = read_predictions(_npzs()[0], "mine")
    made = [tune(study(predictions, "predictive_entropy", 0.5), Goal("coverage", 0.8))]
    return [one.policy.to_json().encode() for one in made]


def _read_links(data: bytes) -> None:
    """What a link carries: strokes, a picture, roles, a setting of a training."""
    text = data.decode("latin-1")
    what, _, rest = text.partition("=")
    if what == "roles":
        Roles.from_json(rest)
    elif what == "drawing":
        decode_strokes(rest)
    elif what == "picture":
        decode_image(rest)
    elif what == "costs":
        from_link(rest, 3)
    elif what == "settings":
        default = METHODS["sngp"].configs["moons"]
        config = configure(default, dict(pair.partition(":")[::2] for pair in rest.split(";")))
        assert Order("moons", "sngp", 0, config).arguments
    else:
        Setting.from_params(dict(pair.partition(":")[::2] for pair in rest.split(";")))


def _links() -> list[bytes]:
    roles = read_predictions(_csv(), "mine").roles
    assert roles is not None
    params = Setting().to_params() | {"kind": "moons", "seed": "3", "epochs": "20"}
    return [
        b"roles=" + roles.to_json().encode(),
        b"drawing=ABBjNVk5UD5JRUNNQFVAXkJnRm9Nd1V9X4FphHSFf4OKgAAIqDOnSqVipHmikKGooL-e1g",
        b"picture=" + encode_image(center_digit(read_image(_pictures()[0]))).encode(),
        b"costs=3_0,1,2_1,0,1e3_2,1,-0.5",
        b"settings=epochs:100;batch_size:128;learning_rate:0.001;schedule:cosine;weight_decay:0.01;spec_norm_bound:0.9",
        b"train=" + ";".join(f"{name}:{value}" for name, value in params.items()).encode(),
    ]


def _manifests() -> list[bytes]:
    whole = (ROOT / "cached_models/manifest.json").read_bytes()
    content = json.loads(whole)
    few = {**content, "format": 3, "models": content["models"][:2]}
    few.pop("sha256", None)
    return [json.dumps(few, indent=2).encode(), whole]


_COMMITTED = Store(ROOT / "cached_models")


def _weights() -> list[bytes]:
    record = _COMMITTED.find("sine", "deterministic")
    return [(_COMMITTED.root / file.path).read_bytes() for file in (*record.files, record.tables["functions"])]


def _read_weights(data: bytes) -> None:
    """As the files of a model whose checksums are right."""
    with tempfile.TemporaryDirectory() as folder:
        store, record = Store(Path(folder)), _COMMITTED.find("sine", "deterministic")
        file = StoredFile("sine-odd/weights.npz", sha256(data).hexdigest(), len(data))
        (store.root / "sine-odd").mkdir()
        (store.root / file.path).write_bytes(data)
        record = replace(record, files=(file,), tables={"functions": file})
        try:
            posterior = load_posterior(store, record)
        except UqError:
            table = FunctionTable.of(store, record, 1)
            assert np.isfinite(table.at(next(iter(SETTINGS)), 1).function.mean).all()
        else:
            assert np.isfinite(posterior.draw(np.ones((3, 1), np.float32), [0])).all()


def _lines() -> list[bytes]:
    return [b'{"model": "m", "epoch": 1, "epochs": 2, "metrics": {"loss": 0.5}}\n', b'{"stored": "moons-x-seed0"}\n']


@cache
def _points() -> list[bytes]:
    return [b"x,y,class\n0.1,0.2,a\n-1,0.5,b\n2,0,a\n", b"class;y;x\n0;0,1;2\n1;1;2\n"]


KINDS: dict[str, Kind] = {
    "csv": Kind(lambda: [_csv(), _csv(";"), _csv("\t", _vectors())], _read_predictions, 1.5),
    "gz": Kind(lambda: [gzip.compress(_csv()), gzip.compress(json.dumps(_records()).encode())], _read_predictions),
    "parquet": Kind(
        lambda: [_arrow(parquet.write_table, _columns()), _arrow(parquet.write_table, _vectors())],
        _read_predictions,
        0.6,
    ),
    "feather": Kind(
        lambda: [_arrow(feather.write_feather, _columns()), _arrow(feather.write_feather, _vectors())],
        _read_predictions,
        0.6,
    ),
    "xlsx": Kind(_excel, _read_predictions),
    "json": Kind(
        lambda: [json.dumps(_records()).encode(), json.dumps(_columns()).encode(), json.dumps(_vectors()).encode()],
        _read_predictions,
    ),
    "jsonl": Kind(lambda: ["\n".join(map(json.dumps, _records())).encode()], _read_predictions),
    "npz": Kind(_npzs, _read_predictions, 1.5),
    "npy": Kind(_npys, _read_predictions),
    "labels": Kind(_labels, _read_labels),
    "keras": Kind(_keras, _read_keras, 0.6),
    "policy": Kind(_policies, ThresholdPolicy.from_json),
    "picture": Kind(_pictures, lambda data: center_digit(read_image(data)), 1.5),
    "links": Kind(_links, _read_links),
    "groups": Kind(_grouped, _read_groups),
    "several": Kind(_several, _read_several),
    "costs": Kind(_costs, lambda data: read_costs(data, NAMES)),
    "settings": Kind(lambda: [Setting().to_json().encode()], Setting.from_json, 0.5),
    "points": Kind(_points, read_csv, 0.5),
    "manifest": Kind(_manifests, from_json, 1.5),
    "weights": Kind(_weights, _read_weights),
    "progress": Kind(_lines, from_line, 0.3),
}
