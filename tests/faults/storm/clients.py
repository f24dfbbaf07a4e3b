"""The two ways to the console, over real HTTP: the API with a token, the admin with a session."""

import re
from typing import Any, Final, Self

import httpx

TIMEOUT_SECONDS = 15.0
LIST = "/admin/videos/video/"
TOKEN_NAME = "csrfmiddlewaretoken"
REPORT: Final = re.compile(r"(\d+) of 1 (?:approved|blocked)\.")
SEEN: Final = re.compile(r'name="seen" value="([^"]*)"')


class Unanswered(Exception):
    """The connection broke or the answer was a 5xx: the request may have had its effect."""


class Refused(Exception):
    """The server refused the request."""


class Client:
    """HTTP to the storm's server. A 5xx or a broken connection raises Unanswered."""

    def __init__(self, base_url: str) -> None:
        self._http = httpx.Client(base_url=base_url, timeout=TIMEOUT_SECONDS, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def _send(self, method: str, url: str, **options: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, url, **options)
        except httpx.TransportError as error:
            raise Unanswered(type(error).__name__) from error
        if answer.status_code >= 500:
            raise Unanswered(str(answer.status_code))
        return answer


class ApiClient(Client):
    """The documented operations; `login` first."""

    token = ""

    def login(self, name: str, password: str) -> None:
        answer = self._send(
            "POST", "/console/user/login", data={"userName": name, "password": password}
        )
        self.token = answer.json()["data"]["consoleToken"]

    def call(self, method: str, operation: str, **parameters: str) -> dict[str, Any]:
        """The envelope of a success; Refused for any other code below 500."""
        content = {**parameters, "consoleToken": self.token}
        given = {"params" if method == "GET" else "data": content}
        envelope: dict[str, Any] = self._send(method, f"/console/vod/{operation}", **given).json()
        if envelope["code"] != "200":
            raise Refused(f"{envelope['code']}: {envelope['message']}")
        return envelope

    def decide(self, vod_id: str, decision: str, reason: str, comment: str) -> str:
        """Returns the request id of the answer."""
        asked = {"mediaId": vod_id, "status": decision, "reason": reason, "comment": comment}
        request_id: str = self.call("POST", "createAudit", **asked)["requestId"]
        return request_id


class AdminClient(Client):
    """The desk, as a browser uses it; `login` first."""

    def __init__(self, base_url: str, primary_keys: dict[str, int]) -> None:
        super().__init__(base_url)
        self._primary_keys = primary_keys

    def login(self, name: str, password: str) -> None:
        self._send("GET", "/admin/login/")
        answer = self._post("/admin/login/", username=name, password=password, next="/admin/")
        if answer.status_code != 302:
            raise Refused("The admin did not let the operator in.")

    def decide(self, vod_id: str, decision: str, reason: str, comment: str) -> str:
        """Choose the operation on one video, confirm what its page shows, and read the report.

        Returns the request id of the confirmation.
        """
        asked = {
            "action": "approve" if decision == "Normal" else "block",
            "_selected_action": str(self._primary_keys[vod_id]),
            "next": "/admin/password_change/",  # a small page; it shows the report too
        }
        answer = self._post(LIST, **asked)
        while seen := SEEN.search(answer.text):  # once more if another operator was faster
            texts = {"reason": reason or "seen again", "comment": comment}
            answer = self._post(LIST, **asked, **texts, confirmed="1", seen=seen[1])
        if answer.status_code != 302:
            raise Refused(f"The admin answered {answer.status_code}.")
        found = REPORT.search(self._report(answer.headers["location"]))
        if found is None or found[1] != "1":
            raise Refused("The admin changed nothing.")
        return answer.headers["x-request-id"]

    def _report(self, url: str) -> str:
        """The page after the operation. A cookie keeps the report until a page shows it."""
        for _ in range(20):
            try:
                return self._send("GET", url).text
            except Unanswered:
                continue
        raise Unanswered("There was no report.")

    def _post(self, url: str, **fields: str) -> httpx.Response:
        token = self._http.cookies.get("csrftoken", "")
        return self._send("POST", url, data={**fields, TOKEN_NAME: token})
