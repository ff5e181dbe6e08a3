# ruff: noqa: RUF001 - words of many languages look like each other
"""How mail servers begin a report: senders, subjects and first words, in many languages.

Subjects and words are compared in small letters. All patterns are linear: no repetition stands inside another.
"""

import re

DAEMON = re.compile(
    r"^(?:mailer[-_.]?d(?:a?e)mon|mail[-_.]?daemon|mdaemon|post-?master|postmast|mail[-_.]?(?:delivery|deliver|router"
    r"|agent|system)"
    r"|delivery[-_.]?(?:agent|subsystem|system)|bounce[-_]?(?:handler|notification|daemon)?|ndr|dsn|mmdf"
    r"|microsoftexchange[0-9a-f]{32}|exchange-?admin|maildelivery(?:subsystem|system)?|mta|smtpd?|listserv-?errors"
    r"|uce-?protect|double-?bounce|postoffice|system[-_.]?administrator|mail[-_.]?administrator)(?:[+=-][^@]*)?@",
    re.I,
)
DAEMON_NAME = re.compile(
    r"mail(?:er)?[- ]?da?emon|mail(?:er)? deliver(?:y|ing) (?:sub-?)?(?:system|service|agent)|delivery sub-?system"
    r"|system administrator|mail administrator|mail ?router|mail delivery|postmaster|system-?administrator"
    r"|administrador del sistema|administrateur syst[eè]me|amministratore di sistema|systembeheerder"
    r"|administrador do sistema|microsoft outlook$|smtp daemon|internet mail (?:delivery|connector)|mail (?:transport"
    r"|transfer) agent"
    r"|系统退信|邮件(?:投递)?系统|почтов(?:ая|ый) (?:система|демон)",
    re.I,
)

# Nobody but a mail server begins a subject like this.
SURE_SUBJECT = re.compile(
    r"^(?:\*+\s*)?(?:"
    r"message you sent was|mail failed|undeliver(?:able|ed)(?: mail)?(?::|$"
    r"| returned to sender| - |: )|undelivered mail returned|non-? ?deliver(?:y"
    r"|able)(?::| (?:report|notification|receipt))"
    r"|delivery status notification|delivery (?:failure|report|notification)\s*(?::|\(|$)|delivery (?:has )?failed"
    r"|delivery failure"
    r"|delivery (?:delayed|incomplete|error)|message delivery (?:delay|failure)|mail (?:delivery )?(?:failed|failure"
    r"|error|status report|problem)\s*(?::|-|$|returning)"
    r"|mail delivery (?:failed|failure)[: ]+return|returned (?:mail|e-?mail|message)\s*(?::|-|$)|(?:permanent"
    r"|transient|temporary) delivery failure"
    r"|failure notice|failed mail|failed delivery|failure delivery|mail system error|warning: (?:message"
    r"|could not send|mail|e-?mail)"
    r"|message (?:not delivered|undeliverable|delivery failed|status - undeliverable|could not be delivered)"
    r"|mail could not be delivered"
    r"|undeliverable (?:mail|message)|undelivered message|nondeliverable mail|non delivered mail"
    r"|delivery to .{1,100} failed|error sending message"
    r"|notification: (?:inbound|outbound) mail failure|smtp mail failed|mdaemon (?:notification|warning)"
    r"|permanent delivery|auto-?discard"
    r"|your message (?:could not be delivered|to .{1,100} (?:could not|was not|has not|couldn't))"
    r"|email (?:delivery failure|not delivered)|delayed mail"
    # German
    r"|unzustellbar|nicht zustellbar|unzustellbare nachricht|zustell(?:ung|ungs)?(?:fehl|bericht|status)"
    r"|zustellung (?:fehlgeschlagen|verz)"
    r"|benachrichtigung (?:zum|über den) (?:zustell|übermittlungs)|übermittlungsfehler|fehler bei der zustellung"
    r"|ihre nachricht (?:konnte nicht|wurde nicht) zugestellt"
    # French
    r"|non remis|message non (?:remis|distribu|délivr)|non distribuable|échec de (?:la )?(?:remise|distribution"
    r"|livraison)|echec de (?:la )?(?:remise|distribution)"
    r"|notification d'état de (?:la )?remise|avis de non[- ](?:remise|distribution)|courrier non (?:remis|délivré"
    r"|distribu)|retour de (?:mail|courrier) "
    # Spanish, Portuguese, Italian, Romanian
    r"|no se (?:puede|pudo|ha podido) entregar|no entregado|mensaje (?:no entregado|devuelto)|correo (?:no entregado"
    r"|devuelto)|imposible entregar|error (?:de|en la) entrega"
    r"|notificaci[oó]n (?:de|del) estado de (?:la )?entrega|devoluci[oó]n de correo|fallo (?:de|en la) entrega"
    r"|entrega fallida"
    r"|não entregue|nao entregue|não é possível entregar|notificação de (?:status|estado) (?:de|da) entrega"
    r"|falha na entrega|mensagem (?:não entregue|devolvida)"
    r"|e-?mail (?:não entregue|devolvido)|devolução de (?:e-?mail|mensagem)|impossível entregar"
    r"|non recapitabile|recapito non riuscito|mancato recapito|mancata consegna|messaggio non (?:recapitato"
    r"|consegnato)|impossibile recapitare|notifica (?:di )?(?:stato|mancato)"
    r"|nelivrat|mesaj nelivrat|livrare eșuată|imposibil de livrat|notificare privind starea livrării"
    # Dutch, Scandinavian, Finnish
    r"|onbestelbaar|niet bezorgd|bezorging (?:mislukt|vertraagd)|melding (?:van|over) (?:de )?bezorg"
    r"|aflevering mislukt|bericht niet (?:afgeleverd|bezorgd)|niet afgeleverd"
    r"|olevererbart|kunde inte levereras|det går inte att leverera|leverans(?:status|fel)|kan ikke leveres|uleverbar"
    r"|ikke leveret|ikke levert|leveringsstatus|ulevert"
    r"|toimittamaton|toimitus epäonnistui|ei voi(?:tu|da)? toimittaa|viestiä ei voitu toimittaa|perille toimitt"
    # Polish, Czech, Slovak, Russian, Ukrainian, Turkish, Hungarian, Greek
    r"|niedostarczon|nie można dostarczyć|niedoręcz|nie dostarczono|zwrot (?:poczty|wiadomości)"
    r"|powiadomienie o stanie dostarczenia|nedoručiteln|nedoručen|nelze doručit|zpráva nebyla doručena"
    r"|не ?доставлено|недоставленн|не удается доставить|невозможно доставить|сообщение не доставлено"
    r"|письмо не доставлено|уведомление о (?:состоянии|статусе) доставки|ошибка доставки|отчет о доставке"
    r"|не вдалося доставити|неможливо доставити|повідомлення не доставлено|недоставлен|teslim edilemedi|iletilemedi"
    r"|teslim edilemeyen|gönderilemedi|teslimat (?:durumu|hatası)"
    r"|kézbesíthetetlen|nem kézbesíthető|kézbesítési (?:hiba|állapot)|sikertelen kézbesítés|δεν παραδόθηκε"
    r"|αποτυχία παράδοσης|μη παραδοτέο|αδυναμία παράδοσης"
    # Chinese, Japanese, Korean, Vietnamese, Arabic, Hebrew
    r"|系统退信|系統退信|退信|邮件(?:投递失败|被退回|发送失败|未送达)"
    r"|郵件(?:投遞失敗|被退回|無法)|无法(?:投递|传递|送达)|無法(?:投遞|傳遞|送達|遞送)|未送达|未傳遞|未传递|传递状态通知"
    r"|傳遞狀態通知|未能送达"
    r"|配信(?:不能|エラー|できません)|配送(?:不能|エラー|状況通知)"
    r"|送信(?:エラー|できません|失敗)|メール(?:配信|送信)?(?:エラー|不達)|未配達|配信状況通知|配達不能|エラーメール"
    r"|(?:메일|전자 ?메일|메시지)\s?(?:을|를)?\s?(?:전송|배달|발송"
    r"|전달)\s?(?:실패|불가|오류)|배달(?:되지|할 수)|반송된? ?메일|전송 ?실패|발송 ?실패|배달 상태 알림"
    r"|배달되지 않음|반송"
    r"|không (?:gửi được|thể gửi|thể chuyển|gửi thành công)|thư bị trả lại|thông báo trạng thái gửi|تعذر (?:التسليم"
    r"|تسليم)|لم يتم التسليم|لم يتم تسليم|فشل (?:في )?(?:ال)?تسليم|إشعار حالة التسليم"
    r"|לא ניתן למסור|הודעה (?:לא נמסרה|שלא נמסרה)|נכשלה מסירת|לא נמסר"
    r")",
)
# Words that people use as well: they count beside a daemon or an empty sender.
LIKELY_SUBJECT = re.compile(
    r"undeliver|deliver(?:y|ed)\b.{0,40}(?:fail|problem|error|status|incomplete|delay)|(?:fail|problem|error|unable"
    r"|cannot|could not).{0,40}(?:deliver|send)"
    r"|return(?:ed|ing) (?:mail|message|to sender)|not delivered|bounce|rejected|user unknown|unknown user|warning"
    r"|delay|mail (?:error|status|failure)|delivery report|nachricht .{0,40}zugestellt"
    r"|fehler|échec|erreur|error de|devuelto|devolvid|errore|fout|недостав|ошибк|失败|失敗|エラー|실패|退回",
)
FORWARDED = re.compile(
    r"^(?:re|aw|antw|antwort|sv|vs|rv|res|r|rif|ref|odp|fwd?|wg|tr|enc|doorst|vb|vl|vid(?:eresend)?|pd|i|ynt|ilt"
    r"|továbbítás|переслано|回复|回覆|答复|转发|轉寄|回信|转寄|返信|転送|회신|전달)"
    r"\s*(?:\[\d{1,3}\])?\s*[:：]",
)
SURE_TEXT = re.compile(
    r"no valid recipients|failed address|(?:message|mail|e-?mail) you sent .{0,40}(?:blocked"
    r"|undeliverable|not delivered)|"
    r"this message was created automatically by mail delivery software|this is the mail system at host"
    r"|this is the (?:qmail|postfix|mail delivery)"
    r"|(?:i'm afraid|sorry, but) i wasn't able to deliver your message|hi\. this is the"
    r"|delivery has failed to these recipients"
    r"|your message did not reach some or all of the intended|the following (?:addresses|recipients?"
    r"|address(?:es)? had|message (?:could not|was undeliver))|the following addresses had permanent"
    r"|(?:your|the|this) (?:message|e-?mail|mail).{0,120}(?:could not be|was not|cannot be|couldn't be|has not been"
    r"|can not be|wasn't|not be) (?:successfully )?delivered"
    r"|delivery to the following recipients?|unable to deliver (?:your )?(?:the )?(?:following )?(?:message|mail|to)"
    r"|was undeliverable|undeliverable (?:mail|message|to|recipient)"
    r"|returned (?:to sender|mail|message)|(?:message|mail) (?:delivery|transfer) (?:failed|failure|error)"
    r"|could not (?:be )?deliver(?:ed)? .{0,60}(?:message|mail|recipient)"
    r"|the (?:error|reason) (?:that the other server returned|was|from the|the remote)|remote (?:server"
    r"|host) (?:returned|said)|final-recipient\s*:|transcript of session follows"
    r"|delivery status notification|delivery (?:attempt|report|notification)|mailbox (?:is )?(?:unavailable|full"
    r"|unknown)|user unknown|no such (?:user|recipient|mailbox)|failed recipients?|generating server"
    r"|konnte nicht (?:erfolgreich )?zugestellt|nicht zugestellt werden|konnte(?:n)? .{0,80} nicht (?:zugestellt"
    r"|übermittelt)|fehler bei der (?:nachrichten)?zustellung|unzustellbar"
    r"|n'a pas (?:pu être|été) (?:remis|distribu|délivr|achemin)|échec de la remise|impossible de (?:remettre"
    r"|délivrer|distribuer)|no (?:se )?(?:pudo|ha podido|puede|ha sido|pudo ser) (?:ser )?(?:entrega|enviar)"
    r"|não (?:pôde|pode|foi possível) (?:ser )?(?:entreg|enviar)|falha na entrega|non (?:è stato possibile|può essere"
    r"|ha potuto|è stato) (?:consegna|recapita|inoltra)|impossibile (?:recapitare|consegnare)"
    r"|(?:kan|kon) niet (?:worden )?(?:bezorgd|afgeleverd)|kunde inte levereras|kunne ikke leveres|ei voitu toimittaa"
    r"|nie (?:może zostać|można|mogła zostać|została) dostarcz|nemohl[ao]? být doručen|nelze doručit"
    r"|не (?:может быть|было|удалось|была?) достав|невозможно доставить|не вдалося доставити|teslim edileme|iletileme"
    r"|nem (?:sikerült|lehet) kézbesíteni|nu a putut fi livrat|δεν (?:ήταν δυνατή|μπόρεσε)"
    r"|无法(?:投递|送达|发送|传递|投送)|無法(?:投遞|送達|遞送|傳送)|退信"
    r"|未能(?:投递|送达|发送)|配信できません|送信できません|配送できません|届けることができません|お届けできません"
    r"|宛先.{0,20}見つかりません"
    r"|전송(?:에 실패|되지|할 수)|배달(?:되지|할 수)|발송(?:에 실패"
    r"|되지|할 수)|전달(?:되지|할 수)|không thể (?:gửi|chuyển|phân phát)|تعذر تسليم"
    r"|לא ניתן (?:היה )?למסור",
    re.S,
)
WARNING = re.compile(
    r"warning message only|do not need to (?:re-?send|resend)|no action is required on your part|(?:still"
    r"|will) (?:be )?(?:being )?(?:retried|retry|keep trying|continue (?:to try|trying)|try again)"
    r"|(?:has|have) (?:not yet|been delayed|not been delivered (?:yet|to one or more recipients after))"
    r"|delivery attempts will continue|delivery (?:has been |to .{0,80} )?(?:has been )?delayed"
    r"|not yet (?:been )?delivered"
    r"|keep trying|continue trying|will be retried|message (?:is )?(?:still )?(?:delayed|queued)|is delayed"
    r"|wird weiterhin versucht|weitere zustellversuche|verzögert|nicht erneut senden"
    r"|a été retardé|sera retenté|nouvelles tentatives|retrasad[ao]|seguirá intentando|se seguirá|atrasad[ao]"
    r"|continuará tentando|in ritardo|ritardata|vertraagd|försenad|forsinket|opóźnion|zpožděn"
    r"|задерж|повторны?е попытки|延迟|延遲|遅延|지연",
)
GIVEN_UP = re.compile(
    r"(?:giving|given|gave) up|could not be delivered for (?:more than )?\d|has expired|message expired|retry (?:time"
    r"|timeout)|permanent (?:error|failure|fatal)|delivery has failed|delivery (?:permanently )?failed"
    r"|will not (?:be retried|retry|try again)|undeliverable|returned to sender|no (?:further"
    r"|more) (?:delivery )?attempts|bounced",
)
