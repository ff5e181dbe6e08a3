"""What people say about being written to: the one-word texts that act at once, and plain language that an agent settles."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Literal

Wish = Literal["given", "revoked", "doubted"]

# By language, without accents. Twilio acts on the English ones by itself (https://help.twilio.com/articles/223134027), on
# CANCEL, END and QUIT too: so none of these may ever order something else from the desk.
STOP_WORDS: Mapping[str, frozenset[str]] = {
    "en": frozenset(("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "OPTOUT", "REVOKE")),
    "es": frozenset(("ALTO", "BAJA", "CANCELAR", "DETENER", "PARAR", "PARE", "PAREN", "BASTA")),
    "fr": frozenset(("ARRET", "ARRETER")),
}
START_WORDS: Mapping[str, frozenset[str]] = {
    "en": frozenset(("START", "YES", "UNSTOP")),
    "es": frozenset(("ALTA", "COMENZAR", "INICIAR", "EMPEZAR")),
    "fr": frozenset(("COMMENCER",)),
}
TWO_AS_ONE = ("OPTOUT", "STOPALL")

_EN_THINGS = r"(text|message|msg|sms|notification|alert|update|reminder|notice)s?"
_EN_US = r"(me|us|this (number|phone|line)|my (number|phone|cell|mobile))"
_ES_THINGS = r"(mensaje|mensajito|texto|sms|notificacion|aviso|alerta|recordatorio)(s|es)?"
_ES_FEW = r"( \w+){0,3}"

# Over lower-case words without accents or punctuation. A false one costs an agent a look, a missed one breaks the law (47 CFR
# 64.1200(a)(10)); but "stop the charge", "stop by" and "cancel my appointment" must pass.
_DOUBTED = {
    "en": (
        r"(please |pls |ok |just |now )*stop( please| pls| now| it| this| thanks| thank you| already| all| everything)*",
        rf"\b(stop|quit|cease) (texting|messaging|contacting|spamming|bothering|writing)( to)?( {_EN_US}| now| please|$)",
        rf"\b(stop|quit|cease) sending( {_EN_US})?( \w+){{0,3}} {_EN_THINGS}\b",
        rf"\b(stop|end|cease) (all |the |these |those |your |with the |with these )+{_EN_THINGS}\b",
        rf"\b(do not|dont|never|no longer) (text|message|msg|contact|write to|write) {_EN_US}\b",
        rf"\b(do not|dont|never|no longer) send( {_EN_US})?( \w+){{0,3}} ({_EN_THINGS}|anything|stuff)\b",
        rf"\bno more ({_EN_THINGS}|texting|messaging)\b",
        rf"\b({_EN_THINGS}|texting|messaging) (to |must |should |need to |has to |have to )*stop\b",
        rf"\b(do not|dont|no longer) (want|wish|need)( to (get|receive|have))?( \w+){{0,2}} {_EN_THINGS}\b",
        r"\b(remove|take|delete) (me|my number|this number)( off| from)?( \w+){0,2} (list|texts|messages|system)\b",
        r"\b(remove|delete) my number\b",
        r"\b(unsubscribe|opt) (me|us|my number|this number)\b",
        r"\b(want|would like|like|please|wish|need)( to)? (unsubscribe|opt out)\b",
        r"\b(leave me alone|lose my number|take me off)\b",
    ),
    "es": (
        r"(por favor |ya |favor )*(alto|paren|pare|basta|stop)( ya| por favor| gracias)*",
        rf"\bno (me |nos )(mand|envi)e[ns]?{_ES_FEW} (mas|nada|{_ES_THINGS})\b",
        r"\bno (me |nos )(escriba|contacte|textee|moleste|mensajee)[ns]?\b",
        rf"\bno (mand|envi)e[ns]?{_ES_FEW} {_ES_THINGS}\b",
        r"\bno (escriba|mande|envie|textee|contacte)[ns]?( \w+){0,2} (a|con)? ?(este|mi) (numero|telefono|celular|movil)\b",
        r"\b(deje|deja|dejen|pare|para|paren|cese|cesen) de (escribir|textear|molestar|contactar|mensajear)(me|nos)?\b",
        r"\b(deje|deja|dejen|pare|para|paren|cese|cesen) de (mandar|enviar)(me|nos)\b",
        rf"\b(deje|deja|dejen|pare|para|paren|cese|cesen) de (mandar|enviar|llegar){_ES_FEW} {_ES_THINGS}\b",
        rf"\bno (quiero|quisiera|deseo|queremos|necesito)( recibir| que me (manden|envien|lleguen))?( \w+){{0,2}} {_ES_THINGS}\b",
        rf"\bno mas {_ES_THINGS}\b",
        r"\bno (quiero|deseo) que me (escriban|contacten|molesten|texteen)\b",
        r"\b(borr|quit|elimin|sac)(e|en|a|ar|ad)?(me)? (mi numero|de (la|su|esta) lista|de la base)\b",
        r"\b(darme|denme|deme|dame) de baja( por favor| gracias| de (estos|los|sus|la|esta) (mensajes|textos|lista))?$",
        r"\bdejen?me en paz\b",
    ),
}  # fmt: skip
DOUBTED = tuple(re.compile(phrase) for phrases in _DOUBTED.values() for phrase in phrases)
WHOLE = {phrases[0] for phrases in _DOUBTED.values()}  # these must be all that was said
# Each phrase has one of these in it; most texts have none.
HINTS = re.compile(
    r"\b(stop|quit|cease|end|do not|dont|never|no|remove|take|delete|unsubscribe|opt|leave|lose"
    r"|alto|basta|deje|deja|para|pare|cese|borr|elimin|sac|darme|denme|deme|dame)"
)

# Somebody else is to stop, or does not: "my neighbour won't stop texting me".
OTHERS = re.compile(
    r"\b(wont|will not|doesnt|does not|didnt|did not|not|never|he|she|him to|her to|someone to|neighbou?rs? to|refuses to"
    r"|no (dejan?|paran?)) (stop|quit|de)\b"
)


def wish(text: str) -> Wish | None:
    """What a text says about writing to its sender: one word alone acts, a phrase is only doubted."""
    words = re.findall(r"[a-z0-9]+", plain_words(text))
    alone = "".join(words).upper()
    if len(words) == 1 or alone in TWO_AS_ONE:
        if any(alone in listed for listed in STOP_WORDS.values()):
            return "revoked"
        if any(alone in listed for listed in START_WORDS.values()):
            return "given"
    return "doubted" if _doubted(" ".join(words)) else None


def plain_words(text: str) -> str:
    """Lower case, without accents and apostrophes: "¡No ME envíen más!"."""
    if text.isascii():
        return text[:2000].lower().replace("'", "").replace("`", "")
    letters = unicodedata.normalize("NFKD", text[:2000].casefold())
    return "".join(c for c in letters if not unicodedata.combining(c) and c not in "'\u2019\u02bc`\u00b4")


def _doubted(said: str) -> bool:
    if not HINTS.search(said) or OTHERS.search(said):
        return False
    return any(phrase.fullmatch(said) if phrase.pattern in WHOLE else phrase.search(said) for phrase in DOUBTED)
