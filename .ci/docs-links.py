#!/usr/bin/env python3
"""Checks the relative links of a directory of HTML pages: each leads to a file or a directory, and to an element with that id."""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self.ids.add(found.get("id") or "")
        link = found.get("href") if tag == "a" else found.get("src")
        if link:
            self.links.append(link)


root = Path(sys.argv[1]).resolve()
# print.html repeats all pages, and the links of the other two are relative to the page that shows them.
pages = {path: Page(path) for path in root.rglob("*.html") if path.name not in ("print.html", "404.html", "toc.html")}
assert len(pages) > 20, f"{root} has {len(pages)} pages"
wrong = []
for path, page in pages.items():
    for link in page.links:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if target.is_dir() and (target / "index.html").exists():
            target /= "index.html"
        found = target.exists() and (not parts.fragment or target not in pages or unquote(parts.fragment) in pages[target].ids)
        if not found:
            wrong.append(f"{path.relative_to(root)}: {link}")
if wrong:
    sys.exit("error: links that lead nowhere:\n" + "\n".join(sorted(set(wrong))))
print(f"{sum(len(page.links) for page in pages.values())} links of {len(pages)} pages lead somewhere.")
