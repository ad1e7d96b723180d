"""SendGrid's mail endpoint: takes what the real one takes, refuses what it refuses, remembers."""

from typing import Any

import icalendar

from tests.fakes.provider import Answer, FakeProvider, Seen

SEND = "/v3/mail/send"
KEY = "SG.test-key"


class FakeSendGrid(FakeProvider):
    """`mails`: the bodies it took, oldest first."""

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[dict[str, Any]] = []

    @property
    def touches(self) -> list[str]:
        """The touch hash of each mail it took."""
        return [mail["custom_args"]["touch"] for mail in self.mails]

    @property
    def meetings(self) -> set[tuple[bytes, ...]]:
        """The meetings that a calendar would show of the mails taken: UID, SEQUENCE and start."""
        found = set()
        for mail in self.mails:
            (event,) = icalendar.Calendar.from_ical(mail["content"][2]["value"]).walk("VEVENT")
            found.add(tuple(bytes(event.get(name).to_ical()) for name in ("UID", "SEQUENCE", "DTSTART")))
        return found

    def take(self, seen: Seen) -> Answer:
        if seen.path != SEND:
            return Answer(404, {"errors": [{"message": "Not Found", "field": None}]})
        if seen.headers.get("Authorization") != f"Bearer {KEY}":
            return Answer(401, {"errors": [{"message": "Permission denied, wrong credentials", "field": None}]})
        fault = _fault(seen.body)
        if fault:
            return Answer(400, {"errors": [{"message": fault[1], "field": fault[0], "help": None}]})
        self.mails.append(seen.body)
        return Answer(202, "", {"X-Message-Id": f"message-{len(self.mails)}"})


def _fault(body: dict[str, Any]) -> tuple[str, str] | None:
    contents = [content["type"].partition(";")[0] for content in body["content"]]
    if contents[:2] != ["text/plain", "text/html"]:
        return "content", "If present, text/plain must be first, followed by text/html, followed by any other content."
    if any(not content["value"] for content in body["content"]):
        return "content.value", "The content value must be a string at least one character in length."
    if len(body["personalizations"]) != 1 or len(body["personalizations"][0]["to"]) != 1:
        return "personalizations", "One person a mail."
    if "@" not in body["personalizations"][0]["to"][0]["email"]:
        return "personalizations.0.to.0.email", "Does not contain a valid address."
    return None
