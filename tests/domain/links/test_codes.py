import re
import string
from urllib.parse import quote, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlinks.domain.links import codes
from shortlinks.domain.links.codes import Address

CODE = "AbcdefGHJKLm"


def address(raw: str | bytes) -> Address | None:
    """Find the code as redirects do, which get the path decoded and as it was sent."""
    safe = "/&%;=,!'()*:@+$[]|<>~"
    sent = raw if isinstance(raw, bytes) else quote(raw, safe=safe).encode()
    path = unquote_to_bytes(sent).decode("utf-8", "replace")
    return codes.from_path(path, sent)


def find(raw: str | bytes) -> str | None:
    found = address(raw)
    return found.code if found else None


def test_new_code_is_twelve_characters_of_base58() -> None:
    made = {codes.generate() for _ in range(1000)}

    assert len(made) == 1000
    assert all(find(f"/{code}") == code for code in made)
    assert set("".join(made)) == set(codes.ALPHABET)


@pytest.mark.parametrize(
    "glued",
    ["", "/", ".", ")", ").", "…", "»", '"', "/)", "*", "**", "_", "~", "`", "|", "-",
     "—", "=", "+", "„", "“", "«", "‹", "\u00a0", " ", "  ok", "\n", "\r\n", "\t",
     "\u200b", "\u200e", "\u2060", "\ufeff", "。）", "、", "！", "😀", "👍🏽", "<br>",
     "<br/>", "</a>", "</p>", "&nbsp;", "&quot;,", "&amp;", "&#8203;", "&lt;/a&gt;",
     ";jsessionid=1A", "посмотрите", ",посмотрите", "/index.html", "](https://x.example)",
     "%22%3E", "%0D", "%C2%A0", "%25C2%25A0", "%E2%80%8B", "\\", "^", "'s"],
)  # fmt: skip
def test_what_is_glued_behind_a_code_is_ignored(glued: str) -> None:
    assert address(f"/{CODE}{glued}") == Address(CODE)


@pytest.mark.parametrize(
    "glued",
    ["/", "//", " ", "\u200b", "\ufeff", "%20", "%E2%80%8B", "%2520", "(", "«", '"',
     "<", "&lt;", "&nbsp;", "<b>", "*", "—", "смотри:", "👉", "\n", "%EF%BB%BF/"],
)  # fmt: skip
def test_what_is_glued_before_a_code_is_ignored(glued: str) -> None:
    assert address(f"/{glued}{CODE}") == Address(CODE)
    assert address(f"/{glued}{CODE}{glued}") == Address(CODE)


@pytest.mark.parametrize(
    ("glued", "query"),
    [
        ("&utm_source=tg", b"utm_source=tg"),
        ("&amp;utm_source=tg", b"utm_source=tg"),
        ("&amp;a=1&amp;b=2", b"a=1&amp;b=2"),
        ("%3Futm_source%3Dtg%26b=2", b"utm_source=tg&b=2"),
        ("%3Fa=1%2526", b"a=1%26"),
        ("%253Fa%253D1", b"a=1"),
        ("%26a=1", b"a=1"),
        ("/&a=b%20c", b"a=b%20c"),
        ("&copy=1", b"copy=1"),
        ("&copy;", b""),
        ("&flag", b"flag"),
        ("&amp;flag", b"flag"),
        ("&flag&a=1", b"flag&a=1"),
        ("&a=1&flag", b"a=1&flag"),
        ("%26flag", b"flag"),
        ("%2526flag", b"flag"),
        ("/&no-cache.1", b"no-cache.1"),
        ("&copyright", b"copyright"),
        # Text, and entities that HTML allows without ";".
        ("&copy", b""),
        ("&nbsp", b""),
        ("&amp", b""),
        ("&amp&flag", b""),
        ("&flag ok", b""),
        ("&flag, ok", b""),
        ("& flag", b""),
        ("&", b""),
        ("&&", b""),
        ("&флаг", b""),
        ("&" + "a" * 65, b""),
    ],
)
def test_glued_parameters_are_the_query(glued: str, query: bytes) -> None:
    assert address(f"/{CODE}{glued}") == Address(CODE, query)


def test_broken_utf_8_is_ignored() -> None:
    assert find(b"/" + CODE.encode() + "привет".encode("cp1251")) == CODE
    assert find(b"/" + CODE.encode() + b"%EF%F0%E8") == CODE


@pytest.mark.parametrize(
    "path",
    ["/", "", "/wp-login.php", f"/{CODE}x", f"/{CODE[:-1]}", f"/x/{CODE}", f"/a{CODE}",
     "/AbcdefGHJKL0", "/AbcdefGHJKLО", f"/x-{CODE}", f"/{CODE}%41", f"/%41{CODE}",
     "/" + "a" * 5000, "/" + "%" * 5000, "/" + "&" * 5000, "/" + "<a " * 2000],
)  # fmt: skip
def test_other_paths_have_no_code(path: str) -> None:
    assert find(path) is None


@pytest.mark.parametrize(
    "piece", ["-", "%2D", "%252D", "%252d", "&lt;", "&gt;", "<br>", "</a>"]
)
def test_search_ends_after_some_glued_characters(piece: str) -> None:
    assert find(f"/{piece * (codes.MAX_GLUED - 1)}{CODE}") == CODE
    assert find(f"/{piece * codes.MAX_GLUED}{CODE}") is None
    assert find(f"/{'-' * codes.MAX_SEARCHED}{CODE}") is None


@pytest.mark.parametrize(
    "junk", ["-", "&", "%", "%2D", "%252D", "&amp;", "%26amp;", "<a ", "<a b>"]
)
def test_code_before_a_long_path_is_found(junk: str) -> None:
    assert find(f"/{CODE}{junk * 4000}") == CODE
    assert find(f"/-{CODE}{junk * 4000}") == CODE


def test_code_is_read_to_its_end() -> None:
    for size in range(codes.MAX_SEARCHED - 40, codes.MAX_SEARCHED):
        spaces = "%2520" * (size // 5) + "-" * (size % 5)

        assert find(f"/{spaces}{CODE}x") is None


texts = st.text(max_size=12)
made_codes = st.text(codes.ALPHABET, min_size=codes.LENGTH, max_size=codes.LENGTH)
alphanumeric = string.ascii_letters + string.digits


@given(before=texts, code=made_codes, behind=texts, times=st.integers(0, 2))
def test_glued_forms_of_a_code_open_no_other(
    before: str, code: str, behind: str, times: int
) -> None:
    glued = f"{before}{code}{behind}"
    for _ in range(times):
        glued = quote(glued)
    found = find(f"/{quote(glued)}")

    assert found in {None, code} or found in before + behind


@given(before=st.text(max_size=12), code=made_codes, behind=st.text(max_size=12))
def test_no_letter_or_digit_touches_a_code(before: str, code: str, behind: str) -> None:
    signs = re.compile("[A-Za-z0-9%&<]")
    found = find(f"/{quote(signs.sub('', before) + code + signs.sub('', behind))}")

    assert found == code


@given(st.text(alphanumeric, max_size=30).filter(lambda run: len(run) != codes.LENGTH))
def test_longer_and_shorter_runs_have_no_code(run: str) -> None:
    assert find(f"/{run}") is None
    assert find(f"/*{run}*") is None


@given(st.binary(max_size=60))
def test_any_bytes_are_answered(raw: bytes) -> None:
    found = find(b"/" + raw)

    assert found is None or found.encode() in unquote_to_bytes(unquote_to_bytes(raw))
