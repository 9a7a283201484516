"""The errors a user can mend, each one message: what was received, the rule, the next step."""

import difflib
from collections.abc import Iterable

from stillhouse.encodable import encodable


class UserError(Exception):
    """A mistake in a recipe, a setting or the data; shown without a traceback."""

    can_pass = False  # whether the same call may succeed later with nothing mended

    def __init__(self, message: str = "") -> None:
        # it goes to logs and servers, and what it quotes may come from a file of another encoding
        super().__init__(encodable(message))


class RecipeError(UserError):
    """A recipe that its model refuses."""


class DataError(UserError):
    """A source that can't be used as the recipe says."""


class StoreError(UserError):
    """A store that can't be reached, read or written; names the setting to fix."""


class StoreUnavailable(StoreError):
    """A store that gives no answer, or asks to come back later, for longer than one waits for it."""

    can_pass = True


class ArtifactCorrupt(StoreError):
    """A stored artifact whose bytes are not those its record lists."""


class ModelError(UserError):
    """A model that can't be found or loaded."""


class TrainingError(UserError):
    """A training whose loss, gradient or weights are no numbers any more; names what to lower."""


class OriginError(UserError):
    """A statement of origin, a signature or a key that can't be used."""


class WorkerError(UserError):
    """A child process that ended without finishing its work."""


class QualityError(UserError):
    """Too little of the work succeeded for the result to be worth anything."""


class BudgetSpent(UserError):
    """The recipe's budget allows no further request to the teacher; what was answered is stored."""


class ServiceError(UserError):
    """A server that can't be started, reached or used; names the setting to fix."""


class ServiceUnavailable(ServiceError):
    """A server that answers nothing at all for as long as one waits for it."""

    can_pass = True


class ClaimLost(ServiceError):
    """A run that another may have taken for dead; what it asks for, the other may ask for too."""

    can_pass = True


class UnexpectedError(UserError):
    """An exception that nobody foresaw, on one line; names the file that holds its trace."""


class UnexpectedTrouble(UnexpectedError):
    """Trouble of a disk or network that nobody foresaw."""

    can_pass = True


# what the same call meets again a minute later
_LASTING = (FileNotFoundError, FileExistsError, PermissionError, IsADirectoryError, NotADirectoryError)


def can_pass(error: object) -> bool:
    """Return whether what failed is worth trying again as it is: trouble of a disk or network, not a mistake."""
    if isinstance(error, UserError):
        return error.can_pass
    return isinstance(error, OSError) and not isinstance(error, _LASTING)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ` Did you mean 'x'?`, or nothing if no known name is near."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" Did you mean {close[0]!r}?" if close else ""
