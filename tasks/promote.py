"""Makes a run's student the champion: after a passed gate, and after people's word where the recipe asks for it."""

import logging
from collections.abc import Callable

from prefect import task
from prefect.cache_policies import NO_CACHE

from stillhouse.artifacts.store import Store
from stillhouse.registry.reference import CHAMPION
from stillhouse.registry.registry import ModelRegistry
from stillhouse.registry.version import ModelVersion
from stillhouse.reports.schema.report import Report
from tasks.champion_event import announce_champion
from tasks.orchestration.approval import Approval, ask, can_ask
from tasks.orchestration.run import Run

log = logging.getLogger("stillhouse")


@task(name="promote", task_run_name="promote", cache_policy=NO_CACHE, persist_result=False)
def move_champion(store: Store, version: ModelVersion, *, who: str, why: str) -> bool:
    """Make `version` the champion of its name and tell Prefect's automations; return True.

    Raises:
        ModelError: the version was deleted meanwhile.
        StoreError: the registry can't be read or written; the champion stays then.
    """
    move = ModelRegistry(store).promote(version.name, version.version, who=who, why=why)
    if move:
        log.info("%s is champion now", version.reference)
        announce_champion(version.name, move)
    return True


def promote_student(run: Run, report: Report, version: ModelVersion, move: Callable[..., bool] = move_champion) -> bool:
    """Make `version` the champion if the gate passed and, where the recipe asks for it, people approve.

    Returns whether it is the champion now. A version that was champion before stays as it is: who took it back had a
    reason, and a nightly run has none. `move` moves it. Not a task: a run that waits for people is suspended, and only
    a flow can be.

    Raises:
        Pause: people are asked, and this run ends until they answer (no `Exception`: the flow's engine takes it).
        StoreError: the registry can't be read or written; the champion stays then.
    """
    registry, command = ModelRegistry(run.store), f"`stillhouse models promote {version.reference}`"
    champion = registry.aliases(version.name).get(CHAMPION)
    if champion == version.version or report.gate is None or not report.gate.passed:
        return champion == version.version
    moves = registry.history(version.name)
    if any((one.alias, one.target) == (CHAMPION, version.version) and one.action != "refuse" for one in moves):
        log.info("%s was champion before: %s makes it champion again", version.reference, command)
        return False
    if run.recipe.gate.approval == "none":
        return move(run.store, version, who="gate", why=f"gate passed in {run.id}")
    if not can_ask():
        log.info(
            "%s waits for approval, and only a run of a Prefect server's deployment can ask for it: it stays "
            "challenger. %s makes it champion.",
            version.reference,
            command,
        )
        return False
    # another champion meanwhile is another question
    key = f"{version.name}-{version.version}-over-{champion or 'none'}"
    answer = ask(_question(run, report, version, champion), key=key)
    if answer.is_approved:
        return move(run.store, version, who=answer.who, why=answer.why or "approved")
    _note_refusal(registry, version, answer)
    return False


def _note_refusal(registry: ModelRegistry, version: ModelVersion, answer: Approval) -> None:
    log.info("%s was refused by %s: it stays challenger", version.reference, answer.who)
    why = answer.why or "refused"
    noted = [(one.target, one.who, one.why) for one in registry.history(version.name) if one.action == "refuse"]
    # a retry finds the same answer
    if (version.version, answer.who, why) not in noted:
        registry.refuse(version.name, version.version, who=answer.who, why=why)


def _question(run: Run, report: Report, version: ModelVersion, champion: int | None) -> str:
    """Return what people read above the form, in Markdown: what they decide, and what was measured."""
    from stillhouse.reports.tables import summary_markdown

    place = f"in place of {version.name}/{champion}" if champion else "the first one of this name"
    return (
        f"**{version.reference}** passed its gate. Shall it become champion, {place}?\n\n"
        f"[The whole report]({run.settings.report_link(run.id)})\n\n{summary_markdown(report)}"
    )
