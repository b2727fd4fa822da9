"""Images that callers send wrong and mean right."""

import base64

import pytest

from tests.worker.providers.request_cases import image, user
from worker.request import parse

PNG = b"\x89PNG\r\n\x1a\n" + b"\xfb\xff\xfe" * 30
JPEG = b"\xff\xd8\xff\xe0" + bytes(20)
GIF = b"GIF89a" + bytes(20)
WEBP = b"RIFF\x24\x00\x00\x00WEBPVP8 " + bytes(20)


def coded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def data_url(url: str) -> str:
    return str(
        parse({"messages": [user(image(url), image(url))]}, ("default",)).wire()["messages"][0]["content"][0][
            "image_url"
        ]["url"]
    )


WRAPPED = base64.encodebytes(PNG).decode()
MENDED = {
    "image/jpg": (f"data:image/jpg;base64,{coded(JPEG)}", "image/jpeg", JPEG),
    "another type than the bytes": (f"data:image/png;base64,{coded(JPEG)}", "image/jpeg", JPEG),
    "a GIF as a PNG": (f"data:image/png;base64,{coded(GIF)}", "image/gif", GIF),
    "a WebP as a JPEG": (f"data:image/jpeg;base64,{coded(WEBP)}", "image/webp", WEBP),
    "no type": (f"data:;base64,{coded(PNG)}", "image/png", PNG),
    "a stream of bytes": (f"data:application/octet-stream;base64,{coded(PNG)}", "image/png", PNG),
    "capitals": (f"DATA:IMAGE/PNG;BASE64,{coded(PNG)}", "image/png", PNG),
    "a parameter": (f"data:image/png;charset=utf-8;base64,{coded(PNG)}", "image/png", PNG),
    "lines": (f"data:image/png;base64,{WRAPPED}", "image/png", PNG),
    "blanks before it": (f"data:image/png;base64, {coded(PNG)} ", "image/png", PNG),
    "no padding": (f"data:image/gif;base64,{coded(GIF).rstrip('=')}", "image/gif", GIF),
    "the alphabet of URLs": (f"data:image/png;base64,{base64.urlsafe_b64encode(PNG).decode()}", "image/png", PNG),
    "unknown bytes of a known type": (f"data:image/png;base64,{coded(b'x' * 9)}", "image/png", b"x" * 9),
}


@pytest.mark.parametrize(("url", "type_", "data"), MENDED.values(), ids=MENDED)
def test_an_image_is_sent_with_the_type_of_its_bytes(url: str, type_: str, data: bytes) -> None:
    assert data_url(url) == f"data:{type_};base64,{coded(data)}"
