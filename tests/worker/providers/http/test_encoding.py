import gzip
import zlib

import pytest

from worker.errors import AttemptFailed
from worker.providers.http.encoding import decoder

TEXT = b'{"choices": []}'
ENCODED = {"gzip": gzip.compress(TEXT), "X-Gzip": gzip.compress(TEXT), "deflate": zlib.compress(TEXT)}


@pytest.mark.parametrize("encoding", [None, "", "identity"])
def test_a_body_that_is_not_encoded_needs_no_decoder(encoding: str | None) -> None:
    assert decoder(encoding) is None


@pytest.mark.parametrize("encoding", ENCODED)
def test_an_encoded_body_is_decoded_byte_by_byte(encoding: str) -> None:
    decode = decoder(encoding)
    assert decode
    assert b"".join(decode(bytes([byte])) for byte in ENCODED[encoding]) == TEXT


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, br", "aws-chunked"])
def test_an_encoding_that_nobody_asked_for_and_we_cannot_read_is_named(encoding: str) -> None:
    with pytest.raises(AttemptFailed, match=encoding) as raised:
        decoder(encoding)
    assert raised.value.reason == "malformed"


@pytest.mark.parametrize("encoding", ENCODED)
def test_bytes_that_are_not_in_the_encoding_they_say_are_malformed(encoding: str) -> None:
    decode = decoder(encoding)
    assert decode
    with pytest.raises(AttemptFailed, match="is not the") as raised:
        decode(TEXT)
    assert raised.value.reason == "malformed"
