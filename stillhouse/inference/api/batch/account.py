"""What an account takes: how large its batches may be, and whether a further one may be open, as its refusals tell."""

from collections.abc import Callable, Collection

from stillhouse.inference.api.server_error import plain

# providers' codes, as `plain` writes them, for a batch that comes too early: too many tokens of this account wait
_TOO_MANY_WAIT = frozenset(("tokenlimitexceeded", "quotaexceeded", "resourceexhausted"))
# and for one that is too large for this account by itself
_TOO_LARGE = frozenset(("toomanytasks", "toomanyrequests", "batchtoolarge", "filetoolarge", "maxrequestsexceeded"))


class Account:
    """What is known of the account's limits."""

    def __init__(self, most_requests: int, log: Callable[[str], None]) -> None:
        """Start with the recipe's limit of requests in one batch."""
        self.most_requests = most_requests  # halved for an account that takes fewer
        self.is_held = False  # the provider takes no further batch before one has ended
        self._log = log

    def note_refusal(self, codes: Collection[str | None], num_requests: int, reasons: str, *, has_others: bool) -> bool:
        """Learn from the refusal of a batch, and return whether its requests can wait for a smaller or a later one.

        `has_others` tells whether other batches are open.
        """
        found = {plain(code) for code in codes}
        is_early = bool(found & _TOO_MANY_WAIT) and has_others
        if is_early:
            self.is_held = True
            self._log(f"a batch of {num_requests} requests is submitted again once another has ended: {reasons}")
        elif found & (_TOO_MANY_WAIT | _TOO_LARGE) and num_requests > 1:
            self.most_requests = min(self.most_requests, num_requests // 2)
            self.is_held = False  # a smaller one may fit beside those that are open
            self._log(
                f"a batch of {num_requests} requests is too large for the account; they are halved from here on: "
                f"{reasons}"
            )
        return is_early or num_requests > self.most_requests
