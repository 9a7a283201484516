"""Where notifications go: Prefect's own blocks, with addresses from the environment when they are registered.

An address is a secret, since whoever has it may post there: it goes into a secret block and nowhere else.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit
from uuid import UUID

from prefect.blocks.notifications import CustomWebhookNotificationBlock, SlackWebhook
from prefect.client.orchestration import SyncPrefectClient
from prefect.exceptions import ObjectNotFound

from stillhouse.errors import ServiceError
from stillhouse.runtime.variables import Variable

NotificationBlock = CustomWebhookNotificationBlock | SlackWebhook

WEBHOOK, SLACK = "STILLHOUSE_NOTIFY_WEBHOOK", "STILLHOUSE_NOTIFY_SLACK"
_KEPT = "kept in a secret block. If it is not set, a registered address stays; if it is empty, that address is removed"
VARIABLES = {
    WEBHOOK: Variable("", f"URL that the server posts failed runs and refused gates to; {_KEPT}"),
    SLACK: Variable("", f"address of a Slack webhook for the same; {_KEPT}"),
}


@dataclass(frozen=True)
class Target:
    """A block that notifications are sent through."""

    name: str
    block: UUID


def register_targets(client: SyncPrefectClient, environment: Mapping[str, str] = os.environ) -> list[Target]:
    """Save a block for each address in the environment and return all registered blocks.

    Raises:
        ServiceError: an address is not an http(s) URL.
    """
    kinds: dict[str, tuple[str, str, Callable[[str], NotificationBlock]]] = {
        WEBHOOK: ("stillhouse-webhook", "custom-webhook", _webhook),
        SLACK: ("stillhouse-slack", "slack-webhook", _slack),
    }
    targets = []
    for setting, (name, block_type, make) in kinds.items():
        address = environment.get(setting)
        if address:
            _check(setting, address)
            targets.append(Target(name, cast(UUID, make(address).save(name, overwrite=True))))
        elif found := _find(client, name, block_type):
            if address is None:
                targets.append(Target(name, found))
            else:
                client.delete_block_document(found)
    return targets


def _webhook(address: str) -> NotificationBlock:
    return CustomWebhookNotificationBlock(
        name="stillhouse",
        # only the fields below `secrets` are stored as secrets, so the address is one of them
        url="{{address}}",
        secrets={"address": address},
        json_data={"subject": "{{subject}}", "text": "{{body}}"},
    )


def _slack(address: str) -> NotificationBlock:
    return SlackWebhook(url=address, notify_type="warning")


def _check(setting: str, address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        # the address itself is not repeated: it is a secret
        raise ServiceError(f"{setting} is not an address that can be posted to; it must be a URL as https://host/path.")


def _find(client: SyncPrefectClient, name: str, block_type: str) -> UUID | None:
    try:
        return client.read_block_document_by_name(name, block_type).id
    except ObjectNotFound:
        return None
