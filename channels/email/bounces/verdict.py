# ruff: noqa: RUF001 - words of many languages look like each other
"""What a server's refusal means for the desk.

Only the few codes of ``BAD_ADDRESS`` say that an address is wrong, and not even these where the words beside them speak of
something else.
"""

import re

from channels.base import ErrorClass, SendError
from channels.email.headers import ADDRESS
from channels.email.statuses import BAD_ADDRESS, BY_STATUS, BY_SUBJECT

TEXT = 300
EMPTY = {"5.0.0", "4.0.0", "2.0.0"}
"""Codes that some servers put before any text whatever."""

ENHANCED = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?!\.?\d)")
REPLY = re.compile(r"(?<![\d.:/-])([45][0-5]\d)(?=[ \-#:,;)\]]|$)")

FULL = re.compile(
    r"quota|mail ?box(?: is| has)?(?: been)?(?: currently)? (?:full|exceeded)|mailbox .{0,80}(?:is full|size limit"
    r"|over)|over ?quota|inbox is full|storage (?:space|limit|exceed|alloc)|insufficient (?:system )?(?:storage|disk"
    r"|space)"
    r"|out of (?:storage|space|disk)|not enough (?:disk )?(?:space|storage)|disk (?:full|space)|too many messages"
    r"|full mailbox|account is full|user is over|maildir over|exceeded (?:the )?(?:storage|its|disk)"
    r"|no space left|mailfolder is full|postfach .{0,40}(?:voll|überfüllt|überschritten)|boîte .{0,60}(?:pleine"
    r"|saturée)|(?:bo[iî]te|quota) .{0,30}dépass|buz[oó]n .{0,40}(?:lleno|excedi|superado)"
    r"|caixa .{0,40}(?:cheia|lotada)|casella .{0,40}piena|mailbox .{0,20}vol\b|skrzynka .{0,40}(?:pełna|przepełniona)"
    r"|переполнен|ящик .{0,30}полон|превышен.{0,20}(?:квот|лимит)"
    r"|kotası|empty the trash|邮箱(?:空间)?(?:已满|不足)"
    r"|信箱.{0,10}(?:已滿|已满)|容量.{0,10}(?:超|不足|いっぱい)|一杯|いっぱい|편지함.{0,20}(?:초과|부족"
    r"|가득)|용량.{0,10}(?:초과|부족)|đầy",
)
BLOCKED = re.compile(
    r"spam|\bblock(?:ed|ing|list)?\b|black-?list|\bpolicy\b|policies|dmarc|\bdkim\b|\bspf\b|reputation|\b(?:rbl|dnsbl"
    r"|sbl|pbl|xbl)\b|spamhaus|barracuda|unsolicited|\bbulk\b|\bbanned\b|relay(?:ing)? (?:access )?(?:denied|not|is)"
    r"|not (?:permitted|allowed) to (?:relay|send)"
    r"|we do not relay|unable to relay|authentication (?:is )?required|unauthenticated|must (?:be )?authenticat"
    r"|reverse dns|ptr record|poor|rejected (?:by|due to|for) (?:content|policy|security"
    r"|filter)|(?<!not )listed (?:at|in|on"
    r"|by)|content filter"
    r"|access denied|administrative(?:ly)? prohibit|not authori[sz]ed|permission|sender (?:address )?(?:rejected"
    r"|denied|verif|not|domain|unknown|is)|(?:unknown|invalid|bad) sender|domain of sender|suspicious|phish|abuse"
    r"|rejected your message|restricted|prohibited"
    r"|message (?:was )?(?:rejected|refused) (?:by|due|as)|does not accept mail from|refus(?:ed|ing) (?:mail"
    r"|connection)s? from|your (?:ip|server|host|domain)|from your|helo|ehlo|tls|encrypt|垃圾"
    r"|拒绝|拒絕|迷惑|スパム|스팸|차단|спам"
    r"|отклонен",
)
SIZE = re.compile(
    r"(?:message|mail|size|attachment).{0,60}(?:too (?:big|large)|exceed|larger than|over(?:size| the)|maximum)"
    r"|exceed(?:s|ed)? .{0,40}(?:size|maximum|limit)|size limit|too (?:big|large)|zu gro(?:ß|ss)|trop (?:volumineux"
    r"|gros|grand)|demasiado grande"
    r"|muito grande|troppo grande|te groot|слишком большо|邮件.{0,10}(?:过大|太大|超)|サイズ",
)
REFUSED = re.compile(
    r"virus|malware|infect|executable|attachment.{0,40}(?:not|type|block|refus)|8-?bit|conversion|line too long"
    r"|content (?:rejected|refused|not accepted)|病毒|ウイルス|바이러스|вирус"
)
LATER = re.compile(
    r"gr[ea]y-?list|try(?:ing)? again|temporar|tempor(?:arily|ary)|rate limit|ratelimit|throttl"
    r"|too many (?:connection|recipient|mail|message|error|invalid)|too (?:fast|frequent)|deferred|limit exceeded"
    r"|concurrent|频率|频繁|later",
)
CLOSED = re.compile(
    r"disabled|inactiv|suspend|deactivat|locked|not active|no longer (?:active|in use|used|accept|available|valid)"
    r"|account (?:has )?(?:been )?(?:expired|closed|frozen|terminated)|mailbox (?:is )?(?:frozen|unavailable"
    r"|not available|closed|temporarily)|deaktiviert|gesperrt|désactivé|desactivad"
    r"|disattivat|заблокирован|неактив|отключен|停用|冻结|凍結|禁用|휴면|정지|停止",
)
LOST = re.compile(
    r"timed? ?out|time-?out|connection (?:refused|failed|reset|dropped|closed|lost|was)|could ?n[o']?t? connect"
    r"|cannot connect|unable to connect|no route|unreachable|retry time|expired|too long in (?:the )?queue"
    r"|in the queue too long|not respond|did not respond"
    r"|network|hop count|too many hops|loop|deferral|no answer|server (?:is )?(?:down|busy|unavailable)"
    r"|lost connection|4\.4\.[127]|接続|连接|超时|연결",
)
NOBODY = re.compile(
    r"user (?:is )?(?:unknown|not (?:found|known|exist|local|listed|here))|unknown (?:user|recipient|address|mailbox"
    r"|local|account|login|to address|e-?mail)|no such (?:user|recipient|mailbox|address|account|person|local|email"
    r"|name|domain)|(?:user|recipient|mailbox|address|account|alias|inbox|person|e-?mail)[^.\n]{0,100}(?:does not"
    r"|doesn'?t|do not|not) exist"
    r"|(?:recipient|address(?:ee)?|mailbox|account|destination)s? (?:is |was |address )?(?:unknown|not (?:found|known"
    r"|exist)|invalid|could not be found|cannot be found)|recipient (?:address )?(?:rejected: )?(?:user )?unknown"
    r"|invalid (?:recipient|mailbox|user|address|to\b)|bad (?:destination|recipient|mailbox)|recipientnotfound"
    r"|resolver\.adr\.(?:recip|exrecip)\w*notfound"
    r"|not (?:a valid|listed in|a known|in (?:our|the) (?:directory|database|users))|no mailbox (?:here|by that"
    r"|with that)|isn'?t (?:a )?(?:valid|known)|there is no (?:such )?(?:user|mailbox|account|one)|(?:doesn'?t"
    r"|does not) have (?:a|an|any) (?:\S{1,80} )?account|no account|delivery to non-?existent|non-?existent"
    r"|nonexistent|not our customer|no longer (?:with|works|employed)"
    r"|(?:host|domain|name)(?: name)?[^.\n]{0,100}(?:not found|unknown|does not exist|doesn'?t exist"
    r"|could not be found)|unknown (?:host|domain)|host not found|no such (?:host|domain)|nxdomain|unrouteable"
    r"|unroutable|(?:all relevant mx records point to|no mx|couldn'?t find any host)|no valid (?:recipient|host|mx)"
    r"|address (?:couldn'?t|could not|wasn'?t) be? ?found|couldn't be found|wasn't found at"
    r"|unbekannt(?:er|e|es)? (?:empf|benutzer|adress|user)|(?:empfänger|benutzer|adresse"
    r"|postfach)[^.\n]{0,60}(?:unbekannt|existiert nicht|nicht gefunden|nicht bekannt|nicht vorhanden|ungültig)"
    r"|(?:utilisateur|destinataire|adresse|compte|bo[iî]te)[^.\n]{0,60}(?:inconnu|n'existe pas|introuvable|invalide"
    r"|inexistant)"
    r"|(?:usuario|destinatario|direcci[oó]n|buz[oó]n|cuenta)[^.\n]{0,60}(?:desconocid|no existe"
    r"|no (?:se )?(?:ha )?(?:sido )?encontr|inexistente|no v[aá]lid|inv[aá]lid)|(?:usuário|destinatário|endereço"
    r"|caixa|conta)[^.\n]{0,60}(?:desconhecid|não existe|inexistente|não (?:foi )?encontrad|inválid)"
    r"|(?:utente|destinatario|indirizzo|casella)[^.\n]{0,60}(?:sconosciut|non esiste|inesistente"
    r"|non (?:è stat[oa] )?trovat|non valid)|(?:gebruiker|ontvanger|adres|mailbox)[^.\n]{0,60}(?:onbekend"
    r"|bestaat niet|niet gevonden|ongeldig)|(?:użytkownik|adres|odbiorca|konto)[^.\n]{0,60}(?:nieznan|nie istnieje"
    r"|nie znaleziono)"
    r"|(?:пользовател|адрес|ящик|получател)[^.\n]{0,60}(?:не существует|не найден|неизвест|недействит)|нет такого"
    r"|неизвестный (?:пользователь|получатель|адрес)|такого пользователя нет|немає такого|kullanıcı (?:bulunamadı"
    r"|yok)|ismeretlen (?:felhasználó|címzett)|neexistuj|ei ole olemassa|finns inte|findes ikke|finnes ikke"
    r"|okänd (?:användare|mottagare)"
    r"|(?:收件人|用户|用戶|邮箱|郵箱|地址|帐号"
    r"|帳號)[^\n]{0,20}(?:不存在|未找到|无效|無效|找不到|错误)|不存在的(?:用户|邮箱|地址|收件人)|(?:ユーザ|宛先|アドレス|受信者"
    r"|受取人)[^\n]{0,30}(?:存在し|見つかり|不明|間違|ありません)"
    r"|(?:사용자|수신자|주소|계정|받는 사람)[^\n]{0,30}(?:없|존재하지|찾을 수|잘못)|không tồn tại"
    r"|không tìm thấy|غير موجود|غير معروف|לא קיים|אינו קיים",
)


def error_of(status: str, words: str) -> SendError:
    """``status``: the enhanced code of a report, or empty; ``words``: what the server said."""
    said = words[:4000]
    code = best_status(status, said)
    reply = next(iter(REPLY.findall(said)), "")
    return SendError(kind(code, reply, ADDRESS.sub("~", said).lower()), code or reply, one_sentence(said))


def best_status(status: str, words: str) -> str:
    """What the last server said beats what the reporting one made of it, and ``5.0.0`` says nothing at all."""
    said = [code for code in ENHANCED.findall(words) if not code.startswith("2.")]
    precise = [code for code in said if code not in EMPTY]
    if status in ("", *EMPTY) or (precise and status in BAD_ADDRESS and not set(precise) <= BAD_ADDRESS):
        hardly = [code for code in precise if code not in BAD_ADDRESS]
        return next(iter(hardly or precise or said), status)
    return status


def kind(status: str, reply: str, words: str) -> ErrorClass:
    if status in BAD_ADDRESS:
        return other_than_nobody(words) or ErrorClass.BAD_ADDRESS
    if status and status not in EMPTY:
        return by_code(status, words)
    known = other_than_nobody(words)
    if known:
        return known
    if NOBODY.search(words) and not reply.startswith("4"):
        return ErrorClass.BAD_ADDRESS
    if CLOSED.search(words) or LOST.search(words) or reply.startswith("4"):
        return ErrorClass.UNREACHABLE
    return ErrorClass.CONTENT if reply == "552" else ErrorClass.UNKNOWN


def by_code(status: str, words: str) -> ErrorClass:
    if status.startswith("4."):
        return ErrorClass.UNREACHABLE
    subject = status.rpartition(".")[0]
    family = BY_STATUS.get(status) or (ErrorClass.UNREACHABLE if subject == "5.4" else BY_SUBJECT.get(subject))
    if family:
        return family
    if FULL.search(words) or CLOSED.search(words):
        return ErrorClass.UNREACHABLE
    return ErrorClass.CONTENT if SIZE.search(words) else ErrorClass.UNKNOWN


def other_than_nobody(words: str) -> ErrorClass | None:
    """The reason that speaks against a wrong address, whatever the code beside it."""
    if FULL.search(words):
        return ErrorClass.UNREACHABLE
    if SIZE.search(words) or REFUSED.search(words):
        return ErrorClass.CONTENT
    if BLOCKED.search(words):
        return ErrorClass.SENDER
    if LATER.search(words) or (CLOSED.search(words) and not NOBODY.search(words)):
        return ErrorClass.UNREACHABLE
    return None


def one_sentence(words: str) -> str:
    """On one line, at most 300 characters."""
    return " ".join(words.split())[:TEXT].strip()
