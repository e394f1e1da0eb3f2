"""Mail: composed here, sent over SMTP. The demo sends nothing and shows what it would have sent."""

import html
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from urllib.parse import unquote, urlencode, urlsplit
from uuid import UUID

import aiosmtplib

from app.settings import Settings

TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Message:
    """One mail to one address, in plain text and in HTML that says the same."""

    to: str
    subject: str
    text: str
    html: str
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    key: str = ""
    """The same for every attempt to send the same mail, so that a mail program shows one of them."""


#: The last mails of the demo, newest at the end: in this process's memory and nowhere else.
sent: deque[Message] = deque(maxlen=50)


class MailNotSent(Exception):
    """The mail has not left; trying later may help. Says why without naming who it was for."""


def sign_in(settings: Settings, to: str, uid: UUID, *, code: str, token: str) -> Message:
    """The mail that lets somebody in: six digits to type, or a link to follow, for ten minutes and once."""
    link = f"{settings.public_url}/sign-in?{urlencode({'sign_in': str(uid), 'token': token})}"
    text = (
        f"Your code for {settings.title}:\n\n    {code}\n\n"
        f"Or follow this link on the device where you asked for it:\n\n{link}\n\n"
        "Both work once, for ten minutes. If you did not ask to sign in, you need do nothing.\n"
    )
    title, address = html.escape(settings.title), html.escape(link)
    page = (
        f'<p>Your code for {title}:</p><p style="font-size:2em;letter-spacing:.2em"><b>{code}</b></p>'
        f'<p>Or <a href="{address}">follow this link</a> on the device where you asked for it.</p>'
        "<p>Both work once, for ten minutes. If you did not ask to sign in, you need do nothing.</p>"
    )
    return Message(to, f"Sign in to {settings.title}", text, page, key=f"sign-in-{uid}")


async def send(settings: Settings, message: Message) -> None:
    """Hand a mail to the mail server, or keep it for /dev/mail in the demo. Raises MailNotSent."""
    if settings.demo:
        sent.append(message)
        return
    if settings.smtp_url is None:
        raise MailNotSent("CIVIC_SMTP_URL names no mail server")
    server = urlsplit(settings.smtp_url.get_secret_value())
    try:
        await aiosmtplib.send(
            _envelope(settings, message),
            hostname=server.hostname,
            port=server.port,
            username=unquote(server.username) if server.username else None,
            password=unquote(server.password) if server.password else None,
            use_tls=server.scheme == "smtps",
            start_tls=True if server.username and server.scheme != "smtps" else None,  # no password in the clear
            timeout=TIMEOUT_S,
        )
    except (aiosmtplib.SMTPException, OSError) as error:
        # The server's own words may repeat the address.
        code = getattr(error, "code", None)
        raise MailNotSent(f"{type(error).__name__}{f' {code}' if code else ''}") from None


def _envelope(settings: Settings, message: Message) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = formataddr((settings.title, settings.mail_from))
    mail["To"] = message.to
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(message.at)
    mail["Message-ID"] = f"<{message.key}@{settings.mail_from.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notices in return
    mail.set_content(message.text)
    mail.add_alternative(message.html, subtype="html")
    return mail
