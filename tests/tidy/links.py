#!/usr/bin/env python3
"""Checks that every relative link in the documentation leads to a file, and every anchor to a
heading."""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def anchors(text):
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def without_code(text):
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def broken_links(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        if not target.exists():
            yield f"'{link}' leads nowhere"
        elif anchor and target.suffix == ".md" and anchor not in anchors(target.read_text()):
            yield f"'{link}': {target.name} has no such heading"


def main():
    pages = sorted(page for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
    broken = [f"{page.relative_to(ROOT)}: {problem}" for page in pages
              for problem in broken_links(page)]
    print("\n".join(broken + [f"{len(pages)} pages, {len(broken)} broken links"]))
    return len(broken) > 0


if __name__ == "__main__":
    sys.exit(main())
