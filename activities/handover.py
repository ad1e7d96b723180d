"""What a teammate takes over at a customer: the open tasks of the roles, and a card that says what is to be done.

The tasks stand in the database, so they are handed on there; doing it again changes nothing. Questions and meetings
come with cards and mails of their own.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from activities import cards
from activities.cards import Card
from activities.scene import Scene, moment_of, read_source
from activities.variables import title_of
from lifecycle.commands import HandOver
from store import meetings, projections, team
from store.projections import TaskRow
from store.releases import DatabaseReleases


def mine(c: Connection, releases: DatabaseReleases, scene: Scene, command: HandOver) -> list[TaskRow]:
    """The open tasks that go to whoever takes the roles: of those that had them, by the role a task was raised for."""
    left = {person.id for person in scene.team.values()}
    found = []
    for task in projections.open_tasks(c, scene.customer.id, set(command.roles.values())):
        source = read_source(releases, scene.customer.catalogue, task.release, task.step)
        owner = source.owner
        roles = [owner if role == "owner" else role for role in (*(source.step.to if source.step else ()), owner)]
        taken = [role for role in command.roles if command.roles[role] == task.to]
        if set(taken) & set(roles) or task.to not in left:
            found.append(task)
    return found


def give(c: Connection, those: Sequence[TaskRow], command: HandOver) -> None:
    """Hand the tasks on."""
    projections.hand_tasks(c, [task.task for task in those], command.to)


def card(c: Connection, scene: Scene, command: HandOver, taken: Sequence[TaskRow]) -> Card | None:
    """What whoever takes over finds to do; None where nothing waits."""
    zone = scene.reader_zone
    own = [task for task in projections.open_tasks(c, scene.customer.id, {command.to}) if task not in taken]
    lines = [f"{task.title}, due {moment_of(task.due_at, zone)}" for task in (*taken, *own)]
    held = meetings.to_come(c, scene.customer.id, command.due)
    those = (one for one in held if command.to in (one.organizer, *one.guests))
    lines += [f"a meeting, {moment_of(one.starts_at, zone)}" for one in those]
    if not lines:
        return None
    before = ", ".join(sorted(team.named(c, command.roles.values()).values()))
    roles = ", ".join(title_of(role) for role in command.roles)
    why = f" ({command.reason})" if command.reason else ""
    listed = "".join(f"\n• {cards.escape(line)}" for line in lines)
    body = f"From {cards.escape(before)}{cards.escape(why)}, as {cards.escape(roles)}. What is open:{listed}"
    return cards.message_card(f"{scene.customer.name} is yours now", body)
