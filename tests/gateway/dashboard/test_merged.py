"""A customer that was merged, and the one it goes on as, on the dashboard."""

from typing import Any

import httpx
import pytest

from store import customers
from store.database import Database

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]


async def test_each_of_the_two_leads_to_the_other_and_nothing_is_offered_at_the_merged_one(
    browser: httpx.AsyncClient, acme: str, send: Any, signup: Any, db: Database
) -> None:
    await send(signup("evt_2", id="globex", name="Globex <Inc>"), message="msg_2")
    answer = await send(
        {"type": "customer.merged", "id": "evt_3", "data": {"customer": "globex", "into": "acme"}}, message="msg_3"
    )
    assert answer.status_code == 202
    with db.read() as c:
        globex = customers.find(c, "globex")
    assert globex is not None
    gone = (await browser.get(f"/customers/{globex.id}")).text
    assert f'Merged into <a href="/customers/{acme}">Acme</a>' in gone
    assert 'name="back" value="customer"' not in gone
    assert ">left<" not in gone
    into = (await browser.get(f"/customers/{acme}")).text
    assert f'<a href="/customers/{globex.id}">Globex &lt;Inc&gt;</a>' in into
    assert 'action="/answers/hold"' in into
    page = (await browser.get("/")).text
    assert page.count(">merged<") == 1
