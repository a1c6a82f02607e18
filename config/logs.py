"""How log lines look: for people (`line`) or for programs (`json`).

Needs neither Django nor settings, since granian's own process logs too, by
`granian_logs.json`.
"""

import json
import logging
import os
from datetime import UTC, datetime

from shortlinks.observability import request_ids
from shortlinks.observability.scrubbing import scrub

LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class LineFormatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__(LINE)

    def format(self, record: logging.LogRecord) -> str:
        request_id = request_ids.current()
        line = scrub(super().format(record))
        return f"{line} [{request_id}]" if request_id else line


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": scrub(record.getMessage()),
            "process": record.process,
            "request_id": request_ids.current() or None,
            "task": request_ids.current_task() or None,
            "exception": self._exception(record),
        }
        told = {name: value for name, value in fields.items() if value is not None}
        return json.dumps(told, ensure_ascii=False)

    def _exception(self, record: logging.LogRecord) -> str | None:
        if not record.exc_info:
            return None
        return scrub(self.formatException(record.exc_info))


FORMATTERS: dict[str, type[logging.Formatter]] = {
    "line": LineFormatter,
    "json": JsonFormatter,
}
FORMATS = list(FORMATTERS)


def formatter() -> logging.Formatter:
    """By LOG_FORMAT; a bad value is reported by the settings, not here."""
    return FORMATTERS.get(os.environ.get("LOG_FORMAT", ""), LineFormatter)()
