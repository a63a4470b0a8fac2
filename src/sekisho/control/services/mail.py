"""Alerts by e-mail: one message to all addresses, handed to a server that sends it on."""

import asyncio
import contextlib
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from sekisho.control.services.alerts import Alert, NotTaken
from sekisho.core.error import SekishoError
from sekisho.core.secret import Secret
from sekisho.routing.alerts_entry import EmailEntry

PATIENCE = 10.0
"""Seconds for each step of the conversation."""


class Mail:
    """Implements `alerts.Channel`."""

    name = "email"

    def __init__(self, entry: EmailEntry):
        self._entry = entry

    async def deliver(self, alert: Alert) -> None:
        """See `alerts.Channel`."""
        # The standard library waits for the server: in a thread, so that calls do not.
        await asyncio.to_thread(self._deliver, alert)

    def _deliver(self, alert: Alert) -> None:
        try:
            server = self._connected()
            try:
                refused = server.send_message(self._message(alert))
            finally:
                with contextlib.suppress(OSError):  # what was taken stays taken, however it says goodbye
                    server.quit()
        except SekishoError as error:  # a variable is not set
            raise NotTaken(error.message, again=False) from None
        except smtplib.SMTPRecipientsRefused as error:
            codes = {code for code, _ in error.recipients.values()}
            raise NotTaken("it refused all addresses", again=all(code < 500 for code in codes)) from None
        except smtplib.SMTPResponseException as error:
            raise NotTaken(f"it answered {error.smtp_code}", again=error.smtp_code < 500) from None
        except smtplib.SMTPNotSupportedError:
            raise NotTaken("it offers no STARTTLS, or no login", again=False) from None
        except OSError as error:
            raise NotTaken(error.strerror or type(error).__name__, again=True) from None
        except UnicodeError:
            raise NotTaken("user and password are not all ASCII", again=False) from None
        if refused:
            raise NotTaken(f"it refused {len(refused)} of the addresses", again=False)

    def _connected(self) -> smtplib.SMTP:
        entry = self._entry
        server: smtplib.SMTP
        if entry.encryption == "tls":
            server = smtplib.SMTP_SSL(entry.host, entry.port, timeout=PATIENCE, context=self._context())
        else:
            server = smtplib.SMTP(entry.host, entry.port, timeout=PATIENCE)
        try:
            if entry.encryption == "starttls":
                server.starttls(context=self._context())
            if entry.user is not None and entry.password is not None:
                server.login(Secret(entry.user).resolve(), Secret(entry.password).resolve())
        except (OSError, SekishoError, UnicodeError):
            server.close()
            raise
        return server

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._entry.ca_file)

    def _message(self, alert: Alert) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._entry.sender
        message["To"] = ", ".join(self._entry.to)
        message["Subject"] = f"Sekisho: {alert.percent} % of a limit used"
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=self._entry.sender.partition("@")[2])
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(f"{alert.text}\n\nLimit: {alert.limit}\n")
        return message
