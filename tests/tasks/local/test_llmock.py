import httpx

from tasks.local.llmock import KEY, LLMock

REQUEST = {"model": "claude-sonnet-5-5", "max_tokens": 8, "messages": [{"role": "user", "content": "Hello"}]}
HEADERS = {"x-api-key": KEY, "anthropic-version": "2023-06-01"}
ONLY_MESSAGES = {"provider": "anthropic", "path": "*/messages"}


def ask(llmock: LLMock) -> httpx.Response:
    return httpx.post(f"{llmock.environment['ANTHROPIC_BASE_URL']}/v1/messages", json=REQUEST, headers=HEADERS)


def test_a_scripted_529_is_answered_and_stands_in_the_journal(llmock: LLMock) -> None:
    llmock.script({"type": "fail", "status": 529, "times": 1, "match": ONLY_MESSAGES})
    assert [ask(llmock).status_code, ask(llmock).status_code] == [529, 200]
    assert [request["status"] for request in llmock.requests()] == [529, 200]


def test_a_fault_with_a_path_spares_the_probes(llmock: LLMock) -> None:
    llmock.script({"type": "fail", "status": 529, "times": 1, "match": ONLY_MESSAGES})
    models = httpx.get(f"{llmock.environment['ANTHROPIC_BASE_URL']}/v1/models", headers=HEADERS)
    assert models.status_code == 200
    assert len(llmock.pending()) == 1


def test_it_speaks_openai_under_its_base(llmock: LLMock) -> None:
    answer = httpx.post(
        f"{llmock.environment['OPENAI_BASE_URL']}/chat/completions",
        json=REQUEST,
        headers={"Authorization": f"Bearer {KEY}"},
    )
    assert answer.json()["object"] == "chat.completion"


def test_its_verdict_names_an_ignored_retry_after(llmock: LLMock) -> None:
    llmock.script({"type": "fail", "status": 429, "retry_after": 30, "times": 1, "match": ONLY_MESSAGES})
    ask(llmock)
    ask(llmock)
    assert "retry_after_ignored" in str(llmock.verdict())


def test_a_test_begins_with_an_empty_journal(llmock: LLMock) -> None:
    assert llmock.requests() == []
    assert llmock.pending() == []
