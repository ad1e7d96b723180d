"""Addresses that nobody types: what no database can look for stands in them. PostgreSQL refuses it, SQLite does not."""

import httpx
import pytest

pytestmark = pytest.mark.anyio
PATHS = (
    "/customers/*",
    "/customers/*/note",
    "/customers/*/calls/review/2026-03-02",
    "/customers/*/papers/*",
    "/customers/x/documents/*",
    "/approvals/*/*",
    "/outbox/*",
    "/outbox/1/*",
    "/documents/token/*",
    "/static/*",
    "/*",
)


@pytest.mark.parametrize("path", PATHS)
async def test_a_path_with_a_nul_leads_to_no_page(browser: httpx.AsyncClient, acme: str, path: str) -> None:
    for written in ("%00", f"{acme}%00", "1%00"):
        answered = await browser.get(path.replace("*", written))
        assert answered.status_code == 404, written
        assert "There is no such page." in answered.text


async def test_half_a_surrogate_pair_is_nobodys_name(browser: httpx.AsyncClient) -> None:
    for path in ("/customers/%ED%A0%80", "/approvals/%ED%A0%80/%ED%A0%80", "/?named=%ED%A0%80"):
        answered = await browser.get(path)
        assert answered.status_code == (200 if "?" in path else 404), path


@pytest.mark.parametrize("name", ["press", "kind", "named", "of", "page", "before", "all", "token"])
async def test_a_query_with_a_nul_finds_nothing_and_breaks_nothing(
    browser: httpx.AsyncClient, acme: str, name: str
) -> None:
    for page in ("/", "/inbox", "/outbox", "/opportunities", f"/customers/{acme}"):
        answered = await browser.get(f"{page}?{name}=1%00")
        assert answered.status_code == 200, page
