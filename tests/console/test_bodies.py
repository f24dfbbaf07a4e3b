"""Parameters in the query, in forms and in JSON, and which of them are refused."""

from gettext import NullTranslations
from json import dumps
from typing import Any

import orjson
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.translation import trans_real

from tests.factories import make_operator, make_video
from tests.support.console import Console, envelope, url_of
from videos.models import ReviewDecision, Source

pytestmark = pytest.mark.django_db
AUDIT = url_of("createAudit")
PUSH = url_of("pushObjectCache")


@pytest.fixture
def bearer(console: Console) -> Console:
    """A console that sends its token in the header."""
    console.http.defaults["HTTP_AUTHORIZATION"] = f"bearer {console.token}"
    console.token = ""
    return console


def post(console: Console, body: bytes | str, content_type: str, query: str = "") -> Any:
    return envelope(console.http.post(f"{AUDIT}?{query}", body, content_type=content_type))


def test_the_body_wins_over_the_query(bearer: Console) -> None:
    video = make_video()
    query = "mediaId=another&status=Blocked&reason=r"
    answer = post(bearer, f"mediaId={video.vod_id}", "application/x-www-form-urlencoded", query)
    assert answer["code"] == "200"
    assert ReviewDecision.objects.get().reason == "r"


@pytest.mark.parametrize("value", [None, ""])
def test_null_and_empty_in_the_body_keep_the_querys_value(
    value: str | None, bearer: Console
) -> None:
    video = make_video()
    body = orjson.dumps({"mediaId": value, "status": "Blocked", "reason": "r"})
    answer = post(bearer, body, "application/json", f"mediaId={video.vod_id}")
    assert answer["code"] == "200"


@pytest.mark.parametrize(
    ("written", "text"), [("42", "42"), ("4.50", "4.50"), ("1e400", "1e400"), ("true", "true")]
)
def test_json_numbers_and_booleans_become_their_text(
    written: str, text: str, bearer: Console
) -> None:
    video = make_video()
    body = f'{{"mediaId": "{video.vod_id}", "status": "Blocked", "reason": {written}}}'
    assert post(bearer, body, "application/json")["code"] == "200"
    assert ReviewDecision.objects.get().reason == text


@pytest.mark.parametrize("value", [[], ["a"], {}, {"a": 1}])
def test_lists_and_objects_are_400(value: Any, bearer: Console) -> None:
    body = orjson.dumps({"mediaId": value, "status": "Normal"})
    answer = post(bearer, body, "application/json")
    assert answer["code"] == "400"
    assert answer["message"] == "mediaId must be text, not a list, an object or a file."


def test_a_file_in_place_of_text_is_400(bearer: Console) -> None:
    parameters = {"mediaId": SimpleUploadedFile("a.txt", b"a"), "status": "Normal"}
    answer = envelope(bearer.http.post(AUDIT, parameters))
    assert (answer["code"], answer["message"][:12]) == ("400", "mediaId must")


def test_unknown_parameters_of_any_type_are_ignored(bearer: Console) -> None:
    body = {"mediaId": make_video().vod_id, "status": "Normal", "more": [{"a": []}], "size": {}}
    assert post(bearer, orjson.dumps(body), "application/json")["code"] == "200"


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b" ",
        b"[]",
        b'"text"',
        b"NaN",
        b'{"mediaId": NaN}',
        b'{"mediaId": "\xff"}',
        b'{"mediaId": "\xed\xa0\xbd\xed\xb8\x80"}',
        '{"mediaId": "a"}'.encode("utf-16"),
        b"[" * 100_000,
        b"mediaId=a",
    ],
)
def test_json_that_is_not_an_object_is_400(body: bytes, bearer: Console) -> None:
    answer = post(bearer, body, "application/json")
    assert answer["code"] == "400"
    assert "JSON" in answer["message"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "", "nonsense"])
def test_any_other_content_type_is_400(content_type: str, bearer: Console) -> None:
    answer = post(bearer, "mediaId=a", content_type)
    assert answer["code"] == "400"
    assert "application/json" in answer["message"]
    bearer.http.defaults.pop("HTTP_AUTHORIZATION")
    assert post(bearer, "mediaId=a", content_type)["code"] == "403"


def test_a_post_may_have_all_parameters_in_the_query(console: Console) -> None:
    video = make_video()
    query = f"mediaId={video.vod_id}&status=Normal&consoleToken={console.token}"
    answer = envelope(console.http.generic("POST", f"{AUDIT}?{query}"))
    assert answer["code"] == "200"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("a" * 2_000_000, "application/x-www-form-urlencoded"),
        ("{" + " " * 2_000_000 + "}", "application/json"),
        ("a" * 2_000_000, "multipart/form-data; boundary=b"),
        ("&".join(f"p{number}=" for number in range(2_000)), "application/x-www-form-urlencoded"),
    ],
)
def test_an_oversized_body_gets_an_envelope(body: str, content_type: str, bearer: Console) -> None:
    assert post(bearer, body, content_type)["code"] == "400"
    assert post(bearer, body, content_type, "consoleToken=x")["code"] == "400"
    bearer.http.defaults.pop("HTTP_AUTHORIZATION")
    # The token may be in the unread body: "please log in" would mislead.
    assert post(bearer, body, content_type)["code"] == "400"
    assert post(bearer, body, content_type, "consoleToken=unknown")["code"] == "403"


@pytest.mark.parametrize("boundary", ["", "; boundary=", "; boundary=\u00e9"])
def test_a_malformed_form_is_400(boundary: str, bearer: Console) -> None:
    assert post(bearer, b"--x", f"multipart/form-data{boundary}")["code"] == "400"


def test_a_form_in_another_character_set_is_400(bearer: Console) -> None:
    answer = post(bearer, "mediaId=a", "application/x-www-form-urlencoded; charset=gbk")
    assert answer["code"] == "400"


@pytest.mark.parametrize("name", ["utf-8", "UTF8", "utf_8"])
@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "application/json"],
)
def test_each_name_of_utf8_is_accepted(content_type: str, name: str, bearer: Console) -> None:
    field = 'Content-Disposition: form-data; name="reason"'
    body = {
        "a": "reason=理由",
        "m": f"--b\r\n{field}\r\n\r\n理由\r\n--b--\r\n",
        "j": '{"reason": "理由"}',
    }["j" if content_type.endswith("json") else content_type[0]]
    query = f"mediaId={make_video().vod_id}&status=Blocked"
    answer = post(bearer, body.encode(), f"{content_type}; charset={name}", query)
    assert answer["code"] == "200"
    assert ReviewDecision.objects.get().reason == "理由"


BROKEN = ["%ff", "%C3", "a%c3%28", "%ED%A0%80", "%EF%BF%BD%ff", "\udcff", "é\udce9", "%C3\udca9"]


@pytest.mark.parametrize("text", BROKEN, ids=ascii)
@pytest.mark.parametrize("parameter", ["reason={}", "rea%20son{}=r", "consoleToken={}"])
def test_a_form_that_is_not_utf8_is_400_as_in_json(
    parameter: str, text: str, bearer: Console
) -> None:
    written = f"mediaId={make_video().vod_id}&status=Blocked&reason=r&{parameter.format(text)}"
    form = written.encode(errors="surrogateescape")
    name = parameter.partition("=")[0].partition("%")[0]
    for place, answer in {
        "body": post(bearer, form, "application/x-www-form-urlencoded"),
        "query": envelope(bearer.http.get(AUDIT, QUERY_STRING=form.decode("latin-1"))),
    }.items():
        assert answer["code"] == "400"
        sentence = f"The {place} is not well-formed UTF-8, in the parameter {name}"
        assert answer["message"].startswith(sentence)
    assert not ReviewDecision.objects.exists()


@pytest.mark.parametrize(
    ("header", "value"),
    [
        (b'name="reason"', b"\xff"),
        (b'name="reason"\r\nX: \xef\xbf\xbd', b"\xff"),  # as many U+FFFD as Django makes
        (b'name="reason"\r\nContent-Transfer-Encoding: base64', b"/w=="),
        (b'name="reason\xff"', b"r"),
        (b'name="reason"; x="\xff"', b"r"),
    ],
)
def test_a_multipart_form_that_is_not_utf8_is_400(
    header: bytes, value: bytes, bearer: Console
) -> None:
    part = b"--b\r\nContent-Disposition: form-data; %b\r\n\r\n%b\r\n--b--\r\n" % (header, value)
    query = f"mediaId={make_video().vod_id}&status=Blocked&reason=r"
    answer = post(bearer, part, "multipart/form-data; boundary=b", query)
    assert answer["code"] == "400"
    assert "not well-formed UTF-8, in the parameter " in answer["message"]
    assert "reason" in answer["message"]
    assert not ReviewDecision.objects.exists()


@pytest.mark.parametrize("text", ["%EF%BF%BD", "\ufffd", "%"])
def test_a_replacement_character_of_the_client_is_text(text: str, bearer: Console) -> None:
    form = f"mediaId={make_video().vod_id}&status=Blocked&reason={text}"
    assert post(bearer, form, "application/x-www-form-urlencoded")["code"] == "200"


@pytest.mark.parametrize("method", ["get", "post"])
def test_an_oversized_query_is_400(method: str, bearer: Console) -> None:
    ask = getattr(bearer.http, method)
    url = AUDIT + "?" + "&".join(f"p{number}=" for number in range(1_001))
    for _ in ("with a token", "without one, which may be in the unread part"):
        answer = envelope(ask(url))
        assert (answer["code"], answer["message"]) == (
            "400",
            "The query has more than 1000 parameters.",
        )
        bearer.http.defaults.pop("HTTP_AUTHORIZATION", None)


@pytest.mark.parametrize("name", ["mediaId", "reason"])
@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_text_that_no_database_stores_is_400(name: str, text: str, bearer: Console) -> None:
    body = {"mediaId": "a", "status": "Blocked", "reason": "r", name: text}
    answer = post(bearer, dumps(body), "application/json")
    assert answer["code"] == "400"
    assert answer["message"].startswith(f"{name} must")


@pytest.mark.parametrize("token", ["\ud800", 1, ["a"], {"a": "b"}])
def test_a_token_that_is_not_text_is_unknown(token: Any) -> None:
    answer = post(Console(), dumps({"consoleToken": token}), "application/json")
    assert answer["code"] == "403"


FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=Y"
DISPOSITION = b"Content-Disposition: form-data; "
STATUS = b'name="status"'


def part(
    header: bytes = DISPOSITION + STATUS, before: bytes = b"", after: bytes = b"--\r\n"
) -> bytes:
    return b"%b--Y\r\n%b\r\n\r\nBlocked\r\n--Y%b" % (before, header, after)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"status=Blocked&reason=x", MULTIPART),
        (b'{"status": "Blocked"}', MULTIPART),
        (part().replace(b"\r\n", b"\n"), MULTIPART),
        (part(b"Content-Type: text/plain"), MULTIPART),
        (part(b"Content-Disposition : form-data; " + STATUS), MULTIPART),
        (part(DISPOSITION + b'filename="a.txt"'), MULTIPART),
        (part(DISPOSITION + STATUS + b'; filename="."'), MULTIPART),  # Django drops this name
        (part(DISPOSITION + STATUS + b"\r\n" + DISPOSITION + b'name="x"'), MULTIPART),
        (part(DISPOSITION + b'name="x"\n\nstatus'), MULTIPART),
        (part(before=b"status=Blocked\r\n"), MULTIPART),
        (part(DISPOSITION + b'name="x"', after=b"--\r\nstatus=Blocked"), MULTIPART),
        (part(DISPOSITION + b'name="x"', after=b""), MULTIPART),  # cut off
        (part(DISPOSITION + b'name="x"', after=b"Z\r\n\r\n--Y--"), MULTIPART),
        (b'{"status": "Blocked"}', FORM),
        (b'["status=Blocked&reason=x"]', FORM),
        (b"<status>Blocked</status>", FORM),
        (part(), FORM),
    ],
)
def test_a_form_that_was_read_in_part_is_400(
    body: bytes, content_type: str, bearer: Console
) -> None:
    query = f"mediaId={make_video().vod_id}&status=Normal"
    answer = post(bearer, body, content_type, query)
    assert (answer["code"], answer["message"][:8]) == ("400", "The body")
    assert not ReviewDecision.objects.exists()


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", MULTIPART),
        (b"", FORM),
        (b"", "application/json"),
        (b"--Y--\r\n", MULTIPART),  # what browsers send for a form without fields
        (part(DISPOSITION + b'name="x"; filename="a.txt"', after=b"--"), MULTIPART),
        (part(DISPOSITION + b'name="x"\r\nX: y').replace(b"--Y\r", b"--Y \r"), MULTIPART),
        (part(DISPOSITION + b'name="x"; filename=""').replace(b"Blocked", b""), MULTIPART),
        (b"x[]=1&&y", FORM),
    ],
)
def test_a_body_without_known_fields_leaves_the_query(
    body: bytes, content_type: str, bearer: Console
) -> None:
    query = f"mediaId={make_video().vod_id}&status=Normal"
    length: dict[str, Any] = {"CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": content_type}
    answer = bearer.http.generic("POST", f"{AUDIT}?{query}", body, content_type, **length)
    assert envelope(answer)["code"] == "200"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b"status=Blocked&reason=x", FORM), (b"{}", "application/json"), (b"a", "")],
)
@pytest.mark.parametrize("operation", ["createAudit", "getVideos"])
def test_a_get_with_a_body_is_400(
    operation: str, body: bytes, content_type: str, console: Console
) -> None:
    query = f"mediaId={make_video().vod_id}&status=Normal"
    for token in (f"&consoleToken={console.token}", ""):  # the body may hold the token
        url = f"{url_of(operation)}?{query}{token}"
        response = console.http.generic("GET", url, body, content_type)
        assert envelope(response)["code"] == "400"
        assert response["X-Error-Code"] == "unreadable_body"
    assert not ReviewDecision.objects.exists()


def test_messages_are_english_in_every_language(console: Console, settings: Any) -> None:
    settings.LOCALE_PATHS = []  # a change makes Django reload its catalogues, after the test too
    trans_real.translation("zh-hans").merge(chinese(("Narrowband HD", "窄带高清")))
    console.http.defaults["HTTP_ACCEPT_LANGUAGE"] = "zh-hans"
    video = make_video(narrow_transcode_status="onTranscode")
    answer = console.get("submitTabTranscode", mediaId=video.vod_id)
    assert answer["message"] == "A Narrowband HD transcoding job of this video is running."


def chinese(message: tuple[str, str]) -> NullTranslations:
    """Return a catalogue of one message."""
    catalogue = NullTranslations()
    catalogue._catalog = dict([message])  # type: ignore[attr-defined]  # as a .mo file fills it
    catalogue.plural = lambda _count: 0  # type: ignore[attr-defined]  # likewise
    return catalogue


def test_every_client_gets_json_whatever_it_accepts(console: Console) -> None:
    console.http.defaults["HTTP_ACCEPT"] = "text/html"
    assert console.get("getVideos", format="xml")["code"] == "200"


def test_a_decision_by_api_stores_operator_and_source() -> None:
    console = Console(make_operator("moderator"))
    console.get("createAudit", mediaId=make_video().vod_id, status="Normal")
    decision = ReviewDecision.objects.get()
    assert (decision.operator, decision.source) == (console.operator, Source.API)
