"""What ties an `apply` to the plan that somebody read: a key that names all that the plan stood on.

`plan` ends with it, and `apply --planned KEY` carries out that plan or nothing: not other files, not with other
options, and not onto something that was applied in between. It is checked where the rollout is written down, while
nobody else applies, so nothing can come between the check and the deed.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from authoring.planned import SHORT
from authoring.team import Team
from cli.failures import MisuseError
from cli.screen import to_copy
from lifecycle.jsonform import encode
from store import releases, rollouts
from store.rollouts import Options, Rollout

_BRIEF = 6
_KEY = re.compile(r"([0-9a-f]{12})-([0-9a-f]{12})-(\d{1,9})-([0-9a-f]{6})-([0-9a-f]{6})\Z")


class OutdatedError(Exception):
    """What would be done is not what the plan showed; the message says in what. Nothing was changed."""

    def __init__(self, reasons: list[str]) -> None:
        said = "\n".join(f"  {line}" for line in reasons)
        super().__init__(
            f"refused, and nothing was changed: this is not what was planned\n{said}\n"
            "`stageplay plan` shows what applying would do now."
        )


@dataclass(frozen=True, slots=True)
class Agreed:
    """What a plan stood on. `old`: the catalogue that was current, `new`: the one that was planned; `rollout`: the last
    that had been told to everybody it was for; `asked`: to whom, and what becomes of plays in flight; `team`: the
    people file, which an apply takes over, too.
    """

    old: str
    new: str
    rollout: int
    asked: str
    team: str

    @property
    def key(self) -> str:
        """As people copy it."""
        return f"{self.old}-{self.new}-{self.rollout}-{self.asked}-{self.team}"

    def still(self, c: Connection, digest: str, team: Team | None, options: Options) -> bool:
        """Whether it is still to be done; False: it was done already, which is no mistake after a kill.

        Raises:
            OutdatedError: something else would be done now.
        """
        since = [item for item in _told(c) if item.id > self.rollout]
        reasons = list(self._differs(digest, team, options))
        if not reasons and len(since) == 1 and self._is(since[0]):
            return False
        reasons += [_said(item) for item in reversed(since)]
        current = (releases.current(c) or "")[:SHORT]
        if not since and current != self.old:
            reasons.append(f"catalogue {current} is the current one; the plan was made when {self.old} was")
        if reasons:
            raise OutdatedError(reasons)
        return True

    def _differs(self, digest: str, team: Team | None, options: Options) -> Iterator[str]:
        if digest[:SHORT] != self.new:
            yield f"the playbooks now are catalogue {digest[:SHORT]}; the plan was of {self.new}"
        if _of_team(team) != self.team:
            yield "the people file is another one than it was for the plan"
        if _of_options(options) != self.asked:
            yield "the plan was made with other options: give --move, --late, --segment and --csm as it had them"

    def _is(self, rollout: Rollout) -> bool:
        return rollout.digest[:SHORT] == self.new and _of_options(rollout.options) == self.asked


def agree(c: Connection, digest: str, team: Team | None, options: Options) -> Agreed:
    """What a plan that is made now stands on."""
    last = max((item.id for item in _told(c) if item.finished_at is not None), default=0)
    return Agreed((releases.current(c) or "")[:SHORT], digest[:SHORT], last, _of_options(options), _of_team(team))


def read(key: str) -> Agreed:
    """A key as somebody gave it.

    Raises:
        MisuseError: it is none.
    """
    found = _KEY.match(key.strip())
    if found is None:
        raise MisuseError(f'"{key}" is not what a plan ends with; `stageplay plan` shows the command to copy')
    return Agreed(found[1], found[2], int(found[3]), found[4], found[5])


def command(agreed: Agreed, options: Options, *, release: str, segment: str, csm: str) -> str:
    """The `apply` that does just what a plan showed, to be copied into a shell. The rest: as the plan was asked."""
    parts = ["--release", release] if release else []
    parts += [part for name in options.move for part in ("--move", name)]
    parts += ["--late", options.late] if options.late != "skip" else []
    parts += ["--segment", segment] if segment else []
    parts += ["--csm", csm] if csm else []
    return to_copy(["stageplay", "apply", *parts, "--planned", agreed.key])


def _told(c: Connection) -> list[Rollout]:
    """The rollouts that changed something for customers, the newest first."""
    return [item for item in rollouts.listed(c) if not item.options.shadow]


def _said(item: Rollout) -> str:
    move = f", moving {', '.join(item.options.move)}" if item.options.move else ""
    at = f"{item.started_at:%Y-%m-%d %H:%M} UTC"
    return f"applied besides: catalogue {item.digest[:SHORT]} to {item.options.scope.text}{move} ({at})"


def _of_options(options: Options) -> str:
    scope = options.scope
    tree = encode(scope.segment)["tree"] if scope.segment else None
    return _brief([sorted(set(options.move)), options.late, tree, scope.csm])


def _of_team(team: Team | None) -> str:
    """Who is on the team and what counts for them, wherever that stands in the file."""
    return _brief(encode(replace(team, places={})) if team else None)


def _brief(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:_BRIEF]
