"""Conditional writes of S3: an object is put only if none is there, or if it is still the one that the writer knows.

AWS, Cloudflare R2, MinIO and others keep to them; a server that does not know a header overlooks it, and overwrites.
"""

import contextlib
import uuid

from stillhouse.artifacts.s3.client import PatientS3
from stillhouse.artifacts.s3.errors import is_unknown_condition, is_unmet

_ANOTHER = f'"{"0" * 32}"'  # an ETag that no object of ours has


def put_if(fs: PatientS3, path: str, data: bytes, etag: str | None) -> bool:
    """Put `data` at `path` if its ETag is `etag` (None: there is no object); return whether it is there now."""
    bucket, _, key = path.partition("/")
    condition = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}
    try:
        fs.call_s3("put_object", Bucket=bucket, Key=key, Body=data, **condition)
    except OSError as error:
        if not is_unmet(error):
            raise
        # a lost answer is asked for again, and our own object then stands in its way
        with contextlib.suppress(FileNotFoundError):
            return bool(fs.cat_file(path) == data)
        return False
    return True


def has_conditional_writes(fs: PatientS3, path: str) -> bool:
    """Return whether the server keeps to both conditions; writes at `path` and deletes it again."""
    first, second, third, fourth = (uuid.uuid4().bytes for _ in range(4))
    try:
        if not put_if(fs, path, first, None) or put_if(fs, path, second, None) or put_if(fs, path, third, _ANOTHER):
            return False
        return put_if(fs, path, fourth, str(fs.info(path)["ETag"]))
    except OSError as error:
        if not is_unknown_condition(error):
            raise
        return False
    finally:
        with contextlib.suppress(OSError):
            fs.rm_file(path)
