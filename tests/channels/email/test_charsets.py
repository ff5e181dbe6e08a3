"""Letters of the whole world, as old and careless programs send them."""

# ruff: noqa: RUF001 - letters that look like others are what this is about

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.charsets import Decoder, charset
from tests.channels.email.mails import mail, read

GERMAN = "Guten Tag, in der Königstraße ist die Straßenlampe kaputt. Können Sie das bitte prüfen? Schöne Grüße, Jörg"
FRENCH = "Bonjour, le réverbère est éteint à côté de l'école. Ça dure déjà depuis une semaine, où faut-il écrire ?"
CZECH = "Dobrý den, v naší ulici nesvítí osvětlení, prosím o opravu. Děkuji, s pozdravem Jiří Říha ze Žižkova"
POLISH = "Dzień dobry, na naszej ulicy nie świeci latarnia. Proszę o naprawę, będę wdzięczny. Źródło: sąsiad Łukasz"
RUSSIAN = "Добрый день, во дворе уже вторую неделю не убирают мусор. Помогите, пожалуйста!"
UKRAINIAN = "Добрий день, на нашій вулиці не світить ліхтар. Допоможіть, будь ласка, її треба відремонтувати"
GREEK = "Καλημέρα σας, η λάμπα στη γωνία του δρόμου δεν ανάβει εδώ και μία εβδομάδα. Ευχαριστώ πολύ"
TURKISH = "Günaydın, sokağımızdaki çöpler toplanmıyor, lütfen yardım eder misiniz? Teşekkür ederim, İbrahim"
HEBREW = "שלום רב, הפנס ברחוב שלנו אינו פועל כבר שבוע. אנא טפלו בכך בהקדם"
ARABIC = "صباح الخير، مصباح الشارع لا يعمل منذ أسبوع. يرجى إصلاحه في أقرب وقت"
JAPANESE = "おはようございます。家の前の街灯が一週間前から消えています。修理をお願いします。"
CHINESE = "您好，我们小区的路灯已经坏了一个星期，请尽快派人来修理，谢谢。"
TAIWAN = "您好，我們社區的路燈已經壞了一個星期，請儘快派人來修理，謝謝。"
KOREAN = "안녕하세요, 우리 동네 가로등이 일주일째 꺼져 있습니다. 빨리 고쳐 주세요. 감사합니다."
THAI = "สวัสดีครับ ไฟถนนหน้าบ้านเสียมาหนึ่งสัปดาห์แล้ว กรุณาซ่อมด้วย"
LITHUANIAN = "Laba diena, mūsų gatvėje nešviečia žibintas, prašau sutvarkyti. Ačiū už pagalbą"


@pytest.mark.parametrize(
    ("declared", "codec", "text"),
    [
        ("iso-8859-1", "latin-1", GERMAN),
        ("ISO-8859-15", "iso8859-15", FRENCH + " 5 €"),
        ("windows-1252", "cp1252", GERMAN + " – 5 €"),
        ("iso-8859-2", "iso8859-2", CZECH),
        ("windows-1250", "cp1250", POLISH),
        ("iso-8859-2", "iso8859-2", POLISH),
        ("windows-1251", "cp1251", RUSSIAN),
        ("koi8-r", "koi8-r", RUSSIAN),
        ("koi8-u", "koi8-u", UKRAINIAN),
        ("iso-8859-5", "iso8859-5", RUSSIAN),
        ("cp866", "cp866", RUSSIAN),
        ("x-mac-cyrillic", "mac_cyrillic", RUSSIAN),
        ("iso-8859-7", "iso8859-7", GREEK),
        ("windows-1253", "cp1253", GREEK),
        ("iso-8859-9", "cp1254", TURKISH),
        ("windows-1254", "cp1254", TURKISH),
        ("windows-1255", "cp1255", HEBREW),
        ("iso-8859-8-i", "iso8859-8", HEBREW),
        ("windows-1256", "cp1256", ARABIC),
        ("iso-8859-6", "iso8859-6", ARABIC),
        ("iso-2022-jp", "iso2022_jp", JAPANESE),
        ("Shift_JIS", "cp932", JAPANESE),
        ("euc-jp", "euc_jp", JAPANESE),
        ("windows-31j", "cp932", JAPANESE + "①"),
        ("gb2312", "gb18030", CHINESE + "镕"),
        ("gbk", "gbk", CHINESE),
        ("gb18030", "gb18030", CHINESE),
        ("hz-gb-2312", "hz", CHINESE),
        ("big5", "big5", TAIWAN),
        ("ks_c_5601-1987", "cp949", KOREAN),
        ("euc-kr", "euc_kr", KOREAN),
        ("tis-620", "cp874", THAI),
        ("windows-874", "cp874", THAI),
        ("iso-8859-13", "iso8859-13", LITHUANIAN),
        ("windows-1257", "cp1257", LITHUANIAN),
        ("macintosh", "mac_roman", FRENCH),
        ("cp850", "cp850", GERMAN),
        ("utf-16", "utf-16", GREEK),
        ("utf-16le", "utf-16-le", GREEK),
        ("utf-32", "utf-32", KOREAN),
        ("utf8", "utf-8", THAI),
        ('"utf-8"', "utf-8", THAI),
    ],
)
def test_a_mail_is_read_in_the_alphabet_it_declares(declared: str, codec: str, text: str) -> None:
    assert Decoder().decode(text.encode(codec), declared) == text
    assert read(mail(text.encode(codec), content_type=f"text/plain; charset={declared}")).text == text


@pytest.mark.parametrize(
    ("declared", "codec", "text"),
    [
        ("us-ascii", "utf-8", GREEK),
        ("iso-8859-1", "utf-8", GERMAN),
        ("windows-1251", "utf-8", RUSSIAN),
        ("us-ascii", "cp1252", GERMAN),
        ("utf-8", "cp1252", FRENCH),
        ("utf-8", "cp1251", RUSSIAN),
        ("x-unknown", "cp1252", GERMAN),
        ("utf-8", "gb18030", CHINESE),
        ("utf-8", "cp949", KOREAN),
        ("gb2312", "utf-8", TAIWAN),
        ("euc-kr", "utf-8", JAPANESE),
    ],
)
def test_a_mail_that_declares_another_alphabet_is_read_all_the_same(declared: str, codec: str, text: str) -> None:
    assert Decoder().decode(text.encode(codec), declared) == text


@pytest.mark.parametrize("declared", ["", "us-ascii", "utf-8", "unknown-8bit"])
@pytest.mark.parametrize(
    "text",
    [
        "Grüße",
        "Müller",
        "Straße",
        "Größe: 5 m²",
        "ÜBERFÜLLT",
        "Öl",
        "Bürgerbüro – schließt um 12 Uhr…",
        "café",
        "déjà vu",
        "façade",
        "à bientôt",
        "Ça va?",
        "señor, mañana",
        "¿Dónde está el niño?",
        "não há ônibus na estação",
        "perché è così",
        "Så går det på gården, blåbærgrød",
        "“quoted” for €5",
        "þetta er íslenska, ég á heima þar",
        "naïve",
        GERMAN,
        FRENCH,
    ],
)
def test_a_few_accents_without_a_declared_alphabet_are_western(text: str, declared: str) -> None:
    assert Decoder().decode(text.encode("cp1252"), declared) == text


@pytest.mark.parametrize(
    ("codec", "text"),
    [("cp1251", RUSSIAN), ("cp1250", CZECH), ("cp932", JAPANESE), ("gb18030", CHINESE), ("cp949", KOREAN)],
)
def test_other_undeclared_alphabets_are_not_taken_for_western(codec: str, text: str) -> None:
    assert Decoder().decode(text.encode(codec)) == text


@pytest.mark.parametrize(
    "name",
    ["zlib", "rot13", "hex", "punycode", "idna", "unicode_escape", "utf-7", "undefined", "../x", "a\x00", "", "x" * 99],
)
def test_what_is_no_alphabet_or_a_dangerous_one_is_never_used(name: str) -> None:
    assert charset(name) == "" or Decoder().decode(b"+ADw-b+AD4- \\u0041", name) == "+ADw-b+AD4- \\u0041"


def test_one_mail_gets_few_guesses_and_is_read_to_its_end() -> None:
    decoder = Decoder(1)
    assert decoder.decode(RUSSIAN.encode("cp1251")) == RUSSIAN
    assert decoder.decode(RUSSIAN.encode("cp1251")) == RUSSIAN.encode("cp1251").decode("cp1252")


def test_a_letter_cut_in_two_spoils_only_itself() -> None:
    data = (GERMAN * 3).encode()
    assert Decoder().decode(data[:-1] + "ö".encode()[:1], "utf-8") == (GERMAN * 3)[:-1] + "\ufffd"


@given(st.text(min_size=1))
def test_text_in_utf_8_is_read_as_written(text: str) -> None:
    whole = text.removeprefix("\ufeff")
    assert Decoder().decode(whole.encode(), "utf-8") == whole.removeprefix("\ufeff")


@given(
    st.binary(max_size=200), st.sampled_from(["", "utf-8", "gb2312", "iso-2022-jp", "utf-16", "koi8-r", "hz", "zlib"])
)
def test_any_bytes_become_some_text(data: bytes, declared: str) -> None:
    assert isinstance(Decoder().decode(data, declared), str)
