"""A call needs a signature by the account's key, a present date and a new nonce."""

import uuid
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from alibabacloud_tea_openapi.utils_models import Config
from alibabacloud_vod20170321 import models
from alibabacloud_vod20170321.client import Client

from localvod.signature import authorization_header
from tests.localvod.conftest import refused, sdk_config
from tests.support.localvod import ACCESS_KEY_ID, ACCESS_KEY_SECRET, LocalVod


def call(vod: LocalVod, action: str = "GetCategories", **changes: str) -> httpx.Response:
    """Send a signed call without the SDK; `changes` replace headers before signing."""
    headers = {
        "host": vod.endpoint,
        "x-acs-action": action,
        "x-acs-version": "2017-03-21",
        "x-acs-date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": uuid.uuid4().hex,
        "x-acs-content-sha256": sha256(b"").hexdigest(),
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    headers = {name: value for name, value in headers.items() if value}
    query = [("PageSize", "5")]
    signed = authorization_header(ACCESS_KEY_ID, ACCESS_KEY_SECRET, query=query, headers=headers)
    with httpx.Client(trust_env=False) as client:
        return client.post(
            f"{vod.url}/?{urlencode(query)}", headers={**headers, "authorization": signed}
        )


def error(answer: httpx.Response) -> dict[str, Any]:
    content: dict[str, Any] = answer.json()
    assert set(content) == {"RequestId", "HostId", "Code", "Message"}
    return content


def test_a_call_of_the_sdk_may_contain_any_text(vod: LocalVod, client: Client) -> None:
    video_id = vod.seed()
    title = "搞笑 100% + a*b ~ & = 'x' /?"
    client.update_video_info(models.UpdateVideoInfoRequest(video_id=video_id, title=title))
    assert vod.state(video_id)["video"]["title"] == title


def test_a_wrong_secret_is_refused_and_changes_nothing(vod: LocalVod) -> None:
    video_id = vod.seed(title="before")
    forger = Client(sdk_config(vod, secret="another"))
    with refused("SignatureDoesNotMatch", 400):
        forger.update_video_info(models.UpdateVideoInfoRequest(video_id=video_id, title="after"))
    assert vod.state(video_id)["video"]["title"] == "before"


def test_an_unknown_access_key_is_refused(vod: LocalVod) -> None:
    config = Config(
        access_key_id="nobody", access_key_secret="x", endpoint=vod.endpoint, protocol="http"
    )
    with refused("InvalidAccessKeyId.NotFound", 404):
        Client(config).get_categories(models.GetCategoriesRequest())


def test_an_unknown_operation_is_refused(vod: LocalVod) -> None:
    answer = call(vod, "GetVideoPlayAuth")
    assert (answer.status_code, error(answer)["Code"]) == (404, "InvalidApi.NotFound")


def test_an_operation_of_the_other_product_is_unknown(vod: LocalVod) -> None:
    assert error(call(vod, "PushObjectCache"))["Code"] == "InvalidApi.NotFound"


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_date_more_than_15_minutes_away_is_refused(vod: LocalVod, minutes: int) -> None:
    date = (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert error(call(vod, x_acs_date=date))["Code"] == "InvalidTimeStamp.Expired"


def test_a_nonce_is_accepted_once(vod: LocalVod) -> None:
    nonce = uuid.uuid4().hex
    assert call(vod, x_acs_signature_nonce=nonce).status_code == 200
    assert error(call(vod, x_acs_signature_nonce=nonce))["Code"] == "SignatureNonceUsed"


def test_the_action_must_be_signed(vod: LocalVod) -> None:
    assert error(call(vod, x_acs_action=""))["Code"] == "SignatureDoesNotMatch"


def test_a_call_without_authorization_is_refused(vod: LocalVod) -> None:
    with httpx.Client(trust_env=False) as plain:
        answer = plain.post(f"{vod.url}/", headers={"x-acs-action": "GetCategories"})
    assert (answer.status_code, error(answer)["Code"]) == (400, "MissingParameter")
