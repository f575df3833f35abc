"""What stops the task server from starting, or a request from being served."""


class FolderError(Exception):
    """The folder or the environment lacks something, or holds what cannot be used; the text is one line."""


class BadLink(Exception):
    """A page was asked for with parameters that no worker site sends; the text is for the worker."""


class DatabaseError(Exception):
    """The leases' database failed; the text is one line and holds no values."""


class PageError(Exception):
    """The page of one unit cannot be made: its row is broken, or the template does not fit it."""
