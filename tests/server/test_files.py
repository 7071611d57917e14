"""Files of a run: their bytes, their type, and no right to do anything."""

from __future__ import annotations

import pytest
from watching import Served, Writer

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0 jpeg", "image/jpeg"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"></svg>', "image/svg+xml"),
        (b'<?xml version="1.0"?>\n<svg></svg>', "image/svg+xml"),
        (b"<html><script>alert(1)</script></html>", "text/plain; charset=utf-8"),
        ("Größe,1\n".encode() * 100, "text/plain; charset=utf-8"),
        (b"\0\1\2\3\xff", "application/octet-stream"),
        (b"", "text/plain; charset=utf-8"),
    ],
)
def test_a_file_comes_with_the_type_its_bytes_show(
    served: Served, writer: Writer, content: bytes, kind: str
) -> None:
    ref = writer.run.add_file(content, "x", "text/html")
    response = served.client.get(f"api/runs/{writer.run.id}/files/{ref.hash}")
    assert response.content == content
    assert response.headers["content-type"] == kind
    assert "immutable" in response.headers["cache-control"]
    assert "sandbox" in response.headers["content-security-policy"]
    assert response.headers["x-content-type-options"] == "nosniff"


def test_a_file_can_be_saved_under_its_name(served: Served, writer: Writer) -> None:
    ref = writer.run.add_file(PNG, "x", "image/png")
    path = f"api/runs/{writer.run.id}/files/{ref.hash}"
    response = served.client.get(path, params={"name": 'grüße "1"\r\n/..png'})
    disposition = response.headers["content-disposition"]
    assert disposition.startswith("attachment; filename*=UTF-8''gr%C3%BC")
    assert "/" not in disposition.partition("''")[2]


def test_a_piece_of_a_file_can_be_asked_for(served: Served, writer: Writer) -> None:
    ref = writer.run.add_file(b"0123456789", "x", "text/plain")
    response = served.client.get(f"api/runs/{writer.run.id}/files/{ref.hash}", headers={"range": "bytes=2-4"})
    assert response.status_code == 206
    assert response.content == b"234"
