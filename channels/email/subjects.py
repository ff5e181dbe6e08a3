"""What mail programs of the world write before a subject, and how a forwarded mail looks."""

import re

REPLIES = [
    "re", "aw", "antw", "antwort", "betr", "sv", "svar", "vs", "ref", "réf", "rép", "rep", "r", "rif", "ris", "risp", "res", "resp",
    "rsp", "odp", "odpoveď", "odpověď", "ynt", "yan", "cevap", "vá", "válasz", "vál", "απ", "απάντ", "σχετ", "השב", "תגובה",
    "رد", "پاسخ", "回复", "回覆", "答复", "答覆", "回", "返信", "返", "답장", "회신", "ats", "atb", "răsp", "rasp",
    "tl", "bls", "balas", "ตอบ",
    "ตอบกลับ", "erantzun", "отв", "ответ", "відп", "від", "отг", "одг", "odg", "ha",
]  # fmt: skip
FORWARDS = [
    "fwd", "fw", "wg", "doorst", "doorgest", "vb", "videres", "vl", "tr", "transf", "trans", "i", "inoltro", "inol",
    "rv", "renv", "reenv", "reenvío", "enc", "encam", "encaminhado", "pd", "podaj", "dal", "przek", "i̇lt", "ilt", "tov",
    "továbbítás", "továbbított", "προωθ", "πρθ", "הועבר", "העבר", "تحويل", "إعادة", "转发", "轉寄",
    "轉發", "转", "転送", "전달", "pers",
    "pārs", "ed", "edasi", "redir", "ct", "trs", "terusan", "ส่งต่อ", "yml", "birb", "birbidali", "пересл", "пер", "переслано",
    "прп", "přep", "přeposláno", "prep", "preposlané", "proslj", "prosl", "ارسال", "fram", "áframs",
]  # fmt: skip
EITHER = {"vs"}  # an answer in Finnish and Estonian, passed on in Danish and Norwegian
TAGS = r"\[(?:ext|extern|external|externe|externo|spam)\]"
COUNT = r"\s{0,3}(?:\[\d{1,3}\]|\(\d{1,3}\)|\^?\d{1,3}|\*\d{1,3})?"


def prefixes(names: list[str]) -> re.Pattern[str]:
    """One prefix with its counter and colon, or a gateway's tag before one: ``AW:``, ``Re[2]:``, ``回复:``."""
    choice = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    return re.compile(rf"\s{{0,9}}(?:({choice}){COUNT}\s{{0,3}}[:\uff1a\ufe55]|{TAGS})\s{{0,9}}", re.I)


# Turkish capital I with a dot has no simple lower case: written out.
ANY = prefixes([*REPLIES, *FORWARDS, "İLT", "İlt"])
FORWARD = prefixes([*FORWARDS, *EITHER, "İLT", "İlt"])
TRAILER = re.compile(r"\s{0,9}\((?:fwd|fw)\)\s{0,9}$", re.I)

TEXT = 100_000
DASHED = re.compile(r"^[>\s]{0,9}[-_*=#\u2013\u2014]{3,80}\s?[^\W\d_][^\n]{0,80}?\s?[-_*=#\u2013\u2014]{3,80}\s{0,9}$")
FIELD = re.compile(r"^[>*\s]{0,9}[^\W\d_][^:\uff1a\n]{0,30}[:\uff1a]\*?\s{0,9}\S")
DANISH = re.compile(r"^[>*\s]{0,9}Fra:", re.M)
TELLS = re.compile(r"@|\b\d{4}\b")


def bare_subject(subject: str) -> str:
    """The subject without ``Re:``, ``WG:``, ``回复:`` and their like, to be compared with another; the words keep their case."""
    start = 0
    while (prefix := ANY.match(subject, start)) and prefix.end() > start:
        start = prefix.end()
    return TRAILER.sub("", subject[start:]).strip()


def is_forwarded(subject: str, text: str) -> bool:
    """Whether somebody passes on what another wrote: the subject says so, and the text holds the head of another mail."""
    return is_passed_on(subject, text) and has_mail_head(text)


def is_passed_on(subject: str, text: str) -> bool:
    """By the outermost prefix: ``WG: AW: Lamp`` is passed on, ``AW: WG: Lamp`` answers somebody who did so."""
    prefix = outermost(subject)
    if prefix.lower() in EITHER:
        return bool(DANISH.search(text[:TEXT]))
    return bool(FORWARD.match(f"{prefix}:")) if prefix else bool(TRAILER.search(subject))


def outermost(subject: str) -> str:
    """The first prefix that is not a gateway's tag, empty where there is none."""
    start = 0
    while (prefix := ANY.match(subject, start)) and prefix.end() > start:
        if prefix[1]:
            return prefix[1]
        start = prefix.end()
    return ""


def has_mail_head(text: str) -> bool:
    """A line between dashes, or three and more lines ``Label: value`` with an address or a year among them, in any language."""
    block: list[str] = []
    for line in text[:TEXT].split("\n"):
        if not line.strip():
            continue
        if DASHED.match(line[:300]):
            return True
        block = [*block[-9:], line[:300]] if FIELD.match(line[:300]) else []
        if len(block) >= 3 and TELLS.search("\n".join(block)):
            return True
    return False
