"""What no log, error or trace may carry: tokens, and whole codes of short links.

Nothing of ours writes them; this is for what others raise and log.
"""

import re

from shortlinks.domain.links import codes

STARS = "***"
TOKEN = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}")
# As a segment of a path, which is where codes stand.
CODE = re.compile(rf"/[{codes.ALPHABET}]{{{codes.LENGTH}}}(?![\w/-]|\.\w)")


def scrub(text: str) -> str:
    return CODE.sub(f"/{STARS}", TOKEN.sub(STARS, text))
