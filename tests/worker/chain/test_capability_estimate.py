"""The estimate of tokens beside the true count of a real vocabulary: SmolLM2's, through llama.cpp."""

import base64
import hashlib
import inspect
import json

import httpx
import pytest

from tasks.local.llama import Llama
from worker.chain import capability
from worker.chain.capability import MARGIN, tokens

ENGLISH = (
    "A breaker stands before each provider. While it is closed, every request goes through. After five failures in "
    "a row it opens, and for a minute nobody asks that provider at all; then two requests may try it, and if both "
    "are answered the breaker closes again. Otherwise the next pause is twice as long."
)
GERMAN = (
    "Vor jedem Anbieter steht ein Schutzschalter. Solange er geschlossen ist, gehen alle Anfragen hindurch. Nach "
    "fünf Fehlern hintereinander öffnet er sich, und eine Minute lang fragt niemand diesen Anbieter; danach dürfen "
    "zwei Anfragen einen Versuch machen. Andernfalls verdoppelt sich die Wartezeit vor dem nächsten Versuch."
)
RUSSIAN = (
    "Перед каждым поставщиком стоит автоматический выключатель. Пока он замкнут, все запросы проходят. После "
    "пяти ошибок подряд он размыкается, и целую минуту никто не обращается к этому поставщику."
)
CHINESE = (
    "每个提供商前面都有一个断路器。断路器关闭时、所有请求都会通过。连续五次失败之后、断路器会打开、"
    "一分钟内没有人会询问该提供商。之后允许两个请求进行尝试、如果两个请求都得到答复、断路器就会重新关闭。"
)
JAPANESE = (
    "各プロバイダーの前にはブレーカーがあります。閉じている間は、すべてのリクエストが通過します。"
    "五回続けて失敗すると開き、一分間は誰もそのプロバイダーに問い合わせません。"
)
BYTES = b"".join(hashlib.sha256(bytes([n])).digest() for n in range(40))
ROWS = [{"id": n, "name": f"item {n}", "tags": ["new", "red"], "price": n * 1.25, "sold": None} for n in range(40)]

KINDS = {
    "English": ENGLISH,
    "German": GERMAN,
    "Russian": RUSSIAN,
    "Chinese": CHINESE,
    "Japanese": JAPANESE,
    "Python": inspect.getsource(capability),
    "JSON": json.dumps(ROWS),
    "indented JSON": json.dumps(ROWS, indent=2),
    "base64": base64.b64encode(BYTES).decode(),
    "emoji": "😀😂🚀 ✨🔥🎉 👍🏽🤖📦 🐍☕🌍 " * 10,
    "chat with emoji": "Thanks a lot, see you tomorrow! 🎉 No problem, take care 😀\n" * 10,
}


@pytest.fixture(scope="module")
def client(llama: Llama):
    with httpx.Client(base_url=llama.url, headers={"Authorization": f"Bearer {llama.key}"}, trust_env=False) as client:
        yield client


@pytest.mark.parametrize("kind", KINDS)
def test_an_estimate_is_near_what_a_real_vocabulary_counts(client, kind):
    text = KINDS[kind]
    counted = len(client.post("/tokenize", json={"content": text}).raise_for_status().json()["tokens"])
    print(f"{kind}: estimate {tokens(text):.0f}, counted {counted}, {tokens(text) / counted:.2f}")
    assert 0.45 <= tokens(text) / counted <= MARGIN
