# ruff: noqa: RUF001, E501 - words of many languages look like each other; a report is easier read unbroken
"""Reports that differ from their kind: several recipients, delays, words of their own, names without a domain."""

from typing import NamedTuple

from channels.base import ErrorClass
from tests.channels.email.bounces.making import HOST, OWN, US, group, ours, report, words

ANN, BEN, CY = "ann@lake.example.org", "ben@hill.example.org", "cy@dale.example.org"
BAD, AWAY, UNKNOWN = ErrorClass.BAD_ADDRESS, ErrorClass.UNREACHABLE, ErrorClass.UNKNOWN
OUR_FAULT, CONTENT = ErrorClass.SENDER, ErrorClass.CONTENT


class Sample(NamedTuple):
    """``expected``: recipient to the class of its failure, None where it arrived or is only late."""

    name: str
    raw: bytes
    expected: dict[str, ErrorClass | None]
    own_id: str = ""
    delayed: bool = False


SAMPLES = [
    Sample(
        "three recipients in one report",
        report(
            "\n".join(
                [
                    group(ANN, "5.1.1", "550 5.1.1 unknown"),
                    group(BEN, "5.2.2", "552 5.2.2 full"),
                    group(CY, "2.0.0", "250 ok", "delivered"),
                ]
            ),
            ANN,
        ),
        {ANN: BAD, BEN: AWAY, CY: None},
        OWN,
    ),
    Sample(
        "no empty line between two",
        report(group(ANN, "5.1.1", "550 5.1.1 unknown") + group(BEN, "5.1.1", "550 5.1.1 unknown"), ANN),
        {ANN: BAD, BEN: BAD},
        OWN,
    ),
    Sample("a late mail", report(group(ANN, "4.4.1", "connect timed out", "delayed"), ANN), {ANN: AWAY}, OWN, True),
    Sample("a late mail given up", report(group(ANN, "4.4.7", "delivery time expired"), ANN), {ANN: AWAY}, OWN),
    Sample(
        "passed on to a server that reports nothing",
        report(group(ANN, "2.1.9", "250 ok", "relayed"), ANN),
        {ANN: None},
        OWN,
    ),
    Sample("sent on to a list", report(group(ANN, "2.0.0", "", "expanded"), ANN), {ANN: None}, OWN),
    Sample(
        "an address that sends on to a dead one",
        report(group(BEN, "5.1.1", "550 5.1.1 unknown", more=f"Original-Recipient: rfc822;{ANN}\n"), ANN),
        {ANN: BAD},
        OWN,
    ),
    Sample(
        "a final recipient without a domain",
        report(
            "Original-Recipient: rfc822;" + ANN + "\nFinal-Recipient: LOCAL;ann\nAction: failed\nStatus: 5.1.1\n", ANN
        ),
        {ANN: BAD},
        OWN,
    ),
    Sample(
        "neither recipient is an address",
        report("Final-Recipient: x-local;ann\nAction: failed\nStatus: 5.1.1\n", ANN),
        {ANN: BAD},
        OWN,
    ),
    Sample("no recipient field at all", report("Action: failed\nStatus: 5.2.2\n", ANN), {ANN: AWAY}, OWN),
    Sample(
        "capital letters",
        report(f"FINAL-RECIPIENT: RFC822; {ANN.upper()}\nACTION: FAILED\nSTATUS: 5.1.1\n", ANN),
        {ANN: BAD},
        OWN,
    ),
    Sample(
        "a folded reason",
        report(
            f"Final-Recipient: rfc822;{ANN}\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp;\n 550 5.7.1 Message\n  refused by policy\n",
            ANN,
        ),
        {ANN: OUR_FAULT},
        OWN,
    ),
    Sample(
        "a hard code over soft words",
        report(group(ANN, "5.1.1", "550 5.1.1 user is over quota"), ANN),
        {ANN: AWAY},
        OWN,
    ),
    Sample(
        "a hard code over a spam rule",
        report(group(ANN, "5.1.1", "550 5.7.1 blocked, see our policy"), ANN),
        {ANN: OUR_FAULT},
        OWN,
    ),
    Sample(
        "a hard code over a greylist",
        report(group(ANN, "5.1.1", "550 5.1.1 greylisted, try again later"), ANN),
        {ANN: AWAY},
        OWN,
    ),
    Sample(
        "no code and no words",
        report(f"Final-Recipient: rfc822;{ANN}\nAction: failed\n", ANN, text="Sorry."),
        {ANN: UNKNOWN},
        OWN,
    ),
    Sample(
        "no status, the words say it",
        report(f"Final-Recipient: rfc822;{ANN}\nAction: failed\nDiagnostic-Code: smtp; 550 no such user\n", ANN),
        {ANN: BAD},
        OWN,
    ),
    Sample(
        "a domain without mail", report(group(ANN, "5.1.10", "Recipient address has null MX"), ANN), {ANN: BAD}, OWN
    ),
    Sample(
        "a domain that is not there", report(group(ANN, "5.1.2", "Host or domain name not found"), ANN), {ANN: BAD}, OWN
    ),
    Sample("a content rule", report(group(ANN, "5.6.0", "554 5.6.0 cannot convert"), ANN), {ANN: CONTENT}, OWN),
    Sample(
        "a signature rule",
        report(group(ANN, "5.7.26", "550 5.7.26 Unauthenticated mail, DMARC"), ANN),
        {ANN: OUR_FAULT},
        OWN,
    ),
    Sample("a loop", report(group(ANN, "5.4.6", "554 5.4.6 Hop count exceeded"), ANN), {ANN: AWAY}, OWN),
    Sample("a protocol error", report(group(ANN, "5.5.2", "500 5.5.2 syntax"), ANN), {ANN: UNKNOWN}, OWN),
    Sample("an address spelt wrong", report(group(ANN, "5.1.3", "501 5.1.3 bad syntax"), ANN), {ANN: BAD}, OWN),
    Sample("moved without a new address", report(group(ANN, "5.1.6", "550 5.1.6 moved"), ANN), {ANN: BAD}, OWN),
    Sample(
        "qmail with two",
        words(
            f"Hi. This is the qmail-send program at old.test.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n\n<{ANN}>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n<{BEN}>:\nThe users mailfolder is over the allowed quota (size). (#5.2.2)\n\n--- Below this line is a copy of the message.\n\nReturn-Path: <{US}>\n{ours(ANN)}",
            "failure notice",
        ),
        {ANN: BAD, BEN: AWAY},
        OWN,
    ),
    Sample(
        "exim with an alias",
        words(
            f"This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  {ANN}\n    (generated from sales@dale.example.org)\n    Unrouteable address\n",
            "Mail delivery failed: returning message to sender",
        ),
        {ANN: BAD},
    ),
    Sample(
        "exim still tries",
        words(
            f"This message was created automatically by mail delivery software.\nA message that you sent has not yet been delivered to one or more of its\nrecipients after more than 24 hours on the queue on {HOST}.\n\nThe address to which the message has not yet been delivered is:\n\n  {ANN}\n    Delay reason: Connection timed out\n\nNo action is required on your part. Delivery attempts will continue for\nsome time, and this warning may be repeated at intervals.\n",
            "Warning: message 1abc delayed 24 hours",
        ),
        {ANN: AWAY},
        delayed=True,
    ),
    Sample(
        "sendmail still tries",
        words(
            f"    **********************************************\n    **      THIS IS A WARNING MESSAGE ONLY      **\n    **  YOU DO NOT NEED TO RESEND YOUR MESSAGE  **\n    **********************************************\n\nThe original message was received at Mon, 2 Mar 2026 12:00:00 GMT\n\n   ----- Transcript of session follows -----\n<{ANN}>... Deferred: Connection timed out with mx.lake.test.\nWarning: message still undelivered after 4 hours\nWill keep trying until message is 5 days old\n",
            "Warning: could not send message for past 4 hours",
            "Mail Delivery Subsystem <MAILER-DAEMON@s.test>",
        ),
        {ANN: AWAY},
        delayed=True,
    ),
    Sample(
        "a name without a domain",
        words(
            f"Your message was not delivered to:\n\n  Ann Lake\n\nbecause: User Ann Lake is not listed in the directory\n\n----- Original message -----\n{ours(ANN)}",
            "DELIVERY FAILURE: User not listed",
            "postmaster@domino.test",
        ),
        {ANN: BAD},
        OWN,
    ),
    Sample(
        "greek",
        words(
            f"Δεν ήταν δυνατή η παράδοση του μηνύματος προς:\n\n{ANN}\n550 5.1.1 άγνωστος χρήστης",
            "Αποτυχία παράδοσης",
            "postmaster@gr.test",
        ),
        {ANN: BAD},
    ),
    Sample(
        "polish",
        words(
            f"Wiadomość nie może zostać dostarczona do odbiorcy:\n{ANN}\nPowód: konto {ANN} nie istnieje",
            "Niedostarczono: Re: Bins",
            "mailer-daemon@pl.test",
        ),
        {ANN: BAD},
    ),
    Sample(
        "swedish",
        words(
            f"Ditt meddelande kunde inte levereras till:\n{ANN}\nAnledning: brevlådan finns inte",
            "Olevererbart: Re: Bins",
            "postmaster@se.test",
        ),
        {ANN: BAD},
    ),
    Sample(
        "portuguese",
        words(
            f"A sua mensagem não pôde ser entregue ao destinatário {ANN}.\nMotivo: a caixa de correio está cheia",
            "Não entregue: Re: Bins",
            "postmaster@pt.test",
        ),
        {ANN: AWAY},
    ),
    Sample(
        "french full",
        words(
            f"Votre message n'a pas été distribué à {ANN} : la boîte du destinataire est pleine.",
            "Non remis : Re: Bins",
            "postmaster@fr.test",
        ),
        {ANN: AWAY},
    ),
    Sample(
        "german unknown",
        words(
            f"Ihre Nachricht konnte nicht zugestellt werden.\n\nEmpfänger: {ANN}\nGrund: Empfänger unbekannt",
            "Unzustellbar: Re: Bins",
            "postmaster@de.test",
        ),
        {ANN: BAD},
    ),
    Sample(
        "spanish unknown",
        words(
            f"No se ha podido entregar el mensaje.\n\nDestinatario: {ANN}\nMotivo: la cuenta no existe",
            "Mensaje no entregado",
            "postmaster@es.test",
        ),
        {ANN: BAD},
    ),
    Sample(
        "italian full",
        words(f"Impossibile recapitare il messaggio a {ANN}: casella piena", "Mancato recapito", "postmaster@it.test"),
        {ANN: AWAY},
    ),
    Sample(
        "russian unknown",
        words(
            f"Сообщение не доставлено.\n\nПолучатель: {ANN}\nПричина: нет такого пользователя",
            "Сообщение не доставлено",
            "mailer-daemon@ru.test",
        ),
        {ANN: BAD},
    ),
    Sample(
        "turkish",
        words(
            f"İletiniz şu alıcıya iletilemedi:\n\n{ANN}\n550 kullanıcı yok",
            "Teslim edilemedi: Re: Bins",
            "postmaster@tr.test",
        ),
        {ANN: BAD},
    ),
    Sample(
        "chinese full",
        words(f"邮件投递失败\n收件人: {ANN}\n原因: 收件人邮箱已满", "退信通知", "postmaster@cn.test"),
        {ANN: AWAY},
    ),
    Sample(
        "chinese unknown",
        words(f"很抱歉,您的邮件被退回。\n{ANN}\n收件人不存在", "系统退信", "postmaster@cn.test"),
        {ANN: BAD},
    ),
    Sample(
        "japanese unknown",
        words(
            f"送信できませんでした。\n<{ANN}>\n宛先のアドレスが見つかりません",
            "配信不能: Re: Bins",
            "postmaster@jp.test",
        ),
        {ANN: BAD},
    ),
    Sample(
        "korean full",
        words(
            f"메일이 전송되지 않았습니다.\n수신자: {ANN}\n사유: 편지함 용량 초과",
            "메일 전송 실패",
            "postmaster@kr.test",
        ),
        {ANN: AWAY},
    ),
    Sample(
        "vietnamese",
        words(
            f"Không thể gửi thư đến:\n{ANN}\nTài khoản không tồn tại", "Không gửi được: Re: Bins", "postmaster@vn.test"
        ),
        {ANN: BAD},
    ),
    Sample(
        "arabic",
        words(f"تعذر تسليم رسالتك إلى:\n{ANN}\nالمستلم غير موجود", "تعذر التسليم: Re: Bins", "postmaster@ar.test"),
        {ANN: BAD},
    ),
    Sample(
        "hebrew",
        words(f"לא ניתן למסור את ההודעה אל:\n{ANN}\nהנמען לא קיים", "הודעה לא נמסרה", "postmaster@il.test"),
        {ANN: BAD},
    ),
    Sample(
        "a quoted copy",
        words(
            f"Your message could not be delivered.\n\n{ANN}: user unknown\n\n> Received: from desk.riverton.example\n> From: {US}\n> To: {ANN}\n> Message-ID: {OWN}\n> Subject: Re: Bins\n>\n> Dear neighbour\n",
            "Undeliverable mail",
        ),
        {ANN: BAD},
        OWN,
    ),
    Sample(
        "an id in the answer's headers",
        words(
            f"Your message could not be delivered to {ANN}: user unknown",
            "Undeliverable: Re: Bins",
            more=f"In-Reply-To: {OWN}\n",
        ),
        {ANN: BAD},
        OWN,
    ),
    Sample(
        "help is offered by others",
        words(
            f"Your message could not be delivered to one or more recipients.\n\nFor help contact\nsupport@{HOST}\n\n<{ANN}>: 550 5.1.1 unknown user\n\nQuestions: helpdesk@{HOST}",
            "Undelivered Mail Returned to Sender",
        ),
        {ANN: BAD},
    ),
]
