"""Find idiom that a reader in a hurry stumbles over, and say what to write instead.

    python tools/words.py            everything
    python tools/words.py FILE ...   these files

Prints ``file:line: word → instead`` for each, and ends with 1 if there is any. Prose, comments and names in code are all read, in capital
and small letters, also where a line ends between two words or an underscore joins them. Of a test only the names of its functions are read.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# Each a regular expression, in which a space is whatever stands between two words.
WORDS = {
    # English
    "anew": "again",
    "anybody": "any caller, anyone",
    "bites?": "detects the bug",
    "c[oa]mes? to use": "use",
    "everybody": "every caller, everyone",
    "judged by": "measured with",
    "land(s|ed|ing|ings)?": "arrive, commit, end; outcome",
    "lest": "so that … not",
    "letter by letter": "case-sensitive, exactly",
    "mend(s|ed|ing)?": "fix",
    "mid air": "under way",
    "nobody": "no caller, no one",
    "rather an? \\w+ than": "prefer … over",
    "refusals?": "rejection, error, denied",
    "shall": "must, should, will",
    "somebody": "a caller, someone",
    "t(ake|akes|aking|ook|aken) off": "start",
    "thereby": "so",
    "told (of|to)": "notified of; set to",
    "whereby": "by which",
    "whoever": "any caller, anyone who",
    # 中文
    "保鲜": "自动续期",
    "凭证(?!（)": "凭据",
    "一致性(检查|测试)": "符合性检查",
    "你": "您",
}
_GAP = r"[ _\n]+(?:[#>*]+ *)?"  # also at the end of a line, in a comment or a quotation
_PATTERNS = {re.compile(rf"(?<![a-z])(?:{words.replace(' ', _GAP)})(?![a-z])", re.IGNORECASE): words for words in WORDS}
_TEST = re.compile(r"\bdef (test_\w+)")
_ITSELF = ("words.py", "test_words.py")


def pages() -> Iterator[Path]:
    """Everything that a user or a developer reads."""
    for pattern in ("*.md", "docs/**/*.md", "docs/**/*.py", "src/**/*.py", "tests/**/*.py", "tools/**/*.py", "Makefile"):
        yield from sorted(ROOT.glob(pattern))


def found(path: Path) -> Iterator[tuple[int, str, str]]:
    """The words of the list in the file: line, what stands there, and what to write instead."""
    text = path.read_text("utf-8")
    if path.is_relative_to(ROOT / "tests"):
        text = re.sub("(?m)^.*$", lambda line: " ".join(_TEST.findall(line[0])), text)
    text = re.sub("`test_\\w+`", "", text)  # a page that names a test: it is read where the test stands
    for pattern, words in _PATTERNS.items():
        for match in pattern.finditer(text):
            yield text.count("\n", 0, match.start()) + 1, " ".join(match[0].split()), WORDS[words]


def main(names: list[str]) -> int:
    lines = []
    for path in [Path(name).resolve() for name in names] or pages():
        if path.name not in _ITSELF:
            where = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
            lines += [f"{where}:{line}: {word} → {instead}" for line, word, instead in found(path)]
    print(*lines, sep="\n", end="\n" if lines else "")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
