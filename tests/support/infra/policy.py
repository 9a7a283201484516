"""Whether an S3 policy allows a request: deny unless a statement allows, as AWS evaluates it for the keys used here.

Separate because it is the oracle of the policies: it knows what AWS asks for each operation, and nothing of Stillhouse.
"""

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

# "Actions, resources, and condition keys for Amazon S3", Service Authorization Reference
ACTIONS = {
    "GetObject": "s3:GetObject",
    "HeadObject": "s3:GetObject",
    "PutObject": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "DeleteObject": "s3:DeleteObject",
    "ListObjectsV2": "s3:ListBucket",
}


@dataclass(frozen=True)
class Need:
    """One action on one resource; `prefix` is the condition key s3:prefix, None where a request has none."""

    action: str
    resource: str
    prefix: str | None = None


def needs_of(operation: str, parameters: dict[str, Any]) -> set[Need]:
    """Return what AWS asks for before it answers a request."""
    bucket, action = f"arn:aws:s3:::{parameters['Bucket']}", ACTIONS[operation]
    if action == "s3:ListBucket":
        return {Need(action, bucket, parameters.get("Prefix"))}
    needs = {Need(action, f"{bucket}/{parameters['Key']}")}
    if action == "s3:GetObject":
        # without it an object that is not there is answered with 403, not with 404; its key counts as the prefix
        needs.add(Need("s3:ListBucket", bucket, parameters["Key"]))
    return needs


class Policy:
    """A policy of infra/s3 for one bucket and prefix."""

    def __init__(self, path: Path, bucket: str, prefix: str):
        self.statements = json.loads(path.read_text().replace("BUCKET", bucket).replace("PREFIX", prefix))["Statement"]

    @property
    def actions(self) -> set[str]:
        """Every action that some statement allows."""
        return {action for statement in self.statements for action in _list(statement["Action"])}

    def allows(self, need: Need) -> bool:
        """Return whether some statement allows it."""
        return any(_allows(statement, need) for statement in self.statements)


def _allows(statement: dict[str, Any], need: Need) -> bool:
    assert statement["Effect"] == "Allow"
    conditions = dict(statement.get("Condition", {}))
    prefixes = conditions.pop("StringLike", {"s3:prefix": "*"})
    assert not conditions
    assert set(prefixes) == {"s3:prefix"}
    return (
        any(fnmatchcase(need.action, action) for action in _list(statement["Action"]))
        and any(fnmatchcase(need.resource, resource) for resource in _list(statement["Resource"]))
        # a request without the key fails a condition on it
        and ("Condition" not in statement or need.prefix is not None)
        and any(fnmatchcase(need.prefix or "", prefix) for prefix in _list(prefixes["s3:prefix"]))
    )


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
