import pytest

from stillhouse.inference.api.server_error import FILTERED, SPENT, TOO_LONG, read_error


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"choices": None, "error": {"message": "Rate limit exceeded. Add 10 credits", "code": 429}}, 429, "Add 10"),
        ({"object": "error", "message": "The model `m` does not exist.", "code": 404}, 404, "does not exist"),
        ({"error": {"message": "no such model", "type": "NotFoundError", "code": None}}, 404, "no such model"),
        ({"error": {"message": "Overloaded", "type": "overloaded_error"}, "type": "error"}, 0, "Overloaded"),
        ({"error": "out of memory"}, 0, "out of memory"),
        ({"error": {"code": "503", "message": "busy"}}, 503, "busy"),
        ([{"error": {"code": 429, "message": "Quota", "status": "RESOURCE_EXHAUSTED"}}], 429, "Quota"),
        ({"error": {"message": "Insufficient credits", "code": 402}}, 402, "Insufficient credits"),
        ({"error": {"message": "you exceeded it", "type": "insufficient_quota", "code": 429}}, 402, "exceeded"),
        ({"status": 429, "title": "Too Many Requests", "detail": "Slow down"}, 429, "Slow down"),
        ({"error": "Bad Request", "message": "no such field", "statusCode": 400}, 400, "no such field"),
        ({"success": False, "errors": [{"code": 7003, "message": "Could not route"}], "result": None}, 0, "route"),
        ({"code": "InvalidParameter", "message": "Range of input length"}, 400, "Range of input length"),
        ({"detail": "Not Found"}, 404, "Not Found"),
        ({"detail": [{"loc": ["body"], "msg": "field required"}]}, 0, "field required"),
        ({"base_resp": {"status_code": 1004, "status_msg": "login fail"}, "choices": None}, 0, "login fail"),
        ({"error_code": 336, "error_msg": "Service busy"}, 0, "Service busy"),
        ({"error": True, "message": "it broke"}, 0, "it broke"),
        ({"code": 20012, "message": "Model does not exist", "data": None}, 0, "Model does not exist"),
        ({"error": {"error": {"message": "inner", "code": 500}}}, 500, "inner"),
    ],
)
def test_read_error_of_any_provider_has_its_status_and_words(body, status, words):
    found = read_error(body)
    assert found
    assert found.status == status
    assert words in found.message


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": "content_filter", "message": "filtered"}, FILTERED),
        ({"code": "400", "innererror": {"code": "ResponsibleAIPolicyViolation"}}, FILTERED),
        ({"code": "invalid_request_error", "message": "Content Exists Risk"}, FILTERED),
        ({"code": "invalid_prompt", "message": "Invalid prompt"}, FILTERED),
        ({"code": 403, "metadata": {"reasons": ["hate"], "flagged_input": "…", "provider_name": "x"}}, FILTERED),
        ({"code": "data_inspection_failed"}, FILTERED),
        ({"code": "context_length_exceeded"}, TOO_LONG),
        ({"type": "billing_error", "message": "no money"}, SPENT),
    ],
)
def test_read_error_code_at_any_depth_is_found(error, kind):
    found = read_error({"error": error}, 400)
    assert found
    assert found.codes & kind
    assert found.status == 400


# as xAI, Zhipu, Moonshot, Volcengine, MiniMax, Anthropic, Gemini, OpenAI, Cloudflare, Alibaba and Mistral put it
@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"code": "The caller does not have permission", "error": "Content violates usage guidelines."}, 403, FILTERED),
        ({"code": "permission-denied", "error": "Failed check: SAFETY_CHECK_TYPE_BIO"}, 403, FILTERED),
        ({"error": {"code": "1301", "message": "系统检测到输入或生成内容可能包含不安全或敏感内容"}}, 400, FILTERED),
        ({"error": {"message": "The request was rejected because it was considered high risk"}}, 400, FILTERED),
        ({"error": {"code": "InputTextSensitiveContentDetected", "message": "no"}}, 400, FILTERED),
        ({"base_resp": {"status_code": 1026, "status_msg": "input new_sensitive"}}, 0, FILTERED),
        ({"error": {"message": "Output blocked by content filtering policy"}}, 400, FILTERED),
        ({"error": {"message": "The prompt was blocked: PROHIBITED_CONTENT", "code": 400}}, 400, FILTERED),
        ({"error": {"message": "we've limited access to this content for safety reasons"}}, 400, FILTERED),
        ({"error": f"<html>{'<!-- -->' * 50}<h1>Sorry, you have been blocked</h1>"}, 403, FILTERED),
        ({"error": {"message": "Input data may contain inappropriate content."}}, 400, FILTERED),
        ({"error": {"message": "This model's maximum context length is 512 tokens", "code": 400}}, 400, TOO_LONG),
        ({"error": {"message": "prompt is too long: 200001 tokens > 200000 maximum"}}, 400, TOO_LONG),
        (
            {"message": "Prompt contains 40000 tokens, too large for model with 32768 maximum context len"},
            400,
            TOO_LONG,
        ),
        ({"error": {"message": "The input token count (9) exceeds the maximum number of tokens"}}, 400, TOO_LONG),
        ({"error": {"message": "Range of input length should be [1, 30720]"}}, 400, None),
        ({"error": {"message": "Access to the chat endpoint is denied", "code": "permission-denied"}}, 403, None),
        ({"error": {"message": "Unsupported parameter: 'seed'"}}, 400, None),
        ({"error": {"message": "Your credit balance is too low", "type": "billing_error"}}, 400, None),
        ({"error": {"message": "content filter is overloaded"}}, 503, None),
    ],
)
def test_read_error_words_of_any_provider_tell_what_was_refused(body, status, kind):
    found = read_error(body, status)
    assert found
    kinds = [known for known in (FILTERED, TOO_LONG) if found.codes & known]
    assert kinds == ([kind] if kind else [])


@pytest.mark.parametrize(("message", "status"), [("API key not valid. Please pass a valid API key.", 401), ("no", 400)])
def test_read_error_of_a_wrong_key_is_none_of_the_prompt(message, status):
    body = [{"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}]
    found = read_error(body, 400)
    assert found
    assert found.status == status


def test_read_error_filter_results_beside_another_error_are_no_filter():
    results = {"hate": {"filtered": False, "severity": "safe"}}
    found = read_error({"error": {"message": "no", "code": "BadRequest", "content_filter_results": results}}, 400)
    assert found
    assert not found.codes & FILTERED


@pytest.mark.parametrize(
    "body", [{}, [], None, "", 7, {"id": "x", "choices": []}, {"error": None}, [[]], {"error": []}]
)
def test_read_error_of_a_body_without_one_is_none(body):
    assert read_error(body) is None


def test_read_error_long_message_is_shortened_to_one_line():
    found = read_error({"error": "a\n" * 1000})
    assert found
    assert len(found.message) < 310
    assert "\n" not in found.message
