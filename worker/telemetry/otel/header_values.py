"""Keeps a collector's key out of the log."""

import logging

_READER = "opentelemetry.util.re"
"""The logger of what reads OTEL_EXPORTER_OTLP_HEADERS."""


class _WithoutValue(logging.Filter):
    """Replaces the SDK's line on headers that it cannot read: it quotes them."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = "OTEL_EXPORTER_OTLP_HEADERS: not a list of name=value", ()
        return True


_WITHOUT_VALUE = _WithoutValue()


def hide() -> None:
    """Hides the values of headers from now on."""
    logging.getLogger(_READER).addFilter(_WITHOUT_VALUE)
