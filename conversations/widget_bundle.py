"""Join the widget's modules into the one file a page loads, without comments and indentation."""

import re
import sys
from pathlib import Path

WIDGET = Path(__file__).parent / "static" / "conversations" / "widget"
BUNDLE = WIDGET / "bundle.js"

IMPORT = re.compile(r'^import \{.*\} from "\./(\w+)\.js";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=class|function|const)", re.MULTILINE)
BLOCK_COMMENT = re.compile(r"/\*\*.*?\*/ ?", re.DOTALL)
LINE_COMMENT = re.compile(r"(?:^|(?<=\s))// .*$", re.MULTILINE)
TEXT = re.compile(r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`)""")
SPACED = re.compile(r" ?([=<>?:;,{}()&|!]+) ?")
TOP_LEVEL_NAME = re.compile(r"^(?:async )?(?:class|function|const|let) (\w+)", re.MULTILINE)


def bundle_text(entry: str = "main") -> str:
    """Return the bundle of `entry` and all it imports; raise if two modules share a name."""
    source = "".join(_stripped(name) for name in _in_order(entry, []))
    names = TOP_LEVEL_NAME.findall(source)
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"These names exist in two modules, rename one: {sorted(twice)}")
    exported = re.sub(
        r"^async function start\(", "export async function start(", source, flags=re.M
    )
    flat = re.sub(r"^\s+", "", exported, flags=re.MULTILINE)
    return "".join(_squeezed(line) for line in flat.splitlines(keepends=True))


def _squeezed(line: str) -> str:
    """Take out spaces that only people need; a line that may hold a pattern stays as it is."""
    parts = TEXT.split(line)
    code, texts = parts[::2], parts[1::2]
    is_nested = any(text.count("{") != text.count("}") for text in texts)
    if "/" in line or is_nested or any(mark in part for part in code for mark in "\"'`"):
        return line
    code = [SPACED.sub(r"\1", part) for part in code]
    return "".join(part for pair in zip(code, [*texts, ""], strict=True) for part in pair)


def _in_order(name: str, done: list[str]) -> list[str]:
    """List a module after everything it imports, each once."""
    for needed in IMPORT.findall((WIDGET / f"{name}.js").read_text()):
        if needed not in done:
            _in_order(needed, done)
    if name not in done:
        done.append(name)
    return done


def _stripped(name: str) -> str:
    text = (WIDGET / f"{name}.js").read_text()
    for pattern in (IMPORT, BLOCK_COMMENT, LINE_COMMENT):
        text = pattern.sub("", text)
    text = re.sub(r"^export async ", "async ", text, flags=re.MULTILINE)
    return EXPORT.sub("", text)


if __name__ == "__main__":
    BUNDLE.write_text(bundle_text())
    sys.stdout.write(f"{BUNDLE.name}: {BUNDLE.stat().st_size} bytes\n")
