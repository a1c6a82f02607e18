"""Mask tokens and short codes in logs, errors and traces.

Our own code does not log them, but libraries may.
"""

import re

from shortlinks.domain.links import codes

STARS = "***"
TOKEN = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}")
# Details of Postgres' errors contain rows: addresses, user agents, names.
DETAIL = re.compile(r"(DETAIL|CONTEXT):.*")
# Only as a segment of a path.
CODE = re.compile(rf"/[{codes.ALPHABET}]{{{codes.LENGTH}}}(?![\w/-]|\.\w)")


def scrub(text: str) -> str:
    masked = CODE.sub(f"/{STARS}", TOKEN.sub(STARS, text))
    return DETAIL.sub(rf"\1: {STARS}", masked)
