"""Gives customers their foreign_id in go~mus: those whose ids are spelt anew, and those whom it had before."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from syncd.domain.changes import Create, Update
from syncd.domain.runs import Status, Summary, Trigger
from syncd.plan.figures import find_pairs
from syncd.runs.drawing import drawing_up
from syncd.runs.lookups import find_lookups
from syncd.runs.renaming import Renamer
from syncd.runs.run import Run, opening, run
from syncd.runs.world import Sync, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Linking:
    """What came of it: new ids with why they could not be given, where they could not."""

    summary: Summary
    failures: Mapping[str, str]


def link_renamed(sync: Sync, world: World, pairs: Mapping[str, str]) -> Linking:
    """Give customers their new ids; `pairs` are new ids with the old ones, as a person has seen them.

    Raises LeaseTaken where another process runs this sync, and StateUnusable.
    """
    failures: dict[str, str] = {}
    with opening(sync, world, trigger=Trigger.LINK, may_move=False) as run:
        summary = run.conduct(lambda now: _link(run, pairs, failures, now))
    return Linking(summary=summary, failures=failures)


def _link(run: Run, pairs: Mapping[str, str], failures: dict[str, str], now: datetime) -> Summary:
    run.settle_what_was_begun()
    lookups = find_lookups(run.sync, run.world, now)
    progress = lambda count: run.world.progress("reading", count, None)  # noqa: E731 - one line, used once
    with drawing_up(
        run.sync, run.recall(now), lookups, progress=progress, stop_if_asked=run.world.stop_if_asked
    ) as drawn:
        found = {new: old for new, old in find_pairs(drawn.plan).items() if pairs.get(new) == old}
        failures |= dict.fromkeys(pairs.keys() - found.keys(), "is no longer a new id beside an absent one")
        twice = {old for old, number in Counter(found.values()).items() if number > 1}
        failures |= {
            new: "is one of several new ids for the same old one" for new, old in found.items() if old in twice
        }
        unfit = found.keys() - failures.keys()
        for create in drawn.plan.spool.changes(Create):
            if create.foreign_id in unfit:
                run.world.stop_if_asked()
                unfit.remove(create.foreign_id)
                reason = _rename(run, create, found[create.foreign_id])
                failures |= {create.foreign_id: reason} if reason else {}
        failures |= dict.fromkeys(unfit, "its record is not fit for go~mus yet: mend it in the source first")
    status = Status.PROBLEMS if failures else Status.DONE
    return run.summary(status)


def _rename(run: Run, create: Create, old: str) -> str | None:
    """Why it could not be done."""
    renamer = Renamer(delivery=run.delivery, ledger=run.ledger, account=run.account)
    outcome = renamer.rename(create, (run.sync.name, old))
    return outcome if isinstance(outcome, str) else outcome.error


def link_matched(sync: Sync, world: World, foreign_ids: Collection[str], *, takes_source: bool) -> Summary:
    """Carry out the links of these alone; what is empty in go~mus is filled.

    Where `takes_source`, what differs is sent too, as far as the guard at first contact lets it through; otherwise it
    is left to the next run. Raises what `run` raises.
    """
    kinds = {Create, Update} if takes_source else {Create}
    limits = replace(sync.limits, actions=sync.limits.actions & kinds)
    only = frozenset(foreign_ids)
    return run(replace(sync, only=only, limits=limits, audit_per_run=0), world, trigger=Trigger.LINK)
