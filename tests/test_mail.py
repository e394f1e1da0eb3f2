"""Mail arrives at a real SMTP listener, whole and once; what fails says nothing of whom it was for."""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from uuid import UUID

import pytest
from pydantic import SecretStr

from app import mail
from app.settings import Settings

UID = UUID("6f1c2a4e-8c1b-4c55-9d0e-0d9d8e5c7a11")


@dataclass
class Listener:
    """As much of an SMTP server as a client needs; `refuse` is what it says to a recipient."""

    port: int = 0
    refuse: str = ""
    got: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One conversation."""
        writer.write(b"220 here\r\n")
        while line := (await reader.readline()).decode().strip():
            verb = line[:4].upper()
            if verb == "DATA":
                writer.write(b"354 go on\r\n")
                raw = await reader.readuntil(b"\r\n.\r\n")
                self.got.append(_read(raw[:-5]))
            elif verb == "RCPT":
                self.recipients.append(line.partition(":")[2].strip("<> "))
            answer = self.refuse if verb == "RCPT" and self.refuse else "221 bye" if verb == "QUIT" else "250 ok"
            writer.write(f"{answer}\r\n".encode())
            await writer.drain()
            if verb == "QUIT":
                break
        writer.close()


def _read(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw.replace(b"\r\n..", b"\r\n."), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    """A listening mail server."""
    made = Listener()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()
    await server.wait_closed()


def settings_for(listener: Listener | None, *, demo: bool = False) -> Settings:
    """Settings that send to this listener."""
    url = SecretStr(f"smtp://127.0.0.1:{listener.port}") if listener else None
    return Settings(
        smtp_url=url,
        mail_from="map@example.org",
        base_url="https://map.example.org/",
        title="Lambeth <map>",
        demo=demo,
    )


def letter(settings: Settings, to: str = "ada@example.org") -> mail.Message:
    """The mail of a sign-in."""
    return mail.sign_in(settings, to, UID, code="012345", token="a-b_c")


async def test_the_sign_in_mail_carries_code_and_link_in_both_forms(listener: Listener) -> None:
    settings = settings_for(listener)
    await mail.send(settings, letter(settings))
    (got,) = listener.got
    assert listener.recipients == ["ada@example.org"]
    assert (got["To"], got["Subject"]) == ("ada@example.org", "Sign in to Lambeth <map>")
    assert got["From"].addresses[0].addr_spec == "map@example.org"
    assert got["Message-ID"] == f"<sign-in-{UID}@example.org>"
    assert got["Auto-Submitted"] == "auto-generated"
    plain, page = got.get_body(("plain",)), got.get_body(("html",))
    assert plain is not None
    assert page is not None
    link = f"https://map.example.org/sign-in?sign_in={UID}&token=a-b_c"
    assert link in plain.get_content()
    assert link.replace("&", "&amp;") in page.get_content()
    assert "012345" in plain.get_content()
    assert "012345" in page.get_content()
    assert "Lambeth &lt;map&gt;" in page.get_content()


async def test_a_refusal_can_be_tried_again_and_names_nobody(listener: Listener) -> None:
    listener.refuse = "450 no such ada@example.org today"
    settings = settings_for(listener)
    with pytest.raises(mail.MailNotSent) as refused:
        await mail.send(settings, letter(settings))
    assert "ada" not in str(refused.value)
    assert refused.value.__cause__ is None
    listener.refuse = ""
    await mail.send(settings, letter(settings))
    assert len(listener.got) == 1


async def test_without_a_mail_server_the_mail_is_not_sent() -> None:
    settings = settings_for(None)
    with pytest.raises(mail.MailNotSent, match="CIVIC_SMTP_URL"):
        await mail.send(settings, letter(settings))


async def test_a_mail_server_that_is_away_is_a_reason_to_try_again(listener: Listener) -> None:
    settings = settings_for(Listener(port=1))
    with pytest.raises(mail.MailNotSent):
        await mail.send(settings, letter(settings))


async def test_the_demo_keeps_the_last_fifty_and_sends_none(listener: Listener) -> None:
    mail.sent.clear()
    settings = settings_for(listener, demo=True)
    for number in range(51):
        await mail.send(settings, letter(settings, f"p{number}@example.org"))
    assert [message.to for message in mail.sent] == [f"p{number}@example.org" for number in range(1, 51)]
    assert listener.got == []
    mail.sent.clear()
