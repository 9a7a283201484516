"""The errors a user can mend, each one message: what was received, the rule, the next step."""


class UserError(Exception):
    """A mistake in a recipe, a setting or the data; shown without a traceback."""


class RecipeError(UserError):
    """A recipe that its model refuses."""


class DataError(UserError):
    """A source that can't be used as the recipe says."""


class StoreError(UserError):
    """A store that can't be reached, read or written; names the setting to fix."""


class ArtifactCorrupt(StoreError):
    """A stored artifact whose bytes are not those its record lists."""


class ModelError(UserError):
    """A model that can't be found or loaded."""


class WorkerError(UserError):
    """A child process that ended without finishing its work."""


class QualityError(UserError):
    """Too little of the work succeeded for the result to be worth anything."""
