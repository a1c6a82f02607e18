"""Names of devices and browsers, found in user agents."""

from django.utils.translation import gettext_noop

# The first word that occurs in the user agent wins, so the order matters.
SYSTEMS = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
]
BROWSERS = [
    ("Telegram", "Telegram"),
    ("WhatsApp", "WhatsApp"),
    ("Viber", "Viber"),
    ("VKAndroidApp", "VK"),
    ("Instagram", "Instagram"),
    ("FBAN", "Facebook"),
    ("YaBrowser", gettext_noop("Yandex Browser")),
    ("YaApp", gettext_noop("Yandex")),
    ("SamsungBrowser", "Samsung Internet"),
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
]


def names(user_agent: str) -> list[str]:
    """Return system and browser if recognized, such as `["iPhone", "Safari"]`."""
    found = [_first(words, user_agent) for words in (SYSTEMS, BROWSERS)]
    return [name for name in found if name]


def sql(user_agent: str) -> str:
    """Return SQL for the names of this column, as a JSON object that may have nulls."""
    pairs = {"system": SYSTEMS, "browser": BROWSERS}
    cases = [f"'{key}', {_case(words, user_agent)}" for key, words in pairs.items()]
    return f"jsonb_build_object({', '.join(cases)})"


def _case(words: list[tuple[str, str]], column: str) -> str:
    found = [f"WHEN position('{word}' in {column}) > 0 THEN '{n}'" for word, n in words]
    return f"CASE {' '.join(found)} END"


def _first(words: list[tuple[str, str]], user_agent: str) -> str:
    return next((name for word, name in words if word in user_agent), "")
