"""Formats of log lines: `line` for people, `json` for programs.

Used without Django's settings by granian's main process (`granian_logs.json`).
"""

import json
import logging
import os
import time
from datetime import UTC, datetime

from shortlinks.observability import request_ids
from shortlinks.observability.scrubbing import scrub

LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class LineFormatter(logging.Formatter):
    converter = staticmethod(time.gmtime)
    default_msec_format = "%s.%03dZ"

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
        present = {name: value for name, value in fields.items() if value is not None}
        return json.dumps(present, ensure_ascii=False)

    def _exception(self, record: logging.LogRecord) -> str | None:
        if not record.exc_info:
            return None
        return scrub(self.formatException(record.exc_info))


class OneLineFilter(logging.Filter):
    """A filter that shortens a message to one line of at most 200 characters.

    Anybody can send requests with a wrong host, each of which is logged.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = record.getMessage()[:200], ()
        record.exc_info = record.exc_text = None
        return True


FORMATTERS: dict[str, type[logging.Formatter]] = {
    "line": LineFormatter,
    "json": JsonFormatter,
}
FORMATS = list(FORMATTERS)


def formatter() -> logging.Formatter:
    """Return the formatter for LOG_FORMAT, which the settings validate."""
    return FORMATTERS.get(os.environ.get("LOG_FORMAT", ""), LineFormatter)()
