"""What the team lacks for what the playbooks do in its name. Part of `authoring.lint`."""

from collections.abc import Iterable

from authoring.diagnostics import Report
from authoring.team import Team
from lifecycle.actions import Invite
from lifecycle.playbook import Lifecycle, Playbook


def meeting_rooms(books: Iterable[Playbook], lifecycle: Lifecycle, team: Team, report: Report) -> None:
    """A finding for each teammate who holds meetings and has no room: those with the organizer's role, and where nobody
    has it, those of the first role that stands in for it.
    """
    held: dict[str, str] = {}
    for book in books:
        for step in book.steps:
            if not isinstance(step.action, Invite):
                continue
            roles = (step.action.organizer, *lifecycle.roles.get(step.action.organizer, ()))
            hosts = ([one for one in team.people if role in one.roles] for role in roles)
            for host in next(filter(None, hosts), ()):
                held.setdefault(host.id, f'"{step.id}" of "{book.name}"')
    for host in team.people:
        if host.id in held and not host.meeting_url:
            what = f'"{host.id}" holds meetings, such as {held[host.id]}, and has no meeting_url'
            fix = f"add meeting_url: https://meet.example.com/{host.id}."
            report.add("no-meeting-url", team.places[host.id], what, fix)
