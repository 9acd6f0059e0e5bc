"""What the tests of interactive figures read out of their markup."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from bptt_lessons.views.frame import Interactive

SVG = "{http://www.w3.org/2000/svg}"


def words(markup: str) -> list[str]:
    """Return the texts of a picture, without the marks that only place them."""
    root = ElementTree.fromstring(markup)
    return ["".join(node.itertext()).replace("\u200b", "") for node in root.iter(f"{SVG}text")]


def sentence(figure: Interactive) -> str:
    """Return the text under the picture."""
    return "".join(ElementTree.fromstring(figure.status.value).itertext())


def styled(markup: str, tag: str, part: str) -> list[ElementTree.Element]:
    """Return the elements of one kind whose style holds a text."""
    return [node for node in ElementTree.fromstring(markup).iter(SVG + tag) if part in node.get("style", "")]
