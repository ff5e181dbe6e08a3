"""Files of strangers: names that are safe to show and to save under, and what a file is by its bytes and not by its label.

``without_traces`` takes out of a picture where and with what it was taken.
"""

import re
import unicodedata
from contextlib import suppress

from channels._traces import without_traces

__all__ = ["safe_name", "sniffed", "without_traces"]

NAME_BYTES = 200
FORBIDDEN = re.compile(r'[/\\:*?"<>|]')
RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.I)  # device names of Windows

UNKNOWN = "application/octet-stream"
TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,60}")
PROGRAM = "application/x-msdownload"
PROGRAMS = (
    (b"MZ", PROGRAM),
    (b"\x7fELF", "application/x-executable"),
    (b"\xca\xfe\xba\xbe", "application/java-vm"),
    (b"\xfe\xed\xfa\xce", "application/x-mach-binary"), (b"\xfe\xed\xfa\xcf", "application/x-mach-binary"),
    (b"\xce\xfa\xed\xfe", "application/x-mach-binary"), (b"\xcf\xfa\xed\xfe", "application/x-mach-binary"),
    (b"\x00asm", "application/wasm"),
    (b"#!", "text/x-shellscript"),
    (b"L\x00\x00\x00\x01\x14\x02\x00", "application/x-ms-shortcut"),
    (b"ITSF", "application/vnd.ms-htmlhelp"),
)  # fmt: skip
# (bytes, where, type)
MAGIC = (
    (b"%PDF", 0, "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"), (b"\xff\xd8\xff", 0, "image/jpeg"), (b"GIF87a", 0, "image/gif"),
    (b"GIF89a", 0, "image/gif"), (b"WEBP", 8, "image/webp"), (b"II*\x00", 0, "image/tiff"),
    (b"MM\x00*", 0, "image/tiff"), (b"\x00\x00\x01\x00", 0, "image/x-icon"),
    (b"WAVE", 8, "audio/x-wav"), (b"AVI ", 8, "video/x-msvideo"), (b"OggS", 0, "audio/ogg"), (b"fLaC", 0, "audio/flac"),
    (b"ID3", 0, "audio/mpeg"), (b"#!AMR", 0, "audio/amr"), (b"\x1aE\xdf\xa3", 0, "video/webm"),
    (b"{\\rtf", 0, "application/rtf"), (b"\x1f\x8b", 0, "application/gzip"), (b"7z\xbc\xaf\x27\x1c", 0, "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", 0, "application/vnd.rar"), (b"BZh", 0, "application/x-bzip2"), (b"\xfd7zXZ\x00", 0, "application/x-xz"),
    (b"MSCF", 0, "application/vnd.ms-cab-compressed"), (b"BEGIN:VCALENDAR", 0, "text/calendar"), (b"BEGIN:VCARD", 0, "text/vcard"),
    (b"\x78\x9f\x3e\x22", 0, "application/ms-tnef"),
)  # fmt: skip
BRANDS = {
    b"heic": "image/heic", b"heix": "image/heic", b"mif1": "image/heif", b"avif": "image/avif", b"qt  ": "video/quicktime",
    b"M4A ": "audio/mp4", b"3gp4": "video/3gpp", b"3gp5": "video/3gpp",
}  # fmt: skip
OFFICE = "application/vnd.openxmlformats-officedocument."
OOXML = (
    (b"word/", OFFICE + "wordprocessingml.document"), (b"xl/", OFFICE + "spreadsheetml.sheet"),
    (b"ppt/", OFFICE + "presentationml.presentation"),
)  # fmt: skip
MACROS = {
    "docm": "word",
    "dotm": "word",
    "xlsm": "excel",
    "xltm": "excel",
    "xlsb": "excel",
    "pptm": "powerpoint",
    "ppsm": "powerpoint",
}
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OLE_TYPES = {
    "doc": "application/msword", "dot": "application/msword", "xls": "application/vnd.ms-excel", "ppt": "application/vnd.ms-powerpoint",
    "msg": "application/vnd.ms-outlook", "msi": "application/x-msi",
}  # fmt: skip
# A script is plain text: only its name tells what a double click would do.
SCRIPTS = {
    "js": "text/javascript", "mjs": "text/javascript", "jse": "text/javascript", "vbs": "text/vbscript", "vbe": "text/vbscript",
    "wsf": "text/x-wsf", "wsh": "text/x-wsf", "hta": "application/hta", "bat": "application/x-bat", "cmd": "application/x-bat",
    "ps1": "application/x-powershell", "psm1": "application/x-powershell", "sh": "text/x-shellscript", "scr": PROGRAM, "exe": PROGRAM,
    "com": PROGRAM, "pif": PROGRAM, "cpl": PROGRAM, "dll": PROGRAM, "jar": "application/java-archive", "reg": "text/x-ms-regedit",
    "lnk": "application/x-ms-shortcut", "url": "application/x-mswinurl", "scf": "application/x-mswinurl",
    "chm": "application/vnd.ms-htmlhelp", "html": "text/html", "htm": "text/html",
    "xhtml": "application/xhtml+xml", "shtml": "text/html", "svg": "image/svg+xml",
    "msi": "application/x-msi", "apk": "application/vnd.android.package-archive", "py": "text/x-python", "php": "application/x-php",
}  # fmt: skip
MARKUP = re.compile(
    rb"\s*(?:<\?xml[^>]{0,500}>\s*)?(?:<!--.{0,2000}?-->\s*)?"
    rb"<(?:!doctype\s+)?(html|head|body|script|iframe|svg|meta|title|style|table|div|p|br|a|img|h1|object|embed|form)[\s>/]",
    re.I | re.S,
)
XML = re.compile(rb"\s*<\?xml\s", re.I)
# These all begin with bytes of their own: what does not is something else.
TOLD_BY_BYTES = {kind for _, _, kind in MAGIC if not kind.startswith("text/")} | {
    "image/jpg", "image/pjpeg", "image/bmp", "application/zip",
}  # fmt: skip


def safe_name(name: str) -> str:
    """No separators, controls, direction marks or device names, at most 200 bytes; empty if nothing is left."""
    shown = "".join(sign for sign in unicodedata.normalize("NFC", name[:1000]) if is_shown(sign))
    shown = FORBIDDEN.sub("_", shown).replace("..", "_").strip(" .")
    if RESERVED.fullmatch(shown):
        shown = f"_{shown}"
    stem, dot, ending = shown.rpartition(".")
    if dot and stem and len(ending.encode()) <= 20:
        return cut(stem, NAME_BYTES - len(ending.encode()) - 1) + "." + ending
    return cut(shown, NAME_BYTES)


def is_shown(sign: str) -> bool:
    return unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def cut(text: str, size: int) -> str:
    return text.encode()[:size].decode("utf-8", "ignore").rstrip(" .")


def sniffed(body: bytes, declared: str, name: str) -> str:
    """The type its bytes say, else ``declared`` where that is harmless and not refuted, else application/octet-stream.

    Programs, scripts and pages never pass under a harmless label, be it by their bytes or by the ending of their name.
    """
    ending = name.rpartition(".")[2].strip().lower() if "." in name else ""
    declared = declared.partition(";")[0].strip().lower()
    declared = declared if TYPE.fullmatch(declared) else UNKNOWN
    found = by_bytes(body, ending)
    if found and found not in ("text/html", "text/xml"):
        return found
    if ending in SCRIPTS:
        return SCRIPTS[ending]
    if found:
        return declared if declared.endswith(("/xml", "+xml")) and found == "text/xml" else found
    if declared in TOLD_BY_BYTES or declared.startswith("application/vnd.openxml"):
        return UNKNOWN if body else declared
    return by_signature(body) if declared == UNKNOWN else declared


def by_bytes(body: bytes, ending: str) -> str:
    """The type of what begins like this, empty where it could be many things."""
    head = body[:4096]
    for sign, kind in PROGRAMS:
        if head.startswith(sign) and not head.startswith(b"#!AMR"):
            return kind
    if head.startswith(b"PK\x03\x04"):
        return zipped(body, ending)
    if head.startswith(OLE):
        return OLE_TYPES.get(ending, "application/x-ole-storage")
    if head[4:8] == b"ftyp":
        return BRANDS.get(head[8:12], "video/mp4")
    for sign, where, kind in MAGIC:
        if head[where : where + len(sign)] == sign:
            return kind
    if head.startswith(b"BM") and len(body) > 26 and int.from_bytes(head[2:6], "little") in range(26, len(body) + 4096):
        return "image/bmp"
    return by_markup(head)


def by_markup(head: bytes) -> str:
    """Pages, also in two-byte letters: a browser would show them as such."""
    plain = head.removeprefix(b"\xef\xbb\xbf")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00<\x00" in head[:8]:
        plain = head[2:].replace(b"\x00", b"")
    found = MARKUP.match(plain)
    name = found[1].lower() if found else b""
    if name == b"svg":
        return "image/svg+xml"
    if XML.match(plain) and name not in (b"html", b"head", b"body", b"script"):
        return "text/xml"
    return "text/html" if name else ""


def zipped(body: bytes, ending: str) -> str:
    """What an archive is by the names at its beginning and in the list at its end; nothing is unpacked."""
    if body[30:38] == b"mimetype" and (kind := re.match(rb"application/[a-z0-9.+-]{1,80}", body[38:130])):
        return kind[0].decode().removesuffix("PK")
    names = body[:8192] + body[-65536:]
    if b"META-INF/MANIFEST.MF" in names:
        return (
            "application/vnd.android.package-archive" if b"AndroidManifest.xml" in names else "application/java-archive"
        )
    if b"[Content_Types].xml" in names:
        if b"vbaProject.bin" in names or ending in MACROS:
            return f"application/vnd.ms-{MACROS.get(ending, 'office')}.macroenabled.12"
        return next((kind for sign, kind in OOXML if sign in names), "application/zip")
    return "application/zip"


def by_signature(body: bytes) -> str:
    """What a longer list of first bytes says, for files that came without a label."""
    with suppress(Exception):  # the list raises where it knows nothing, and may raise on odd bytes
        import puremagic

        best = puremagic.magic_string(body[:4096])[0]
        if (
            best.offset == 0
            and len(best.byte_match) >= 4
            and body.startswith(best.byte_match)
            and TYPE.fullmatch(best.mime_type)
        ):
            return str(best.mime_type)
    return UNKNOWN
