"""The inputs of a playbook stand in what its steps send, by their names."""

from typing import TYPE_CHECKING

import pytest

from tests.fakes.sendgrid import FakeSendGrid

if TYPE_CHECKING:
    from tests.activities.conftest import Office

pytestmark = pytest.mark.usefixtures("clock")
MAIL = "Subject: {{ inputs.offer_percent }}% for {{ customer.name }}\n\nUntil {{ inputs.grace }} have passed.\n"
HTML = (
    "<mjml lang='en'><mj-body><mj-section><mj-column><mj-text>{{ inputs.grace }} {{ links.unsubscribe }}</mj-text>"
    "</mj-column></mj-section></mj-body></mjml>"
)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_mail_says_what_the_playbooks_inputs_say(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    templates = {"email/welcome.txt": MAIL, "email/welcome.mjml": HTML}
    digest = office.release(templates=templates, inputs={"offer_percent": 15, "grace": "10 days"})
    assert office.one(office.email(release=digest))[0] == "sent"
    (mail,) = sendgrid_server.mails
    assert "15% for Acme" in str(mail)
    assert "Until 10 days have passed." in mail["content"][0]["value"]
