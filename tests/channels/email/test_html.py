"""Mail as HTML: harmless on the agent's screen, and readable as text."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.email.html import as_text, is_too_deep, pictures, sanitised
from tests.channels.email.mails import mail, read

LIVE = re.compile(r"<\s*(script|style|iframe|object|embed|form|input|svg|math|link|meta|base)|\son\w+\s*=", re.I)
PIECES = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<a href='javascript:alert(1)'>", "<svg onload=x>",
    "<style>*{}</style>", "</p>", "<p>", "<table><td>", "<math><mtext><table><mglyph><style>", "<!--", "-->",
    "<a href='//evil.example/'>", "<b>", "</b>", "<textarea>", "<title>", "&lt;script&gt;", '"', "'", "<xmp>", "text",
    "<img src='cid:a\">'>", "<form action=x>", "<iframe srcdoc='<script>'>", "<select><option>", "<template>",
    "<plaintext>", "\x00", "<noscript>",
]  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("<p onclick='x()' style='position:fixed' class=a id=b>Hi</p>", "<p>Hi</p>"),
        ("<img src='https://spy.example/1.gif' alt=Logo>", '<img data-remote="https://spy.example/1.gif" alt="Logo">'),
        (
            "<img src='HTTPS://spy.example/1.gif' data-remote='javascript:x()'>",
            '<img data-remote="https://spy.example/1.gif">',
        ),
        ("<img src='http://spy.example/1.gif'>", "<img>"),
        ("<img src='//spy.example/1.gif'>", "<img>"),
        ("<img src='data:image/png;base64,AA'>", "<img>"),
        ("<img src='cid:logo'>", '<img src="cid:logo">'),
        ("<a href='//evil.example'>x</a>", '<a rel="noopener noreferrer nofollow">x</a>'),
        ("<a href='ftp://evil.example'>x</a>", '<a rel="noopener noreferrer nofollow">x</a>'),
        ("<a href='page.html'>x</a>", '<a rel="noopener noreferrer nofollow">x</a>'),
        (
            "<a href='https://riverton.example' target=_top>x</a>",
            '<a href="https://riverton.example" rel="noopener noreferrer nofollow">x</a>',
        ),
        ("a<script>alert(1)</script><style>p{}</style>b", "ab"),
        ("<form action='https://evil.example'><input name=pin>Pin</form>", "Pin"),
    ],
)
def test_nothing_of_a_stranger_runs_or_calls_home(sent: str, shown: str) -> None:
    assert read(mail(sent, content_type="text/html")).html == shown


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=15).map("".join))
def test_sanitising_twice_is_sanitising_once(html: str) -> None:
    once = sanitised(html)
    assert sanitised(once) == once
    for tag in re.findall(r'<(?:"[^"]*"|[^>"])*>', once):
        assert "javascript:" not in tag
        assert not LIVE.search(re.sub(r'"[^"]*"', '""', tag))


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Dear city,</p><p>my bin<br>is full.</p>", "Dear city,\n\nmy bin\nis full."),
        ("<div>one\n  two</div><div>three</div>", "one two\n\nthree"),
        ("<ul><li>a</li><li>b</li></ul>", "a\n\nb"),
        ("<head><title>t</title><style>p{}</style></head><body>x<script>y</script></body>", "x"),
        ("<pre>a\nb</pre>", "a\nb"),
        ("a&amp;b &lt;c&gt; &nbsp; d", "a&b <c> d"),
        ("<table><tr><td>Lamp<td>7</tr><tr><th>Bin</th> <td> </td><td>8</td></tr></table>", "Lamp\t7\n\nBin\t8"),
        ("<table><tr><td><p>Lamp</p></td><td><div>7</div></td></tr></table>", "Lamp\n\n7"),
        ("", ""),
    ],
)
def test_a_mail_without_plain_text_can_be_read(html: str, text: str) -> None:
    assert as_text(html) == text


def test_a_newsletter_is_not_too_deep_and_a_trap_is() -> None:
    assert not is_too_deep("<table><tr><td><div>" * 30 + "x" + "</div></td></tr></table>" * 30)
    assert not is_too_deep("<p>one<li>two<td>three" * 1000)
    assert not is_too_deep("<b>x</b><br>" * 1000)
    assert is_too_deep("<div></span>" * 300)
    assert is_too_deep("</div>" * 300 + "<div>" * 300)


def test_words_in_html_too_deep_to_show_are_kept() -> None:
    got = read(mail("<div>" * 300 + "my bin is full", content_type="text/html"))
    assert (got.html, got.text, got.truncated) == (None, "my bin is full", True)


def test_five_megabytes_are_cleaned_in_about_a_second() -> None:
    html = "<p>hello <b>you</b> <a href=http://x.example>there</a></p>\n" * 88_000
    start = time.perf_counter()
    assert len(sanitised(html)) > 5_000_000
    assert time.perf_counter() - start < 3  # a second on a quiet machine


def test_pictures_that_lie_elsewhere_can_be_counted_and_asked_for() -> None:
    html = (
        "<img src='https://a.example/1.gif?x=1&amp;y=2'><img src='http://a.example/2.gif'><img src='cid:logo'>"
        "<p><img src='HTTPS://b.example/3.gif' alt='x'><img src='https://a.example/1.gif?x=1&amp;y=2'></p>"
        "<img data-remote='http://c.example/4'>src=\"https://d.example/5\" <img alt='src=\"https://e.example/6\"'>"
    )
    assert pictures(html) == ["https://a.example/1.gif?x=1&y=2", "https://b.example/3.gif"]
    assert pictures(sanitised(html)) == pictures(html)
    assert ' src="http' not in sanitised(html).replace('src="https://d.example/5" ', "")


def test_a_link_without_a_host_leads_nowhere() -> None:
    for href in (
        "https:page",
        "http:/page",
        "//host",
        "?x",
        "#x",
        "\x01https://x.example",
        "java\tscript:x()",
        "data:text/html,x",
    ):
        assert "href" not in sanitised(f'<a href="{href}">x</a>')


@pytest.mark.parametrize(
    "html",
    [
        "<a " + "".join(f"x{n}=1 " for n in range(300_000)) + ">",
        "".join(f"<font color=x{n}>" for n in range(240)) + "<p>x</p>" * 500_000,
        "<table><tr><td>" + "".join(f"<b title=x{n}>" for n in range(100)) + "<td>x" * 500_000,
    ],
    ids=["attributes", "letters kept from paragraph to paragraph", "letters kept from cell to cell"],
)
def test_pages_that_would_keep_a_reader_busy_are_not_parsed(html: str) -> None:
    start = time.process_time()
    assert is_too_deep(html)
    assert time.process_time() - start < 4  # a second on a quiet machine


def test_a_page_full_of_ordinary_letters_is_parsed() -> None:
    assert not is_too_deep("<p><font color=red><b>x</b> <a href=https://x.example>y</a></font></p>" * 20_000)
    assert not is_too_deep("<p><b><i>never closed" * 100)
    assert not is_too_deep(f'<img alt="{"long words " * 100}" src="https://x.example/{"x" * 3000}">')
