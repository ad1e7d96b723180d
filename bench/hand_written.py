"""H: ONBOARD-14 as an engineer would write it by hand, one activity a step: the peer of `steps`."""

from datetime import timedelta
from typing import TypedDict

from temporalio import workflow

ONBOARD_14 = (0, 0, 0, 1, 3, 3, 5, 7, 7, 10, 14, 14, 14, 21)
"""The day of every step: 14 steps at 8 moments."""
TEXT = "Hello Lena, " + "what to do next stands here, in the words that the customer reads. " * 3


class StepInput(TypedDict):
    """About 330 bytes of JSON, as a rendered message or its references take."""

    key: str
    customer: str
    step: str
    to: str
    text: str


@workflow.defn
class HandWritten:
    """One customer's onboarding, from day 0 to day 21."""

    @workflow.run
    async def run(self, customer: str, day: float) -> None:
        """`day`: seconds that a day lasts."""
        began = workflow.now()
        for number, on in enumerate(ONBOARD_14):
            wait = began + timedelta(seconds=on * day) - workflow.now()
            if wait > timedelta(0):
                await workflow.sleep(wait)
            step = f"step-{number}"
            told = StepInput(key=f"{customer}/{step}", customer=customer, step=step, to="csm", text=TEXT)
            await workflow.execute_activity("step", told, start_to_close_timeout=timedelta(minutes=1))
