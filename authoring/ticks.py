"""Ticks of tasks as lines of events name them: the task of a step, or of a reply, wherever the customer lives.

A line knows roles; ids of customers, teammates and contacts are those of a scenario, in which a person is called as the
role. `called` says the same of a customer whose people have ids of their own.
"""

from collections.abc import Mapping
from dataclasses import replace

from authoring.simulate import CUSTOMER
from lifecycle import touches
from lifecycle.messages import TaskTicked
from lifecycle.responses import REPLY_TASK

REPLY = "reply"
"""The task that a contact's answer to a mail raises in every play, for no step of it."""


def of_step(playbook: str, play: int, step: str, nth: int, to: str) -> str:
    """The task of a step in a play and a round, for a role."""
    return f"{CUSTOMER}/{playbook}/{play}/{step}/{nth}/task/{to}"


def of_reply(playbook: str, play: int, nth: int, contact: str, owner: str) -> str:
    """The task that the n-th reply to a play's mails raises for the playbook's owner."""
    return f"{CUSTOMER}/{playbook}/{play}/{REPLY}/{nth}/{REPLY_TASK}{contact}/{owner}"


def called(event: TaskTicked, customer: str, people: Mapping[str, str], contacts: Mapping[str, str]) -> TaskTicked:
    """The tick as it is of a customer. `people`, `contacts`: role to id."""
    touch = touches.read(event.task)
    role = touch.part.removeprefix(REPLY_TASK)
    part = touch.part if role == touch.part else f"{REPLY_TASK}{contacts.get(role, role)}"
    task = "/".join((customer, touch.play, touch.step, touch.nth, part, people.get(touch.to, touch.to)))
    return replace(event, task=task, by=people.get(event.by, event.by))


def step_of(task: str) -> str:
    """The step of a task."""
    return touches.read(task).step


def same(one: str, other: str) -> bool:
    """Whether two touches are of one task, whatever the ids of customer and contact are."""
    first, second = touches.read(one), touches.read(other)
    return (first.play, first.step, first.nth, first.to) == (second.play, second.step, second.nth, second.to)
