"""What a page of HTML consists of, whether it loads anything, and how many sheets a PDF has."""

from __future__ import annotations

import re
from html.parser import HTMLParser


class Reader(HTMLParser):
    """What a page consists of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.inside: list[str] = []
        self.text: list[str] = []
        self.styles: list[str] = []
        self.mathematics: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags.append((tag, found))
        if tag not in ("img", "meta", "link", "br", "hr"):
            self.inside.append(found.get("class", "") if tag == "span" else tag)

    def handle_endtag(self, tag: str) -> None:
        self.inside.pop()

    def handle_data(self, data: str) -> None:
        if "style" in self.inside:
            self.styles.append(data)
        elif "script" not in self.inside:
            self.text.append(data)
            if self.inside and self.inside[-1].startswith("math"):
                self.mathematics.append(data)

    def all(self, name: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.tags if tag == name]


def assert_nothing_is_loaded(read: Reader) -> None:
    assert [a for tag, a in read.tags if tag in ("link", "iframe", "object", "base")] == []
    assert [a for a in read.all("script") if a] == []
    sources = [a[key] for _, a in read.tags for key in ("src", "srcset", "poster", "data") if key in a]
    assert [source for source in sources if not source.startswith("data:")] == []
    style = "".join(read.styles) + "".join(a.get("style", "") for _, a in read.tags)
    assert [u for u in re.findall(r"url\(\s*['\"]?([^)]*)", style) if not u.startswith("data:")] == []
    assert "@import" not in style


def sheets(pdf: bytes) -> int:
    """Count a PDF's pages."""
    return len(re.findall(rb"/Type\s*/Page\b", pdf))
