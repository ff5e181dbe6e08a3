"""What people say about being written to, in English and Spanish: what acts, what an agent settles, what is about other things."""

import time

import pytest

from channels._wishes import START_WORDS, STOP_WORDS, wish

ACTS = [
    *(
        "STOP",
        "stop",
        "Stop.",
        "STOPALL",
        "Stop all",
        "unsubscribe",
        "Cancel",
        "END",
        "quit",
        "OptOut",
        "opt out",
        "opt-out",
    ),
    *("Revoke", "ALTO", "¡Alto!", "baja", "Cancelar", "PARAR", "detener", " \n stop \n", "STOP 🙏", "arrêt", "Basta."),
]
DOUBTED = [
    *("please stop texting me", "Stop sending me messages.", "do not text this number", "Don't text me anymore"),
    *(
        "Don\u2019t contact me again",
        "I don\u2019t want any more texts",
        "please stop",
        "Stop please",
        "stop it!",
        "STOP NOW",
    ),
    *("stop contacting us", "take me off this list", "unsubscribe me please", "I want to opt out", "no more texts"),
    *(
        "I would like to unsubscribe",
        "these messages need to stop",
        "Stop these texts",
        "leave me alone",
        "stop texting",
    ),
    *(
        "never message me again",
        "I want you to stop texting me",
        "stop with the messages",
        "remove my number",
        "lose my number",
    ),
    *(
        "quit sending texts to me",
        "I no longer want to receive these messages",
        "Hi, this is Sam. Please don't send me anything",
    ),
    *("no me manden mas mensajes", "No me manden más mensajes.", "dejen de escribirme", "no me envíen más", "paren ya"),
    *(
        "quiero que dejen de enviarme mensajes",
        "¡Ya no me escriban!",
        "no quiero recibir más mensajes",
        "por favor paren",
    ),
    *(
        "No más mensajes por favor",
        "quítenme de la lista",
        "quiero darme de baja",
        "dejen de mandar mensajes",
        "borren mi número",
    ),
    *("no escriban a este número", "déjenme en paz", "no deseo recibir notificaciones", "no quiero que me escriban"),
]
OTHER_MATTERS = [
    *(
        "please stop the charge",
        "stop by my office",
        "the bus stop is broken",
        "cancel my appointment",
        "stopped",
        "yes please",
    ),
    *("quiero cancelar mi cita", "the stop sign is down", "when does it end?", "How do I get him to stop texting me?"),
    *(
        "my neighbor won't stop texting me",
        "no me mandaron el recibo",
        "no me han enviado la factura",
        "alto voltaje",
        "",
    ),
    *(
        "quiero dar de baja el servicio de agua",
        "denme de baja del servicio de agua",
        "stop at 5th and Main",
        "end of the street",
    ),
    *(
        "no me envíen la factura por correo",
        "Please stop the noise",
        "can you stop the water",
        "thanks for the message",
    ),
    *(
        "I got your text",
        "dejen de cortar los árboles",
        "no quiero la cita",
        "don't send the crew before 8",
        "stop light is out",
    ),
    *(
        "Do not enter sign is missing",
        "I will stop by tomorrow",
        "parada de autobús",
        "basta con una firma",
        "no puedo parar",
    ),
    *("I never got a message from you", "I don't need the permit", "no more parking on my street", "delete my account"),
    *(
        "the trucks need to stop",
        "did you get my message",
        "It won't stop raining",
        "I did not receive the text",
        "no tengo mensajes",
    ),
]


@pytest.mark.parametrize("said", ACTS)
def test_one_word_alone_acts_at_once(said: str) -> None:
    assert wish(said) == "revoked"


@pytest.mark.parametrize("said", ["START", "yes", "Unstop!", "Alta", "iniciar", "¡Comenzar!"])
def test_one_word_alone_begins_again(said: str) -> None:
    assert wish(said) == "given"


@pytest.mark.parametrize("said", DOUBTED)
def test_a_wish_in_plain_language_is_left_to_an_agent(said: str) -> None:
    assert wish(said) == "doubted"


@pytest.mark.parametrize("said", OTHER_MATTERS)
def test_words_about_other_things_change_nothing(said: str) -> None:
    assert wish(said) is None


def test_no_word_both_stops_and_starts() -> None:
    assert not set().union(*STOP_WORDS.values()) & set().union(*START_WORDS.values())


@pytest.mark.parametrize(
    "piece", ["stop ", "no me manden ", "please stop the ", "a", "do not send me ", "dejen de mandar a a ", "\u0301"]
)
def test_no_text_takes_long_to_judge(piece: str) -> None:
    began = time.process_time()
    wish(piece * (100_000 // len(piece)))
    assert time.process_time() - began < 0.2
