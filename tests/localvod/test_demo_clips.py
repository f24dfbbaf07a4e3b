"""The demo clips: promises of the whole set, and a picture and a sound from each scene."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations
from pathlib import Path
from random import Random

import pytest
from PIL import Image

from localvod.demo import avatars
from localvod.demo.clips import PEOPLE, Clip, clips
from localvod.demo.rendering import render
from localvod.demo.scenes import Stage
from localvod.demo.seeding import MARK
from localvod.media.ffmpeg import run_ffmpeg
from localvod.media.probe import probe
from localvod.media.snapshots import write_snapshots
from localvod.uploader import User
from tests.localvod.media import write_media

ALL = clips(24)
ONE_OF_EACH_SCENE_AND_SOUND = [ALL[number - 1] for number in (1, 3, 5, 6, 7, 13, 15, 16)]
SMALL = (180, 320)


def is_chinese(text: str) -> bool:
    return re.search(r"[\u4e00-\u9fff]", text) is not None


def test_13_of_24_clips_need_a_person() -> None:
    verdicts = Counter(clip.verdict for clip in ALL)
    assert verdicts == {"review": 12, "error": 1, "pass": 9, "block": 2}


def test_what_the_machine_suspects_differs_in_label_and_score() -> None:
    hits = [clip.hit.split(":") for clip in ALL if clip.verdict == "review"]
    assert len({label for label, _score in hits}) >= 6
    scores = sorted(int(score) for _label, score in hits)
    assert len(set(scores)) == len(scores)
    assert scores[0] < 45
    assert scores[-1] > 85


def test_titles_are_english_and_chinese_and_all_different() -> None:
    chinese = [clip.title for clip in ALL if is_chinese(clip.title)]
    assert len(chinese) >= 6
    assert len(ALL) - len(chinese) >= 6
    assert len({clip.title for clip in ALL}) == 24


def test_at_least_six_people_upload() -> None:
    assert len({clip.person for clip in ALL}) >= 6


def test_most_clips_are_portrait_and_all_last_5_to_15_seconds() -> None:
    portrait = [clip for clip in ALL if clip.size[1] * 9 == clip.size[0] * 16]
    assert len(portrait) > 18
    assert all(5 <= clip.seconds <= 15 for clip in ALL)


@pytest.mark.parametrize("switch", ["narrowband:fail", "transcode:fail", "snapshots:off"])
def test_one_passing_clip_has_each_switch(switch: str) -> None:
    (clip,) = [clip for clip in ALL if switch in clip.switches]
    assert clip.verdict == "pass"


def test_a_larger_set_repeats_clips_without_switches() -> None:
    more = clips(60)
    assert more[:24] == ALL
    assert more[27].title == f"{ALL[3].title} (2)"
    assert more[27].seed != ALL[3].seed
    assert not any(clip.switches for clip in more[24:])
    assert len({clip.reference_id for clip in more}) == 60


def test_texts_and_tags_keep_vods_limits() -> None:
    for clip in clips(60):
        assert re.fullmatch(r"[A-Za-z0-9_-]{6,64}", clip.reference_id)
        assert len(clip.title.encode()) <= 128
        tags = [*clip.all_tags, MARK]
        assert len(tags) <= 16
        assert all(len(tag.encode()) <= 32 and "," not in tag for tag in tags)
    for person in PEOPLE:
        url = f"http://media.example.test/{avatars.key(person)}"
        assert len(User(person.user_id, person.name, url).as_user_data().encode()) <= 512


def test_avatars_differ_and_are_reproducible() -> None:
    painted = [avatars.paint(person) for person in PEOPLE]
    assert len(set(painted)) == len(PEOPLE)
    assert painted == [avatars.paint(person) for person in PEOPLE]


def test_a_scene_is_reproducible(tmp_path: Path) -> None:
    for clip in ALL:
        stages = []
        for name in ("first", "second"):
            (tmp_path / name).mkdir(exist_ok=True)
            stage = Stage(tmp_path / name, SMALL, 1, Random(clip.seed))
            stages.append((clip.scene(stage), [path.read_bytes() for path in stage.pictures]))
        assert stages[0] == stages[1], clip.title


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every clip, small and one second long, by title."""
    folder = tmp_path_factory.mktemp("rendered")
    files = {}
    for clip in ALL:
        path = folder / f"{clip.reference_id}.mp4"
        render(clip.scene, clip.sound, path, size=SMALL, seconds=1, seed=clip.seed)
        files[clip.title] = path
    return files


@pytest.mark.parametrize("clip", ONE_OF_EACH_SCENE_AND_SOUND, ids=lambda clip: clip.reference_id)
def test_a_clip_moves_and_sounds(clip: Clip, rendered: dict[str, Path], tmp_path: Path) -> None:
    path = rendered[clip.title]
    facts = probe(path)
    assert (facts.width, facts.height, facts.audio_codec) == (*SMALL, "aac")
    assert facts.duration == pytest.approx(1, abs=0.1)
    first, last = write_snapshots(path, tmp_path, offsets_ms=[100, 900])
    assert first.read_bytes() != last.read_bytes()
    key = "lavfi.astats.Overall.RMS_level"
    levels = f"astats=metadata=1,ametadata=print:key={key}:file=-"  # of the sound until each moment
    _, output = run_ffmpeg(["-i", str(path), "-af", levels, "-f", "null", "-"])
    assert -45 < float(output.rpartition(f"{key}=")[2]) < -5


def test_no_two_clips_look_alike(rendered: dict[str, Path], tmp_path: Path) -> None:
    pictures = {}
    for title, path in rendered.items():
        write_media(tmp_path / "middle.png", "-ss", "0.5", "-i", str(path), "-frames:v", "1")
        with Image.open(tmp_path / "middle.png") as picture:
            pictures[title] = picture.convert("RGB").resize((6, 10)).tobytes()
    for one, other in combinations(pictures, 2):
        pairs = zip(pictures[one], pictures[other], strict=True)
        difference = sum(abs(a - b) for a, b in pairs) / len(pictures[one])
        assert difference > 6, f"{one} looks like {other}"
