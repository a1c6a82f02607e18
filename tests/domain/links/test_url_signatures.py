"""Signed URLs are recognized by the names and values of their parameters."""

import pytest

from shortlinks.domain.links import url_signatures
from shortlinks.domain.links.url_signatures import is_signed

DIGEST = "9b74c9897bac770ffc029102a200c5de"
BASE64 = "aiDhHXZGHidbDZZqIY14z1eHhhbZvMlzh_7u9cEIdfI"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.c2lnbmF0dXJl"


def rows() -> list[list[str]]:
    lines = url_signatures.PATH.read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines[1:]]


@pytest.mark.parametrize(
    "query",
    [
        f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=60&X-Amz-Signature={DIGEST}",
        "AWSAccessKeyId=A&Expires=1&Signature=vjbyPxybdZaNmGa%2ByT272YEAiv4%3D",
        "Policy=eyJ&Signature=nitfHRCrtziwO2H~&Key-Pair-Id=K",
        f"GoogleAccessId=a&Expires=1&X-Goog-Signature={DIGEST}",
        "sv=2022-11-02&st=2024&se=2025&sr=b&sp=r&sig=aB3%2FcD%3D",
        f"x-oss-expires=60&x-oss-signature={DIGEST}",
        f"q-sign-algorithm=sha1&q-signature={DIGEST}",
        f"temp_url_sig={DIGEST}&temp_url_expires=1",
        f"w=400&s={DIGEST}",
        "token=m0EMEkV3pNAKFB33gZuv_Q&expires=1456761770",
        "token=x&expire=1",
        "e=1451491200&token=a:b=",
        "stp=dst-jpg&oh=00_AfB&oe=69AA3F6F",
        f"ex=65d903de&is=65c68ede&hm={DIGEST}",
        "verify=1484063787-9JQB8vP1z0yc5DEBnH6JGWM3mBmvIeMrnnxFi3WtJLE%3D",
        "hdnts=exp=1~acl=/*~hmac=a1",
        "hdnea=st=1~exp=2~acl=/*~hmac=a1",
        f"token=1536399430_{DIGEST}",
        f"id=1&first_name=A&auth_date=2&hash={DIGEST}",
        f"MerchantLogin=a&OutSum=1&SignatureValue={DIGEST}",
        f"TerminalKey=1&Token={DIGEST}",
        f"MNT_ID=1&MNT_SIGNATURE={DIGEST}",
        f"m=1&oa=99&o=7&s={DIGEST}",
        f"sessid={DIGEST}",
        f"md5={DIGEST}&expires=1",
        f"auth_key=1700000000-0-0-{DIGEST}",
        f"vk_user_id=2&sign={BASE64}",
        "shop=a&hmac=1",
        "a=1&ik_sign=b",
        "merchantSig=ctY",
        f"access_token={BASE64}",
        f"payment_hash={DIGEST}",
        f"confirm={JWT}",
        f"tempauth=v1.{JWT}",
    ],
)
@pytest.mark.parametrize("spell", [str, str.swapcase])
def test_signed_url_is_recognized(query: str, spell: type[str]) -> None:
    names = [pair.partition("=") for pair in query.split("&")]
    query = "&".join(spell(name) + equals + value for name, equals, value in names)

    assert is_signed(f"https://a.example/f.pdf?{query}")
    assert is_signed(f"https://a.example/?a=1;{query}#fragment")


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/",
        f"https://a.example/signature/{DIGEST}?id=1",
        f"https://a.example/?id=1#sig={DIGEST}",
        "https://a.example/?design=1&assigned=2&sigma=3&signed=4",
        "https://a.example/?s=iphone+15",
        "https://a.example/?s=red&token=summer&hash=about&verify=1&md5=no",
        "https://a.example/?token=SUMMERSALECATALOG",
        "https://a.example/?oh=1&ex=2&is=3&e=4",
        "https://a.example/?expires=1&sig=&signature",
        f"https://a.example/?utm_campaign={DIGEST}&gclid={BASE64}&yclid=1234567890123",
        "https://yoomoney.ru/checkout/payments/v2/contract?orderId=27ae13a5-000f-5000",
        "https://a.example/?q=eyJ.a.b",
    ],
)
def test_other_urls_are_not_signed(url: str) -> None:
    assert not is_signed(url)


def test_each_line_is_sourced_and_found() -> None:
    values = {"any": "1", "random": DIGEST, "JWT": JWT}

    for parameters, value, service, source in rows():
        first, *others = parameters.replace("*", "x").split(" ")
        query = "&".join(
            [f"{first}={values[value]}", *(f"{each}=1" for each in others)]
        )
        assert is_signed(f"https://a.example/?{query}")
        assert service
        assert source.startswith("https://")
