"""What the survey page asks, in words, for each form of `lifecycle.surveys`; and reading what was chosen."""

from collections.abc import Mapping
from dataclasses import dataclass

from lifecycle.surveys import FORMS


@dataclass(frozen=True, slots=True)
class Question:
    """One question with its choices: what the form sends and what people read. `ends`: what the first and the last
    stand for.
    """

    name: str
    legend: str
    choices: tuple[tuple[str, str], ...]
    ends: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Words:
    """A survey's page. `intro`: below its heading; `comment`: what the free text is asked for; `low`: up to this score
    people hear that we are sorry.
    """

    title: str
    intro: str
    questions: tuple[Question, ...]
    comment: str
    low: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What was chosen. `score`: None where there is none; `answers`: the choices by name."""

    score: int | None
    answers: Mapping[str, str]

    @property
    def chosen(self) -> Mapping[str, str]:
        """Each question's choice as the form has it."""
        return self.answers if self.score is None else {"score": str(self.score), **self.answers}


def _score(survey: str, legend: str, low: str, high: str) -> Question:
    scale = FORMS[survey].scale or (0, 0)
    numbers = tuple((str(n), str(n)) for n in range(scale[0], scale[1] + 1))
    return Question("score", legend, numbers, (f"{scale[0]} = {low}", f"{scale[1]} = {high}"))


_REASONS = {
    "alternative": "We found something that suits us better",
    "no_longer_needed": "We no longer need it",
    "too_expensive": "It costs too much for what we get",
    "missing_features": "It lacks something we need",
    "poor_experience": "We were not happy with the product or with the help we got",
    "other": "Something else",
}
_RETURNS = {"yes": "Yes", "maybe": "Maybe", "unlikely": "Unlikely", "no": "No"}


def words(company: str) -> Mapping[str, Words]:
    """The pages by survey."""
    recommend = f"How likely are you to recommend {company} to a colleague?"
    return {
        "nps": Words(
            "How are we doing?",
            "One question, and room for a comment if you like. It takes half a minute.",
            (_score("nps", recommend, "not at all likely", "extremely likely"),),
            "What is the main reason for your score?",
            low=6,
        ),
        "csat": Words(
            "How was our help?",
            "One question, and room for a comment if you like. It takes half a minute.",
            (_score("csat", "How satisfied are you with the help you got?", "very dissatisfied", "very satisfied"),),
            "What went well, and what should we change?",
            low=2,
        ),
        "ces": Words(
            "How easy was it?",
            "One question, and room for a comment if you like. It takes half a minute.",
            (_score("ces", f"{company} made it easy to do what I wanted.", "strongly disagree", "strongly agree"),),
            "What was harder than it should be?",
            low=3,
        ),
        "exit": Words(
            "Before you go",
            "Two questions, and room for what we should have done better. Your answer changes nothing about the end.",
            (
                Question("reason", "What is the main reason for leaving?", tuple(_REASONS.items())),
                Question("would_return", "Could you imagine coming back one day?", tuple(_RETURNS.items())),
            ),
            "What should we have done better?",
        ),
    }


def chosen(survey: str, given: Mapping[str, str]) -> Answer | None:
    """What a form says; None where a question is not answered, or with something that is no choice."""
    form = FORMS[survey]
    answers = {name: given.get(name, "") for name in form.choices}
    if any(answers[name] not in choices for name, choices in form.choices.items()):
        return None
    if form.scale is None:
        return Answer(None, answers)
    scores = {str(n): n for n in range(form.scale[0], form.scale[1] + 1)}
    score = scores.get(given.get("score", ""))
    return None if score is None else Answer(score, answers)
