"""What people see: the run's own template over a row, and plain pages of this server's own."""

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from taskserver.errors import FolderError, PageError
from taskserver.leases import Lease
from taskserver.names import names, nothing_for_null
from taskserver.visit import Visit

# What a template's expressions may raise when a row is not what its author had in mind.
_TEMPLATE_ERRORS = (
    TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)


class Pages:
    """The pages of one run. Templates are compiled once, at the start."""

    def __init__(self, folder: Path) -> None:
        """FolderError when the run's template is missing or is not Jinja2."""
        templates = Path(__file__).parent / "templates"
        own = Environment(
            loader=FileSystemLoader(templates),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._message = own.get_template("message.html")
        self._refused = own.get_template("refused.html")
        self._reporter = (templates / "reporter.html").read_text("utf-8")
        try:
            source = (folder / "template.html").read_text("utf-8-sig")
            self._task = ImmutableSandboxedEnvironment(
                autoescape=True,
                undefined=StrictUndefined,
                keep_trailing_newline=True,
                finalize=nothing_for_null,
            ).from_string(source)
        except (OSError, UnicodeDecodeError) as error:
            raise FolderError(f"cannot read template.html: {error}") from error
        except TemplateSyntaxError as error:
            raise FolderError(f"template.html, line {error.lineno}: {error.message}") from error

    def task(self, row: Mapping[str, object], visit: Visit, signature: str) -> str:
        """Return the page of a unit; outside a preview with the script that reports its submission.

        PageError when the template does not fit the row, as when it names a field that the row lacks.
        """
        try:
            page = self._task.render({**names(row), **visit.template_names()})
        except _TEMPLATE_ERRORS as error:
            raise PageError("the template does not fit this row") from error
        if visit.is_preview:
            return page
        # Plain formatting: a visit's parts and a signature hold nothing that could end a string or a script.
        reporter = self._reporter % {
            "submit_url": visit.submit_url,
            "assignment_id": visit.assignment_id,
            "worker_id": visit.worker_id,
            "signature": signature,
        }
        body, end, rest = page.rpartition("</body>")
        return f"{body}{reporter}{end}{rest}" if end else page + reporter

    def refused(self, cap: int, leases: list[tuple[Lease, str]], now: float) -> str:
        """Return the page that says what to finish first; each lease has the signature that ends it."""
        return self._refused.render(title="First finish what you have open", cap=cap, leases=leases, now=now)

    def message(self, title: str, *paragraphs: str) -> str:
        """Return a plain page that says one thing."""
        return self._message.render(title=title, paragraphs=paragraphs)
