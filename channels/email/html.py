"""HTML of strangers: made harmless for the screen, or turned into plain text.

Remote pictures are not loaded: they would tell the sender that the mail was read, and when.
"""

import re
from html import unescape

import nh3
from selectolax.lexbor import LexborHTMLParser

SIZE = 5_000_000
# Both parsers take quadratic time on deeply nested elements: 200,000 open ones cost over a minute.
DEPTH = 256
TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)([^<>]*)>?")
# Each attribute is compared with those before it: 300,000 in one element cost minutes.
LONG, FIELDS = 4000, 2000
# These open again in every paragraph and cell until they are closed (HTML Living Standard 13.2.4.3).
CARRIED = {"a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"}
WORK = 500_000
NEVER_DEEP = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"} | {
    # closed by the next of their kind, and only as deep as the list or table they stand in
    "p", "li", "dt", "dd", "option", "tr", "td", "th", "tbody", "thead", "tfoot", "html", "head", "body",
}  # fmt: skip

TAGS = {
    "a", "abbr", "b", "bdi", "bdo", "blockquote", "br", "caption", "center", "cite", "code", "col", "colgroup", "dd",
    "del", "div", "dl", "dt", "em", "font", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li",
    "ol", "p", "pre", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td",
    "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var",
}  # fmt: skip
CELL = {"align", "colspan", "rowspan", "valign", "width", "height", "bgcolor"}
ATTRIBUTES: dict[str, set[str]] = {
    "*": {"dir", "lang", "title"},
    "a": {"href"},
    "col": {"span", "width"},
    "font": {"color", "face", "size"},
    "img": {"src", "data-remote", "alt", "width", "height"},
    "ol": {"start", "type"},
    "table": {"align", "bgcolor", "border", "cellpadding", "cellspacing", "width"},
    "td": CELL,
    "th": CELL,
}
HIDDEN = {"head", "iframe", "math", "noscript", "object", "script", "style", "svg", "template", "textarea", "title"}
SCHEMES = {"http", "https", "mailto", "tel", "cid"}
LINK_SCHEME = re.compile(r"(?:https?://|mailto:|tel:|cid:)", re.I)
PICTURE_SCHEME = re.compile(r"cid:", re.I)
PICTURES = 1000
PASSES = 8
AGAIN = 2_000_000  # characters; a page so long is read once
PICTURE = re.compile(r'<img(?:\s+[a-z-]+="[^"]*")*>')
ADDRESS = re.compile(r' data-remote="(https://[^"]*)"')
BLOCKS = "address,blockquote,center,dd,div,dl,dt,h1,h2,h3,h4,h5,h6,hr,li,ol,p,pre,table,tr,ul"
GAP = "\x1f"  # between the cells of a row
BREAK = "\x1e"  # never part of a text: control characters are removed


def is_too_deep(html: str) -> bool:
    """Whether an element of some kind may be open more than 256 times, or parsing costs more than it should; told without parsing."""
    depth: dict[str, int] = {}
    total = carried = work = 0
    for closing, name, rest in TAG.findall(html):
        name = name.lower()
        if len(rest) > LONG and len(rest.split(None, FIELDS)) > FIELDS:
            return True
        if name in NEVER_DEEP:
            work += carried  # each opens anew what was open in the one before
            if work > WORK:
                return True
            continue
        change = 1 if not closing else -1 if depth.get(name, 0) else 0
        depth[name] = depth.get(name, 0) + change
        total += change
        carried += change if name in CARRIED else 0
        if total > DEPTH:
            return True
    return False


def sanitised(html: str) -> str:
    """By our own lists; sanitising twice gives the same as once. The address of a remote picture stands in ``data-remote``: no browser
    follows that, and it is there for somebody who asks to see the picture."""
    clean = once(html)
    # What was inside an element that is not kept can leave links nested in links, which the next reading takes apart.
    for _ in range(PASSES if len(clean) < AGAIN else 0):
        before, clean = clean, once(clean)
        if clean == before:
            break
    return clean


def once(html: str) -> str:
    clean = nh3.clean(
        html,
        tags=TAGS,
        clean_content_tags=HIDDEN,
        attributes=ATTRIBUTES,
        attribute_filter=kept,
        link_rel="noopener noreferrer nofollow",
        url_schemes=SCHEMES,
        url_relative="deny",
    )
    # What was cleaned is well formed: no value holds a bare quotation mark, so this finds attributes and nothing else.
    return PICTURE.sub(lambda picture: picture[0].replace(' src="https://', ' data-remote="https://', 1), clean)


def kept(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "data-remote":
        return value if value.startswith("https://") else None
    if attribute not in ("src", "href"):
        return value
    if tag == "img" and value[:8].lower() == "https://":
        return "https://" + value[8:]
    # What names no scheme is relative, and the page's own address is no business of the sender's.
    allowed = PICTURE_SCHEME if tag == "img" else LINK_SCHEME
    return value if allowed.match(value) else None


def pictures(html: str) -> list[str]:
    """The addresses of pictures that lie elsewhere, in order, each once, at most 1,000."""
    found = (unescape(address) for picture in PICTURE.findall(sanitised(html)) for address in ADDRESS.findall(picture))
    return list(dict.fromkeys(found))[:PICTURES]


def as_text(html: str) -> str:
    """The words, a line for each block."""
    page = LexborHTMLParser(html)
    if page.body is None:
        return ""
    for node in page.css(",".join(sorted(HIDDEN - {"head", "title"}))):
        node.decompose()
    for node in page.css("pre"):
        for text in list(node.traverse(include_text=True)):
            if text.tag == "-text" and text.text_content:
                text.replace_with(text.text_content.replace("\n", BREAK))
    for node in page.css("br"):
        node.replace_with(BREAK)
    for node in page.css(BLOCKS):
        node.insert_before(BREAK)
        node.insert_after(BREAK)
    for node in page.css("td,th"):
        node.insert_after(GAP)
    return lines(page.body.text())


def lines(text: str) -> str:
    """Breaks to lines, at most one empty line between two."""
    kept: list[str] = []
    for line in text.split(BREAK):
        cells = (" ".join(cell.split()) for cell in line.split(GAP))
        words = "\t".join(cell for cell in cells if cell)
        if words or (kept and kept[-1]):
            kept.append(words)
    return "\n".join(kept).strip()


def stripped(html: str) -> str:
    """Text of HTML that is too big or too deep to parse."""
    return " ".join(re.sub(r"<[^<>]*>?", " ", html).split())
