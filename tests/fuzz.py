"""`make fuzz`: mutated files of every kind that is read, each read in a process with bounded memory and time.

Whatever stands in a file, it is read or refused in one sentence (`UqError`) within `LIMIT_S`. A case is its kind, its
seed and its number: what a line of output names can be run again with ``--first N --cases 1``.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from tests import ROOT, fuzz_files
from tests.fuzz_files import KINDS
from uqcore.types import UqError

LIMIT_S = 10
_MEMORY = 3 * 2**30  # of address space, of which the libraries take a third
_MEMORY_KERAS = 12 * 2**30  # TensorFlow takes most of it when it is imported
_GROWN_MB = 500  # more resident memory for a file of some kilobytes is a find
_TOKENS = (
    b"nan",
    b"inf",
    b"-1",
    b"1e999",
    b"1e-320",
    b"9" * 40,
    b"0",
    b"\x00",
    b"\xff\xfe",
    b'"',
    b"[",
    b"{",
    b"\xed\xa0\x80",
)
_NUMBERS = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)


class Find(NamedTuple):
    """A case that was neither read nor refused in a sentence."""

    kind: str
    number: int
    what: str


def mutated(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """A file of the kind, with a few of its bytes changed, moved, cut off, doubled or taken from ``other``.

    What is packed is often unpacked first and packed again, so that its checksum holds and what lies behind it is met.
    """
    if data[:2] == b"PK" and chance.random() < 0.7:
        with suppress(zipfile.BadZipFile):
            return _zip_again(data, other, chance)
    if data[:2] == b"\x1f\x8b" and chance.random() < 0.7:
        return gzip.compress(_scrambled(gzip.decompress(data), gzip.decompress(other), chance), 1)
    return _scrambled(data, other, chance)


def _zip_again(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """One member changed, left out, doubled or packed otherwise."""
    source, target = zipfile.ZipFile(BytesIO(data)), BytesIO()
    members = [(info.filename, source.read(info)) for info in source.infolist()]
    chosen, way = chance.randrange(len(members)), chance.random()
    name, content = members[chosen]
    if way < 0.8:
        members[chosen] = (name, _scrambled(content, chance.choice(members)[1], chance))
    elif way < 0.9:
        del members[chosen]
    else:
        members.append((chance.choice(members)[0], content))
    packing = chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA))
    with zipfile.ZipFile(target, "w", packing) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return target.getvalue()


def _scrambled(data: bytes, other: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 4, 16))):
        # Headers stand at the ends of files, and there most is decided.
        at = chance.randrange(len(changed) + 1)
        if chance.random() < 0.5:
            at = (
                min(at, chance.randrange(200))
                if chance.random() < 0.6
                else max(0, len(changed) - chance.randrange(200))
            )
        length = chance.choice((1, 1, 4, 8, 40, 400))
        way = chance.randrange(8)
        if way == 0 and at < len(changed):
            changed[at] ^= 1 << chance.randrange(8)
        elif way == 1:
            changed[at : at + length] = chance.randbytes(length)
        elif way == 2:
            del changed[at : at + length]
        elif way == 3:
            changed[at:at] = changed[at : at + length] * chance.choice((1, 2, 100))
        elif way == 4:
            start = chance.randrange(len(other) + 1)
            changed[at : at + length] = other[start : start + length]
        elif way == 5:
            changed[at : at + chance.choice((0, 1, 4))] = chance.choice(_TOKENS)
        elif way == 6:
            n = chance.choice((1, 2, 4, 8))
            number = chance.choice(_NUMBERS) % 2 ** (8 * n)
            changed[at : at + n] = number.to_bytes(n, chance.choice(("little", "big")))
        elif chance.random() < 0.3:
            del changed[at:]
    return bytes(changed)


def case(kind: str, seeds: Sequence[bytes], seed: int, number: int) -> bytes:
    """The mutated file of a number."""
    chance = random.Random(f"{kind} {seed} {number}")
    return mutated(chance.choice(seeds), chance.choice(seeds), chance)


def outcome(read: Callable[[bytes], object], data: bytes) -> str:
    """``read``, ``refused``, or what escaped."""
    try:
        read(data)
    except UqError as error:
        text = str(error)
        return "refused" if text and not {"\n", "\r"} & set(text) and len(text) < 2000 else f"no line: {text[:200]!r}"
    except BaseException as error:  # whatever escapes is what is sought
        return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return "read"


def child(kind: str, seed: int, first: int, last: int) -> None:
    """Reads the cases, one after the other, and says of each what came; killed where one takes too long."""
    seeds, read = KINDS[kind].seeds(), KINDS[kind].read
    for data in seeds:  # what is imported and prepared at the first reading is no case's doing
        outcome(read, data)
    warnings.simplefilter("error", RuntimeWarning)  # a sum that overflows, say, is no right answer
    limit = _MEMORY_KERAS if kind == "keras" else _MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for number in range(first, last):
        data, before, started = case(kind, seeds, seed, number), _peak_mb(), time.perf_counter()
        print(json.dumps({"start": number}), flush=True)
        signal.alarm(LIMIT_S)  # which ends the process: C code answers to nothing less
        said = outcome(read, data)
        signal.alarm(0)
        grown = _peak_mb() - before
        if grown > _GROWN_MB:
            said = f"{grown:.0f} MB for {len(data)} bytes ({said})"
        told = {"end": number, "said": said, "s": round(time.perf_counter() - started, 3), "mb": round(_peak_mb())}
        print(json.dumps(told), flush=True)


def _peak_mb() -> float:
    return max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024


def run(kind: str, seed: int, first: int, last: int) -> tuple[Counter[str], list[Find], float, int]:
    """How many cases came to what, the finds, the longest time of one, and the most megabytes of a process."""
    counts: Counter[str] = Counter()
    finds: list[Find] = []
    longest, most = 0.0, 0
    while first < last:
        command = [sys.executable, "-m", "tests.fuzz", "--child", "--seed", str(seed), "--first", str(first)]
        command += ["--cases", str(last - first), kind]
        begun = first
        with tempfile.TemporaryFile("w+") as errors:
            process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True)
            assert process.stdout is not None
            for line in process.stdout:
                if not line.startswith('{"'):
                    continue
                told = json.loads(line)
                if "start" in told:
                    begun = told["start"]
                    continue
                first, longest, most = told["end"] + 1, max(longest, told["s"]), max(most, told["mb"])
                counts[told["said"] if told["said"] in ("read", "refused") else "FOUND"] += 1
                if told["said"] not in ("read", "refused"):
                    finds.append(Find(kind, told["end"], told["said"]))
            code = process.wait()
            if first < last:  # it ended in the middle of a case
                errors.seek(0)
                why = f"over {LIMIT_S} s" if code == -signal.SIGALRM else f"exit code {code}: {errors.read()[-300:]!r}"
                finds.append(Find(kind, begun, why))
                counts["FOUND"] += 1
                first = begun + 1
    return counts, finds, longest, most


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000, help="of all kinds together")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--save", type=Path, help="a folder for the files of the finds")
    parser.add_argument("kinds", nargs="*", default=[], help=", ".join(KINDS))
    arguments = parser.parse_args()
    first, seed = arguments.first, arguments.seed
    if arguments.child:
        child(arguments.kinds[0], seed, first, first + arguments.cases)
        return 0
    kinds = arguments.kinds or [kind for kind in KINDS if fuzz_files.is_possible(kind)]
    if unknown := set(kinds) - set(KINDS):
        parser.error(f"unknown: {', '.join(unknown)}")
    weights = [KINDS[kind].weight for kind in kinds]
    found: list[Find] = []
    for kind, weight in zip(kinds, weights, strict=True):
        n, started = max(1, round(arguments.cases * weight / sum(weights))), time.perf_counter()
        counts, finds, longest, most = run(kind, seed, first, first + n)
        found += finds
        took = time.perf_counter() - started
        print(f"{kind:10} {n:6} {dict(counts)}, at most {longest:.2f} s and {most} MB, all {took:.0f} s", flush=True)
        for find in finds:
            print(f"  FOUND {find.kind} {find.number}: {find.what}", flush=True)
            if arguments.save:
                arguments.save.mkdir(parents=True, exist_ok=True)
                data = case(kind, KINDS[kind].seeds(), seed, find.number)
                (arguments.save / f"{find.kind}-{seed}-{find.number}").write_bytes(data)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
