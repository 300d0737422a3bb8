"""The one base class of the errors that a user may see."""


class WinnowError(Exception):
    """What a user is told: one sentence with the value, the limit, what was not done, and what to do.

    ``exit_code`` is the process exit code that the command line documents for this kind of error.
    """

    exit_code = 1


class BadInputError(WinnowError):
    """Outside data (a recording, a settings file, a graph, a sidecar) cannot be used as it is."""

    exit_code = 2


class LostDataError(WinnowError):
    """Something that should have been kept was lost; what and where is in the message."""

    exit_code = 3


class UnavailableError(WinnowError):
    """Something outside this process is needed and not there: a port, a server, disk space, a program."""

    exit_code = 4
