"""Documents that steps made: for the team on the dashboard, for a person behind a signed link.

A signed link opens only what was made for the person it was made for. All of it is GET and changes nothing.
"""

import asyncio
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import Connection

from activities import papers
from activities.delivery import Delivery
from activities.links import DocumentsLink, read_documents
from activities.mime import UnsendableError
from gateway.dashboard import Dashboard
from gateway.pages import Pages
from gateway.refusals import RefusedError
from store import customers, documents
from store.database import Database, now
from store.documents import Document


@dataclass(frozen=True, slots=True)
class DocumentPages:
    """The pages. `keys` sign the links, the newest last; `delivery`: what texts say of this installation."""

    db: Database
    pages: Pages
    dashboard: Dashboard
    keys: tuple[str, ...]
    delivery: Delivery

    def router(self) -> APIRouter:
        """The routes; none of them is part of the API."""
        router = APIRouter(include_in_schema=False)
        for path, page in (
            ("/customers/{customer}/papers/{kind}", self.paper_page),
            ("/customers/{customer}/documents/{name:path}", self.document_page),
            ("/documents/{token}", self.shared_page),
            ("/documents/{token}/{name:path}", self.shared_document),
        ):
            router.add_api_route(path, page, methods=["GET"], response_class=HTMLResponse)
        return router

    async def document_page(self, request: Request, customer: str, name: str) -> HTMLResponse:
        """One document, for the team."""
        self.dashboard.session(request)
        found = await self.dashboard.read(lambda c: documents.get(c, f"{customer}/{name}"))
        if found is None:
            raise RefusedError("document", "There is no such document.", "Go back to the customer.", status=404)
        return await self._show(request, found)

    async def paper_page(self, request: Request, customer: str, kind: str) -> HTMLResponse:
        """A document as of now, which is not kept."""
        self.dashboard.session(request)
        found = await self.dashboard.read(lambda c: self._paper(c, customer, kind))
        return await self._show(request, found)

    async def _show(self, request: Request, document: Document) -> HTMLResponse:
        home = await self.dashboard.read(lambda c: customers.get(c, document.customer))
        return await self.dashboard.show(request, "document", document=document, home=home)

    def _paper(self, c: Connection, customer: str, kind: str) -> Document:
        there = papers.shelf(c)
        try:
            home = customers.get(c, customer)
            if there is None:
                raise papers.NoSuchKindError(())
            return papers.write(c, there, self.delivery, home, kind, home.clock.virtual(now()))
        except LookupError:
            raise RefusedError(
                "document", "There is no such document.", "Go back to the customer.", status=404
            ) from None
        except UnsendableError as error:
            raise RefusedError(
                "document", f"It cannot be written: {error}.", "Mend it, and try again.", status=422
            ) from None

    async def shared_page(self, token: str) -> HTMLResponse:
        """The documents that were made for the link's person."""
        link = read_documents(self.keys, token)
        if not isinstance(link, DocumentsLink):
            return self._refusal(link)
        found, zone = await asyncio.to_thread(self._of, link)
        return self.pages.show("pages/documents.html", documents=found, zone=zone, token=token)

    async def shared_document(self, token: str, name: str) -> HTMLResponse:
        """One of them."""
        link = read_documents(self.keys, token)
        if not isinstance(link, DocumentsLink):
            return self._refusal(link)
        made, _ = await asyncio.to_thread(self._of, link)
        found = next((item for item in made if item.name == name), None)
        if found is None:
            return self._refusal("forged")
        return self.pages.show("pages/document.html", document=found, token=token)

    def _of(self, link: DocumentsLink) -> tuple[tuple[Document, ...], str]:
        """The documents, and the zone of the customer they are about."""
        with self.db.read() as c:
            made = documents.of(c, link.customer, link.person)
            return made, customers.zones(c, [link.customer]).get(link.customer, "UTC")

    def _refusal(self, why: str) -> HTMLResponse:
        return self.pages.show("pages/documents-closed.html", status=404 if why == "forged" else 410)
