"""How fast one moderates by keyboard: `python -m benchmarks.review_desk`.

Starts localvod and the console, fills the queue with real clips, opens the review page in Chromium
and approves clip after clip. Prints the time from the key to the next clip's first frame, and in
how many cases that frame was decoded before the key. With `--latency` and `--megabits` the browser
has a slower network, with `--think` seconds between two keys.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.catalogue import Installation, migrated_installation
from tests.localvod.media import make_clip
from tests.support.chromium import CHROMIUM, FLAGS

NAME, PASSWORD = "moderator", "a long password of the benchmark"
# Each clip has a file of its own, so that the browser has none in its cache.
FILL_QUEUE = """
from datetime import timedelta
from django.utils import timezone
from videos.models import ReviewTask, Video
now = timezone.now()
for number in range({count}):
    path = f"{host}/clips/{{number}}.mp4"
    video = Video.objects.create(
        vod_id=f"clip{{number:04d}}", title=f"Clip {{number}}", creation_time=now, duration=8,
        censor_status="check", status="Checking", files_read_at=now,
        source_path=path,
        files=[dict(path=path, definition="SD", format="mp4", width=540, height=960, bitrate=900,
                    fps=25, size=1, duration=8, codec="h264", is_narrowband=False, job_id="")],
    )
    ReviewTask.objects.create(video=video, cause="new", opened_at=now + timedelta(seconds=number))
"""
# Press a key; resolve with the milliseconds until the next clip shows its first frame, and whether
# that frame was decoded before.
DECIDE = """key => new Promise((resolve) => {
  const next = [...document.querySelectorAll('video')].filter((each) => each.hidden)[0];
  const wasDecoded = Boolean(next) && next.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA;
  const start = performance.now();
  if (next) {
    next.requestVideoFrameCallback(() => resolve([performance.now() - start, wasDecoded]));
  }
  document.body.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
  if (!next) {
    resolve([null, false]);
  }
})"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decisions", type=int, default=100, help="default %(default)s")
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--latency", type=float, default=0, help="milliseconds; default none")
    parser.add_argument("--megabits", type=float, default=0, help="per second; default no limit")
    parser.add_argument("--think", type=float, default=0, help="seconds between keys; default 0")
    arguments = parser.parse_args()
    with migrated_installation(0, arguments.database) as installation:
        _prepare(installation, arguments.decisions + 5)
        with installation.served() as url:
            _measure(arguments, url)


def _prepare(installation: Installation, count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clip = make_clip(Path(folder) / "clip.mp4", size="540x960", seconds=8)
        for number in range(count):
            installation.vod.put_file(f"clips/{number}.mp4", clip.read_bytes())
        print(f"clip: {clip.stat().st_size:,} bytes, 540x960, 8 s")
    installation.run(
        "create_operator", f"--username={NAME}", "--role=moderator", "--password-stdin",
        given=PASSWORD,
    )  # fmt: skip
    script = FILL_QUEUE.format(count=count, host=installation.vod.endpoint)
    installation.run("shell", "--verbosity=0", "--command", script)


def _measure(arguments: argparse.Namespace, url: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(base_url=url, viewport={"width": 1440, "height": 900})
        page.goto("/admin/review/")
        page.fill("#id_username", NAME)
        page.fill("#id_password", PASSWORD)
        page.click("[type=submit]")
        page.wait_for_function(
            "() => [...document.querySelectorAll('video')].some((each) => each.currentTime > 0)"
        )
        _limit_network(page, arguments)
        loads: list[str] = []
        page.on("framenavigated", lambda frame: loads.append(frame.url))
        _decide(page, arguments, loads)
        browser.close()


def _limit_network(page: Page, arguments: argparse.Namespace) -> None:
    if not (arguments.latency or arguments.megabits):
        return
    bytes_per_second = arguments.megabits * 125_000 if arguments.megabits else -1
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": arguments.latency,
            "downloadThroughput": bytes_per_second,
            "uploadThroughput": bytes_per_second,
        },
    )


def _decide(page: Page, arguments: argparse.Namespace, loads: list[str]) -> None:
    started_at = time.monotonic()
    times: list[float] = []
    decoded = missing = 0
    for _number in range(arguments.decisions):
        time.sleep(arguments.think)
        milliseconds, was_decoded = page.evaluate(DECIDE, "a")
        decoded += was_decoded
        if milliseconds is None:
            missing += 1
            page.wait_for_function("() => document.querySelectorAll('video').length > 1")
        else:
            times.append(milliseconds)
    seconds = time.monotonic() - started_at - arguments.think * arguments.decisions
    quantiles = statistics.quantiles(times, n=20)
    print(
        f"{arguments.decisions} decisions by 1 key, 0 clicks and {len(loads)} page loads: "
        f"{arguments.decisions / seconds * 60:.0f} a minute without think time; key to first "
        f"frame {statistics.median(times):.0f} ms median, {quantiles[-1]:.0f} ms p95; first frame "
        f"decoded before the key in {decoded} of {arguments.decisions}; no next clip yet in "
        f"{missing}"
    )


if __name__ == "__main__":
    main()
