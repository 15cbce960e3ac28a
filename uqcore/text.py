"""Numbers as words: percentages that never lie by rounding, and whose sign no line's end takes away;
and what an exception says.

Pages get no-break spaces. Files and terminals, whose readers search and split, get plain ones: `exact_percent`.
"""

from __future__ import annotations

import json
import math
import re

_NO_BREAK = "\N{NO-BREAK SPACE}"
_MOST_REASON = 200
_BEFORE_SIGN = re.compile(r"(?<=\d) (?=%)")


def percent(share: float) -> str:
    """Short, for a sentence: to a tenth, and never a false 0 % or 100 %; a dash for what does not exist."""
    if math.isnan(share):
        return "–"
    if 0 < share < 0.001:
        return f"<{_NO_BREAK}0.1{_NO_BREAK}%"
    if 0.999 < share < 1:
        return f">{_NO_BREAK}99.9{_NO_BREAK}%"
    return f"{share:.1%}".replace(".0%", "%").replace("%", f"{_NO_BREAK}%")


def fine_percent(share: float) -> str:
    """For a rare event: with as many digits as it takes to tell it from 0 % and 100 %."""
    if math.isnan(share):
        return "–"
    from_end = 100 * min(share, 1 - share)
    digits = max(0, 2 - math.floor(math.log10(from_end))) if from_end > 0 else 0
    text = f"{100 * share:.{digits}f}"
    return (text.rstrip("0").rstrip(".") if digits else text) + f"{_NO_BREAK}%"


def exact_percent(share: float) -> str:
    """For a goal that a person has set: all its digits, or a confidence of 99.9999 % would be said to be 100 %. It goes
    into policies and to terminals: pages show it `unbroken`."""
    return f"{100 * share:.10g} %"


def unbroken(text: str) -> str:
    """For a page, what files and terminals also get."""
    return _BEFORE_SIGN.sub(_NO_BREAK, text)


def reason(error: object) -> str:
    """What an exception says, on one line and short, to be quoted in a sentence; without its advice for programmers."""
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start:,} is no {error.encoding.upper()}"
    text = " ".join(str(error).split())
    # Python reads no whole number of more than 4,300 digits, whoever asks it to: `json`, openpyxl, pyarrow.
    return "a whole number of thousands of digits" if "integer string conversion" in text else text[:_MOST_REASON]


def is_whole(text: str) -> bool:
    """Whether it can be written: half of a surrogate pair, which JSON can name (``\\ud800``), is no character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def has_half_pairs(text: str, content: object) -> bool:
    """Whether a name or a value in ``content``, which was read from the JSON ``text``, is not `is_whole`."""
    return "\\ud" in text.lower() and not is_whole(json.dumps(content, ensure_ascii=False))
