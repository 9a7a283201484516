"""The XML and the batches of Google's and Azure's APIs for objects."""

import re
from collections.abc import Iterable
from email.utils import format_datetime
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from tests.support.cloud.server import Blob


def google_page(page: "Iterable[tuple[str, Blob]]", more: str) -> str:
    """Return one page of a listing in Google's form; `more` is what the next begins after."""
    items = "".join(
        f"<Contents><Key>{escape(key)}</Key><LastModified>{blob.modified:%Y-%m-%dT%H:%M:%S.%fZ}</LastModified>"
        f"<ETag>{escape(blob.etag)}</ETag><Generation>{blob.generation}</Generation><Size>{len(blob.data)}</Size>"
        "</Contents>"
        for key, blob in page
    )
    token = f"<NextContinuationToken>{escape(more)}</NextContinuationToken>" if more else ""
    return f"<ListBucketResult><IsTruncated>{str(bool(more)).lower()}</IsTruncated>{token}{items}</ListBucketResult>"


def azure_page(page: "Iterable[tuple[str, Blob]]", more: str) -> str:
    """Return one page of a listing in Azure's form; `more` is what the next begins after."""
    items = "".join(
        f"<Blob><Name>{escape(key)}</Name><Properties><Last-Modified>{format_datetime(blob.modified, usegmt=True)}"
        f"</Last-Modified><Content-Length>{len(blob.data)}</Content-Length><Content-Type>x/y</Content-Type>"
        f"<Etag>{escape(blob.etag)}</Etag></Properties></Blob>"
        for key, blob in page
    )
    return f"<EnumerationResults><Blobs>{items}</Blobs><NextMarker>{escape(more)}</NextMarker></EnumerationResults>"


def part_names(body: bytes) -> list[str]:
    """Return the parts that a request completes an upload with, in their order."""
    return re.findall(r"<(?:PartNumber|Uncommitted|Latest)>([^<]+)<", body.decode())


def deleted(body: bytes) -> list[str]:
    """Return the paths that a batch deletes."""
    return re.findall(r"^DELETE (\S+) HTTP", body.decode(), re.MULTILINE)


def batch_answer(statuses: Iterable[int]) -> tuple[str, bytes]:
    """Return type and body of the answer to a batch."""
    parts = "".join(
        f"--batch_1\r\nContent-Type: application/http\r\nContent-ID: {number}\r\n\r\n"
        f"HTTP/1.1 {status} {'Accepted' if status == 202 else 'The specified blob does not exist.'}\r\n"
        f"{'' if status == 202 else 'x-ms-error-code: BlobNotFound' + chr(13) + chr(10)}\r\n\r\n"
        for number, status in enumerate(statuses)
    )
    return "multipart/mixed; boundary=batch_1", f"{parts}--batch_1--\r\n".encode()
