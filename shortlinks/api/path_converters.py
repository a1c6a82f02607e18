"""The converter of ids in URL paths, with the same limits as ids in bodies."""

from shortlinks.domain import integers


class IdConverter:
    """A path segment with an id that a row can have. Other numbers are 404."""

    regex = "[0-9]+"

    def to_python(self, value: str) -> int:
        id_ = integers.from_text(value, minimum=1)
        if id_ is None:
            raise ValueError  # Django then tries the other routes
        return id_

    def to_url(self, value: int) -> str:
        return str(value)
