"""Every error this package raises, and nothing else.

```
TrackingError
├── ConfigError            a file under config/ says something impossible (file, key, what to do)
│   └── PriceError           a price list does (file, line, what to do)
├── DatasetError           a sales CSV, or a batch's inputs, can't be used (row, column, what to do)
├── UsageError             token counts that contradict each other
├── LedgerError            the ledger can't be opened, read or written
│   └── LedgerVersionError   it was written by a newer program
├── QueueError             a run could not be handed to a worker
└── ModelUnavailable       a model is configured but can't be used here (key, package, weights)

BudgetExceeded           a call does not fit a budget; raised in its place, before it is sent
RunStopped               a run ends before its time, as was asked for; raised in place of its next call
```

These two stand apart, as asyncio's CancelledError does: clients and crewai take an `Exception` for a
failure of the provider, and would make the call again.

A message says what was found, where, and what to do about it.
"""


class TrackingError(Exception):
    """Base of every error raised by this package."""


class ConfigError(TrackingError):
    """A configuration file says something that can't be used."""


class PriceError(ConfigError):
    """A price can't be used: it is impossible, overlaps another, or is finer than the ledger's money."""


class DatasetError(TrackingError):
    """A sales file, or a file of inputs, can't be used. `row` counts from 1 with the header as row 1."""

    def __init__(self, message: str, *, row: int | None = None, column: str | None = None) -> None:
        super().__init__(message)
        self.row = row
        self.column = column


class UsageError(TrackingError):
    """Token counts contradict each other (a negative count, a part larger than its whole)."""


class LedgerError(TrackingError):
    """The ledger can't be opened, read or written."""


class LedgerVersionError(LedgerError):
    """The ledger was written by a newer version of this program."""


class QueueError(TrackingError):
    """A run could not be handed to a worker."""


class ModelUnavailable(TrackingError):
    """A configured model can't be used on this machine."""


class BudgetExceeded(BaseException):
    """A call does not fit a budget, and was not sent.

    Attributes:
        refusal: which budget, and by how much (`domain.standing.Refusal`); None: it could not be asked.
    """

    def __init__(self, message: str, refusal: object = None) -> None:
        super().__init__(message)
        self.refusal = refusal


class RunStopped(BaseException):
    """A run ends before its time, as somebody or a setting asked. Raised in place of its next call."""
