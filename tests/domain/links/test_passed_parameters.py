import ada_url
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shortlinks.domain.links import passed_parameters
from shortlinks.domain.links.passed_parameters import add


def test_signed_target_stays_the_same() -> None:
    target = "https://a.example/f.pdf?id=7&X-Amz-Signature=abc%3D"

    assert add(target, b"fbclid=1") == target


@pytest.mark.parametrize(
    "spelled",
    ["user", "user[]", "user[0]", "user[a][b]", "%20user", "+user", "%09user",
     "user%00", "user%00x", "%75ser", "USER", "user%5B%5D", "x=1;user", "%20user[]",
     "++user", "%20%20+user[", "user[", "user%5B", "user[x", "user[[]]", "user[][]",
     "user" + "[a]" * 70, "%u0075ser", "%U0075s%u0065r", "u%u0073er[]", "user%u0000x",
     "%00;user", "user%5b0%5D[1]", "user;"],
)  # fmt: skip
def test_visitor_does_not_replace_a_parameter_of_the_target(spelled: str) -> None:
    target = "https://a.example/?user=1"

    assert add(target, f"{spelled}=2&b=3".encode()) == f"{target}&b=3"


@pytest.mark.parametrize("own", ["a_b", "a.b", "a%20b", "a+b", "a_b[]"])
@pytest.mark.parametrize("passed", ["a_b", "a.b", "a+b", "a.b[c]"])
def test_names_that_php_reads_alike_are_one(own: str, passed: str) -> None:
    target = f"https://a.example/?{own}=1"

    assert add(target, f"{passed}=2".encode()) == target


@pytest.mark.parametrize("own", ["a_b", "a.b", "a[b", "a%5Bb", "a%20b", "+a+b"])
@pytest.mark.parametrize(
    "passed", ["a[b", "a%5Bb", "%20a[b", "a%u005bb", "a[b%00c", "A[B", "a[b;c", "a.b[["]
)
def test_bracket_that_is_not_closed_is_an_underscore(own: str, passed: str) -> None:
    target = f"https://a.example/?{own}=1"

    assert add(target, f"{passed}=2".encode()) == target


@pytest.mark.parametrize(
    "passed", ["u[ser", "u]ser", "use", "user_", "user.x", "[user]", "[user", "u%73"]
)
def test_other_names_are_passed_on(passed: str) -> None:
    target = "https://a.example/?user=1"

    assert add(target, f"{passed}=2".encode()) == f"{target}&{passed}=2"


@given(st.binary(max_size=100))
def test_target_keeps_its_parameters(query: bytes) -> None:
    target = "https://a.example/p?a=1&b=%20"

    assert add(target, query).startswith(target)


def test_long_query_is_not_passed_on() -> None:
    query = b"a=" + b"1" * passed_parameters.MAX_QUERY_LENGTH

    assert add("https://a.example/", query) == "https://a.example/"


@settings(max_examples=2000, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=40).filter(lambda query: b"#" not in query))
def test_query_never_changes_the_origin_or_breaks_the_header(query: bytes) -> None:
    result = add("https://shop.example/sale?x=1", query)

    parsed = ada_url.URL(result)
    assert (parsed.origin, parsed.pathname) == ("https://shop.example", "/sale")
    assert parsed.search.startswith("?x=1")
    assert result.isascii()
    assert result.isprintable()


def test_query_in_utf8_is_percent_encoded() -> None:
    result = add("https://a.example/", "utm=привет".encode())

    assert result == "https://a.example/?utm=%D0%BF%D1%80%D0%B8%D0%B2%D0%B5%D1%82"
