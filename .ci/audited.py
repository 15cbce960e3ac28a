"""What `pip-audit --format json` found: its own exit code says nothing of what it skipped."""

import json
import sys
from pathlib import Path


def main(path: Path) -> int:
    try:
        rows = json.loads(path.read_text())["dependencies"]
    except (OSError, ValueError, LookupError, TypeError):  # it ended before it wrote all of it, or writes another form
        print("Nothing was audited: pip-audit left no list of packages.", file=sys.stderr)
        return 1
    skipped = [row["name"] for row in rows if "skip_reason" in row]
    known = [(row, flaw) for row in rows for flaw in row.get("vulns", [])]
    for row, flaw in known:
        mended = ", ".join(flaw["fix_versions"]) or "no version"
        print(f"{row['name']} {row['version']}: {flaw['id']}, mended in {mended}")
    if skipped:
        print(f"Not audited, because PyPI does not know them: {', '.join(skipped)}.", file=sys.stderr)
    n_audited = len(rows) - len(skipped)
    if n_audited == 0:
        print(f"Nothing was audited: of {len(rows)} packages the database knows none.", file=sys.stderr)
        return 1
    print(f"{n_audited} of {len(rows)} packages audited, {len(known)} known vulnerabilities.")
    return 1 if known else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
