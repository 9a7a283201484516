"""Says when too much of a source is unreadable: what is left would be another set of rows, not only a smaller one."""

import logging
from collections.abc import Sequence
from pathlib import Path

from stillhouse.data.sources import shown_name
from stillhouse.data.summaries import ReadSummary
from stillhouse.errors import DataError
from stillhouse.recipe.data import Role

logger = logging.getLogger(__name__)

_ADVICE = (
    (("not_json", "not_object", "lone_surrogate"), "A row is one JSON object, on a line or in an array"),
    (("ragged_row", "bad_csv"), "See that `delimiter` of this source is the file's, and that its quotes are closed"),
    (("not_utf8", "wrong_encoding"), "Set `encoding` of this source, such as cp1252, utf-16 or shift_jis"),
)
_OTHERWISE = "See that `columns` of this source fits, or mend these rows"


def log_forms(summary: ReadSummary, paths: Sequence[str] = ()) -> None:
    """Write to the log what is unusual about the files, such as an encoding that was detected."""
    for url, form in summary.forms.items():
        logger.info("%s is read as: %s", shown_name(url, paths), form)


def log_ignored_keys(summary: ReadSummary, role: Role) -> None:
    """Write to the log which keys of turns have no meaning here, so that what they held is not learnt."""
    if summary.ignored_turn_keys:
        ordered = sorted(summary.ignored_turn_keys.items(), key=lambda one: -one[1])
        counts = ", ".join(f"{key} ({count})" for key, count in ordered)
        logger.warning("data.%s: keys of turns without a meaning here are left out, by turns: %s", role, counts)


def check_quarantined(summary: ReadSummary, role: Role, most: float, kept_at: Path, paths: Sequence[str] = ()) -> None:
    """Write the number of quarantined lines to the log, or refuse it if it is more than the share `most` of all.

    Files are named as they stand below the source's `paths`, and `kept_at` as below the current folder.

    Raises:
        DataError: too many lines are no rows. The message has counts, an example, and the file with all of them.
    """
    count = sum(summary.quarantined.values())
    ordered = sorted(summary.quarantined, key=lambda reason: -summary.quarantined[reason])
    counts = ", ".join(f"{reason}: {summary.quarantined[reason]}" for reason in ordered)
    shown = "; ".join(
        line.describe(shown_name(line.file, paths)) for line in summary.first_quarantined if line.reason in ordered[:2]
    )
    shown_at = kept_at.relative_to(Path.cwd()) if kept_at.is_relative_to(Path.cwd()) else kept_at
    found = f"data.{role}: {count} of {summary.read} lines are no rows ({counts}), such as {shown}"
    if summary.rows and count <= most * summary.read:
        logger.warning("%s. They are left out; all of them: %s", found, shown_at)
        return
    advice = next((advice for reasons, advice in _ADVICE if ordered[0] in reasons), _OTHERWISE)
    way_out = f", or raise data.max_quarantined (now {most:g})" if summary.rows else ""
    raise DataError(f"{found}. {advice}{way_out}. All of them with their bytes: {shown_at}")
