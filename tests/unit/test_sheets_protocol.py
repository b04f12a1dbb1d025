"""What the Sheets stand-in makes of requests that are not in Google's form, and of its own answers."""

import json
import time

import pytest
from google.auth import jwt
from google.auth.crypt import RSASigner

from tests.sandbox.sheets.direct import DirectCaller
from tests.sandbox.sheets.oauth import GRANT_TYPE, GrantError, ServiceAccount, TokenOffice
from tests.sandbox.sheets.protocol.errors import GoogleError, SandboxBugError
from tests.sandbox.sheets.protocol.field_mask import Mask, parse_mask, select, update_fields
from tests.sandbox.sheets.protocol.json_types import Json, JsonObject
from tests.sandbox.sheets.protocol.messages import Request
from tests.sandbox.sheets.protocol.outgoing import check_answer

TOKEN_URL = "http://sandbox.example/token"
UNKNOWN = "Invalid JSON payload received. Unknown name"
NO_LIST = "Proto field is not repeating, cannot start list."
PACKAGE = "type.googleapis.com/google.apps.sheets.v4"
CONDITION = "requests[0].set_data_validation.rule.condition"


@pytest.fixture
def caller() -> DirectCaller:
    return DirectCaller()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"request": []}, f'{UNKNOWN} "request": Cannot find field.'),
        ({"requests": [{"addsheet": {}}]}, f"{UNKNOWN} \"addsheet\" at 'requests[0]': Cannot find field."),
        (
            {"requests": [{"updateSheetProperties": {"properties": {"headerValues": []}}}]},
            f"{UNKNOWN} \"headerValues\" at 'requests[0].update_sheet_properties.properties': Cannot find field.",
        ),
        (
            {"requests": [{"addSheet": {"properties": {"title": ["a"]}}}]},
            f"{UNKNOWN} \"title\" at 'requests[0].add_sheet.properties': {NO_LIST}",
        ),
        (
            {"requests": [{"deleteSheet": {"sheetId": "abc"}}]},
            "Invalid value at 'requests[0].delete_sheet.sheet_id' (TYPE_INT32), \"abc\"",
        ),
        (
            {"requests": [{"deleteSheet": "x"}]},
            f"Invalid value at 'requests[0].delete_sheet' ({PACKAGE}.DeleteSheetRequest), \"x\"",
        ),
        (
            {"requests": [{"mergeCells": {"mergeType": "SOME"}}]},
            f"Invalid value at 'requests[0].merge_cells.merge_type' ({PACKAGE}.MergeType), \"SOME\"",
        ),
        (
            {"requests": [{"setDataValidation": {"rule": {"condition": {"values": [{"userEnteredValue": 5}]}}}}]},
            f"Invalid value at '{CONDITION}.values[0].user_entered_value' (TYPE_STRING), 5",
        ),
        ({"requests": []}, "Must specify at least one request."),
        ({"requests": [{}]}, "Invalid requests[0]: No request set."),
        (
            {"requests": [{"addSheet": {}, "deleteSheet": {}}]},
            "Invalid value at 'requests[0]' (oneof), oneof field 'kind' is already set. Cannot set 'deleteSheet'",
        ),
    ],
)
def test_a_body_that_is_not_in_the_form_is_refused(caller: DirectCaller, body: Json, message: str) -> None:
    status, answer = caller.call("POST", ":batchUpdate", body)
    assert (status, answer["error"]["message"], answer["error"]["status"]) == (400, message, "INVALID_ARGUMENT")


def test_all_that_is_wrong_is_said_at_once(caller: DirectCaller) -> None:
    _, answer = caller.call("POST", ":batchUpdate", {"a": 1, "requests": [{"b": 2}]})
    violations = answer["error"]["details"][0]["fieldViolations"]
    assert [one.get("field") for one in violations] == [None, "requests[0]"]
    assert answer["error"]["message"] == "\n".join(one["description"] for one in violations)


def test_a_row_that_is_no_list_is_refused(caller: DirectCaller) -> None:
    _, answer = caller.call("PUT", "/values/A1", {"values": ["A"]}, valueInputOption="RAW")
    reason = "Invalid value at 'data.values[0]' (type.googleapis.com/google.protobuf.ListValue), \"A\""
    assert answer["error"]["message"] == reason


@pytest.mark.parametrize("raw", [b"{", b'{"values": [[NaN]]}'])
def test_a_body_that_is_no_json_is_refused(caller: DirectCaller, raw: bytes) -> None:
    headers = {"Authorization": caller.authorization}
    answer = caller.api.answer(Request("PUT", "/v4/spreadsheets/book/values/A1?valueInputOption=RAW", headers, raw))
    assert (answer.status, b"Invalid JSON payload received." in answer.body) == (400, True)


def test_names_may_be_spelled_as_in_the_protocol_and_numbers_as_texts(caller: DirectCaller) -> None:
    assert (
        caller.change(update_sheet_properties={"properties": {"sheet_id": "0", "title": "T"}, "fields": "title"})[0]
        == 200
    )
    assert caller.sheet("T")["properties"]["title"] == "T"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            {"bogus": "1"},
            f"{UNKNOWN} \"bogus\": Cannot bind query parameter. Field 'bogus' could not be found in request message.",
        ),
        (
            {"valueRenderOption": "PRETTY"},
            f"Invalid value at 'value_render_option' ({PACKAGE}.ValueRenderOption), \"PRETTY\"",
        ),
        ({"prettyPrint": "perhaps"}, "Invalid value at 'pretty_print' (TYPE_BOOL), \"perhaps\""),
    ],
)
def test_a_query_that_is_not_in_the_form_is_refused(caller: DirectCaller, query: dict[str, str], message: str) -> None:
    status, answer = caller.call("GET", "/values/A1", **query)
    assert (status, answer["error"]["message"]) == (400, message)


def test_a_field_mask_that_does_not_fit_is_refused(caller: DirectCaller) -> None:
    status, answer = caller.call("GET", fields="sheets.colour")
    assert (status, answer["error"]["message"]) == (400, "Request contains an invalid argument.")
    reason = "Error expanding 'fields' parameter. Cannot find matching fields for path 'sheets.colour'."
    assert answer["error"]["details"][0]["fieldViolations"] == [{"field": "sheets.colour", "description": reason}]
    assert caller.call("GET", fields="properties, sheets")[0] == 400


@pytest.mark.parametrize("path", ["/developerMetadata/5", "/developerMetadata:search"])
def test_what_is_not_built_says_so(caller: DirectCaller, path: str) -> None:
    status, answer = caller.call("POST" if ":" in path else "GET", path)
    assert (status, answer["error"]["status"]) == (501, "UNIMPLEMENTED")
    assert caller.change(addBanding={})[0] == 501
    assert caller.change(repeatCell={"range": {}, "fields": "pivotTable"})[0] == 501


@pytest.mark.parametrize(
    ("text", "mask"),
    [
        ("*", {"*": {}}),
        ("a.b/c,d", {"a": {"b": {"c": {}}}, "d": {}}),
        ("a(b,c.d),e", {"a": {"b": {}, "c": {"d": {}}}, "e": {}}),
        ("a.b,a.c", {"a": {"b": {}, "c": {}}}),
        ("a,a.b", {"a": {}}),
        ("a.b,a", {"a": {}}),
        ("a.b.c,a.b", {"a": {"b": {}}}),
    ],
)
def test_a_field_mask_is_read(text: str, mask: Mask) -> None:
    assert parse_mask(text) == mask


@pytest.mark.parametrize("text", ["", "a,", "a(b", "a)", ".a", "a..b", "a b", "a()"])
def test_what_is_no_field_mask_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_mask(text)


def test_a_field_mask_selects_and_updates() -> None:
    message: JsonObject = {"a": [{"b": 1, "c": 2}], "d": {"e": 1, "f": 2}, "g": 3}
    assert select(message, parse_mask("a.b,d(f),z")) == {"a": [{"b": 1}], "d": {"f": 2}}
    assert update_fields(message["d"], {"e": 9}, parse_mask("e,f")) == {"e": 9}
    assert update_fields(message, {"d": {"f": 5}}, parse_mask("d.f,g")) == {"a": message["a"], "d": {"e": 1, "f": 5}}
    assert update_fields(message, {"g": 1}, parse_mask("*")) == {"g": 1}


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"range": 5}, "ValueRange.range should be of type string"),
        ({"values": [["a", None]]}, r"ValueRange.values\[0\]\[1\] should be of type any"),
        ({"majorDimension": "DIAGONAL"}, "ValueRange.majorDimension should be one of"),
        ({"color": "red"}, "ValueRange has no field 'color'"),
        ([], "ValueRange should be of type object"),
    ],
)
def test_an_answer_that_does_not_fit_the_description_is_a_bug(answer: Json, problem: str) -> None:
    with pytest.raises(SandboxBugError, match=problem):
        check_answer("ValueRange", answer)
    with pytest.raises(SandboxBugError):
        check_answer("UpdateValuesResponse", {"updatedRows": True})


@pytest.fixture(scope="module")
def account() -> ServiceAccount:
    return ServiceAccount()


def grant(account: ServiceAccount, **claims: object) -> str:
    office = TokenOffice(account, TOKEN_URL)
    info, now = account.info(TOKEN_URL), int(time.time())
    usual = {"iss": account.email, "aud": TOKEN_URL, "iat": now, "exp": now + 3600}
    scope = {"scope": "https://www.googleapis.com/auth/spreadsheets.readonly"}
    signer = RSASigner.from_service_account_info(info)  # type: ignore[no-untyped-call]
    assertion = jwt.encode(signer, usual | scope | claims).decode()  # type: ignore[no-untyped-call]
    granted = office.grant(f"grant_type={GRANT_TYPE}&assertion={assertion}".encode())
    caller = office.caller({"Authorization": f"{granted['token_type']} {granted['access_token']}"})
    return " ".join(caller.scopes)


def test_a_signed_assertion_gets_a_token(account: ServiceAccount) -> None:
    assert grant(account) == "https://www.googleapis.com/auth/spreadsheets.readonly"


@pytest.mark.parametrize(
    ("claims", "error", "description"),
    [
        ({"iss": "other@example.org"}, "invalid_grant", "account not found"),
        ({"aud": "https://example.org"}, "invalid_grant", "Failed audience check"),
        ({"exp": 1_000_000}, "invalid_grant", "short-lived token"),
        ({"iat": 5_000_000_000, "exp": 5_000_000_100}, "invalid_grant", "short-lived token"),
        ({"exp": int(time.time()) + 7200}, "invalid_grant", "short-lived token"),
        ({"iat": None}, "invalid_grant", "short-lived token"),
        ({"scope": "https://www.googleapis.com/auth/cloud-platform"}, "invalid_scope", "Invalid OAuth scope"),
    ],
)
def test_a_wrong_claim_gets_no_token(
    account: ServiceAccount, claims: dict[str, object], error: str, description: str
) -> None:
    with pytest.raises(GrantError, match=description) as refused:
        grant(account, **claims)
    assert refused.value.error == error


@pytest.mark.parametrize(
    ("form", "error"),
    [
        (b"grant_type=password", "unsupported_grant_type"),
        (f"grant_type={GRANT_TYPE}&assertion=a.b.c".encode(), "invalid_grant"),
        (f"grant_type={GRANT_TYPE}".encode(), "invalid_grant"),
    ],
)
def test_a_form_without_an_assertion_gets_no_token(account: ServiceAccount, form: bytes, error: str) -> None:
    with pytest.raises(GrantError) as refused:
        TokenOffice(account, TOKEN_URL).grant(form)
    assert refused.value.error == error


@pytest.mark.parametrize("header", [{}, {"Authorization": "Basic x"}, {"Authorization": "Bearer stolen"}])
def test_a_caller_without_a_good_token_is_not_known(account: ServiceAccount, header: dict[str, str]) -> None:
    with pytest.raises(GoogleError) as refused:
        TokenOffice(account, TOKEN_URL).caller(header)
    assert refused.value.body()["error"]["status"] == "UNAUTHENTICATED"


def test_a_token_for_reading_cannot_write(caller: DirectCaller) -> None:
    status, answer = caller.only_for_reading().call("PUT", "/values/A1", {"values": [[1]]}, valueInputOption="RAW")
    message = "Request had insufficient authentication scopes."
    assert (status, answer["error"]["message"]) == (403, message)
    assert json.dumps(answer).count("ACCESS_TOKEN_SCOPE_INSUFFICIENT") == 1
