"""One mail in the two forms it travels in: SendGrid's JSON and a real `.eml`; both say the same.

Rules (RFC 2046, 2369, 8058, 6047): text first, then HTML, then the calendar, each once and none empty; the same
calendar bytes again as an attachment for older clients; CR and LF in a header value are refused, never stripped. What
SendGrid logs holds nothing personal: the touch only as its hash, the playbook as category.
"""

import base64
import json
import unicodedata
from binascii import b2a_qp
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.policy import compat32
from email.utils import format_datetime, formataddr
from typing import Any

from sendgrid.helpers import mail as sg

from activities.invites import Calendar

MAX_HTML = 102_000
"""Gmail cuts what is longer, the unsubscribe link in the footer with it. Bytes."""
_FILE = compat32.clone(linesep="\r\n", mangle_from_=False)


class UnsendableError(Exception):
    """This text or address cannot be sent as it is; the author of the template, or whoever keeps the customer's data,
    must change it. The message says what, without the personal part.
    """


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A display name and an address, both one line; the domain may hold any letters."""

    name: str
    email: str

    def address(self) -> Address:
        """The address as mail servers take it: the domain in IDNA, the local part as it is.

        Raises:
            UnsendableError: the name or the address cannot stand in a header.
        """
        local, at, domain = self.email.rpartition("@")
        if not (local and at and domain and local.isascii()):
            raise UnsendableError("an address is not one that mail servers take")
        try:
            return Address(one_line(self.name, "a name") if self.name else "", local, domain.encode("idna").decode())
        except (ValueError, UnicodeError) as error:
            raise UnsendableError("an address is not one that mail servers take") from error


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to one person, complete. `unsubscribe_url` is empty for teammates, `calendar` None where none is sent."""

    touch_hash: str
    category: str
    to: Mailbox
    sender: Mailbox
    reply_to: Mailbox
    subject: str
    text: str
    html: str
    unsubscribe_url: str = ""
    calendar: Calendar | None = None

    def __post_init__(self) -> None:
        """Check what no provider should have to refuse.

        Raises:
            UnsendableError: a header value of several lines, an empty part, or HTML that mail clients cut.
        """
        one_line(self.subject, "the subject")
        for box in (self.to, self.sender, self.reply_to):
            box.address()
        if not self.text.strip() or not self.html.strip():
            raise UnsendableError("the mail has no text")
        if len(self.html.encode()) >= MAX_HTML:
            raise UnsendableError(f"the mail's HTML is longer than {MAX_HTML:,} bytes; mail clients cut it")


def one_line(value: str, what: str) -> str:
    """`value` itself, if it can stand in a header.

    Raises:
        UnsendableError: it is empty or holds a line break or another control character; refused, because a line break
            could begin a header of its author's choice.
    """
    if not value.strip():
        raise UnsendableError(f"{what} is empty")
    if any(unicodedata.category(letter) in {"Cc", "Zl", "Zp"} for letter in value):
        raise UnsendableError(f"{what} holds a line break or a control character")
    return value


def list_headers(mail: Mail) -> dict[str, str]:
    """The headers of one-click unsubscribing (RFC 8058); none in mail to teammates."""
    if not mail.unsubscribe_url:
        return {}
    return {"List-Unsubscribe": f"<{mail.unsubscribe_url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def to_parts(mail: Mail) -> dict[str, str]:
    """The mail as the outbox keeps it: `text`, `html`, `ics` where it invites, and `head`, the rest as JSON. Its `.eml`
    is made when somebody asks for it.
    """
    boxes = {name: [box.name, box.email] for name, box in _boxes(mail).items()}
    head: dict[str, Any] = {"hash": mail.touch_hash, "unsubscribe": mail.unsubscribe_url, **boxes}
    parts = {"text": mail.text, "html": mail.html}
    if mail.calendar is not None:
        head["method"] = mail.calendar.method
        parts["ics"] = mail.calendar.data.decode()
    return {**parts, "head": json.dumps(head)}


def _boxes(mail: Mail) -> dict[str, Mailbox]:
    return {"to": mail.to, "sender": mail.sender, "reply_to": mail.reply_to}


def of_parts(parts: Mapping[str, str], subject: str) -> Mail:
    """The mail that `to_parts` kept."""
    head = json.loads(parts["head"])
    boxes = {name: Mailbox(*head[name]) for name in ("to", "sender", "reply_to")}
    calendar = Calendar(head["method"], parts["ics"].encode()) if "ics" in parts else None
    text, html = parts["text"], parts["html"]
    return Mail(
        head["hash"],
        "",
        **boxes,
        subject=subject,
        text=text,
        html=html,
        unsubscribe_url=head["unsubscribe"],
        calendar=calendar,
    )


def to_eml(mail: Mail, at: datetime) -> bytes:
    """The mail as a file that any mail program opens. `at`: aware, the date that it shows.

    Of the older classes of `email`: reading each header back as the newer `EmailMessage` does takes ten times as long.
    """
    content = MIMEMultipart("alternative", None, [_part(mail.text, "plain"), _part(mail.html, "html")], policy=_FILE)
    message = content
    if mail.calendar is not None:
        content.attach(_invite(mail.calendar))
        attached = _invite(mail.calendar)
        attached["Content-Disposition"] = 'attachment; filename="invite.ics"'
        message = MIMEMultipart("mixed", None, [content, attached], policy=_FILE)
    message["From"] = _written(mail.sender)
    message["To"] = _written(mail.to)
    message["Reply-To"] = _written(mail.reply_to)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{mail.touch_hash}@{mail.sender.address().domain}>"
    for name, value in list_headers(mail).items():
        message[name] = value
    return message.as_bytes()


def _written(box: Mailbox) -> str:
    """As a header takes it: a name that is not ASCII in encoded words, any other quoted where it has to be."""
    address = box.address()
    name = address.display_name
    return formataddr((name if name.isascii() else Header(name, "utf-8").encode(), address.addr_spec))


def _part(text: str, kind: str) -> MIMENonMultipart:
    part = MIMENonMultipart("text", kind, charset="utf-8", policy=_FILE)
    part["Content-Transfer-Encoding"] = "quoted-printable"
    part.set_payload(b2a_qp(text.encode()).decode())
    return part


def _invite(calendar: Calendar) -> MIMENonMultipart:
    part = MIMENonMultipart("text", "calendar", charset="UTF-8", method=calendar.method, policy=_FILE)
    part["Content-Transfer-Encoding"] = "base64"
    part.set_payload(base64.encodebytes(calendar.data).decode())
    return part


def to_sendgrid(mail: Mail) -> dict[str, Any]:
    """The body of SendGrid's `POST /v3/mail/send`, made by its own SDK.

    SendGrid's subscription tracking would add a second List-Unsubscribe and its click tracking would rewrite the signed
    links, so both are off.
    """
    sender, to, reply_to = mail.sender.address(), mail.to.address(), mail.reply_to.address()
    message = sg.Mail()
    message.from_email = sg.From(sender.addr_spec, sender.display_name)
    message.reply_to = sg.ReplyTo(reply_to.addr_spec, reply_to.display_name)
    message.subject = sg.Subject(mail.subject)
    message.add_to(sg.To(to.addr_spec, to.display_name))
    message.add_content(sg.Content("text/plain", mail.text))
    message.add_content(sg.Content("text/html", mail.html))
    if mail.calendar is not None:
        kind = f"text/calendar; method={mail.calendar.method}"
        message.add_content(sg.Content(kind, mail.calendar.data.decode()))
        message.add_attachment(
            sg.Attachment(
                sg.FileContent(base64.b64encode(mail.calendar.data).decode()),
                sg.FileName("invite.ics"),
                sg.FileType(kind),
                sg.Disposition("attachment"),
            )
        )
    for name, value in list_headers(mail).items():
        message.add_header(sg.Header(name, value))
    message.add_custom_arg(sg.CustomArg("touch", mail.touch_hash))
    message.add_category(sg.Category(mail.category))
    message.tracking_settings = sg.TrackingSettings(
        click_tracking=sg.ClickTracking(enable=False, enable_text=False),
        subscription_tracking=sg.SubscriptionTracking(enable=False),
    )
    body: dict[str, Any] = message.get()
    return body
