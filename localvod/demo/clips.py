"""The demo clips: uploader, texts, scene, sound and verdict of each.

Of the first 24, 13 need a person (the machine suspects 12 and cannot judge one), 9 pass and 2 are
blocked. From number 25 on, the clips repeat with another seed and the same verdicts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from localvod.demo import painting, sounds
from localvod.demo.painting import Size
from localvod.demo.scenes import Scene, drifting, generated, landscape, planets

PORTRAIT: Size = (540, 960)
LARGE_PORTRAIT: Size = (720, 1280)
LANDSCAPE: Size = (960, 540)
SQUARE: Size = (640, 640)

PENTATONIC = (261.6, 293.7, 329.6, 392.0, 440.0, 392.0, 329.6, 293.7)
HIGH_PENTATONIC = (523.3, 659.3, 587.3, 784.0, 880.0, 659.3)
MINOR = (220.0, 261.6, 329.6, 293.7, 246.9, 329.6, 440.0, 261.6)


@dataclass(frozen=True)
class Person:
    """An invented uploader and the colours of the avatar."""

    user_id: str
    name: str
    colours: tuple[str, str, str]


PEOPLE = (
    Person("71000001", "northlight", ("#0b2545", "#2ec4b6", "#f4f1de")),
    Person("71000002", "老街阿杰", ("#7f1d1d", "#f59e0b", "#fff7ed")),
    Person("71000003", "kitewind", ("#0369a1", "#7dd3fc", "#fef08a")),
    Person("71000004", "小鹿慢慢", ("#365314", "#a3e635", "#fefce8")),
    Person("71000005", "luna.draws", ("#4c1d95", "#c084fc", "#fdf4ff")),
    Person("71000006", "城市夜行", ("#0f172a", "#f472b6", "#fde68a")),
    Person("71000007", "tidepool", ("#134e4a", "#5eead4", "#fda4af")),
    Person("71000008", "flashdeals_88", ("#b91c1c", "#fde047", "#ffffff")),
)
(NORTHLIGHT, AJIE, KITEWIND, XIAOLU, LUNA, YEXING, TIDEPOOL, DEALS) = PEOPLE


@dataclass(frozen=True)
class Clip:
    """One clip. `switches` are tags that control localvod, such as `narrowband:fail`.

    `hit` is what the machine review finds: label and top score, such as `weapon:64`.
    """

    number: int
    title: str
    description: str
    tags: tuple[str, ...]
    person: Person
    scene: Scene
    sound: str
    seconds: int
    size: Size = PORTRAIT
    verdict: str = "pass"
    hit: str = ""
    switches: tuple[str, ...] = ()

    @property
    def reference_id(self) -> str:
        """The ReferenceId of the upload; a later run finds the clip by it and skips it."""
        return f"localvod-demo-{self.number:04d}"

    @property
    def all_tags(self) -> tuple[str, ...]:
        """The tags of the upload: for people, then for localvod."""
        hit = (f"hit:{self.hit}",) if self.hit else ()
        return (*self.tags, *self.switches, f"verdict:{self.verdict}", *hit)

    @property
    def seed(self) -> int:
        return 1000 + self.number


_DUSK = ("#2b2d6e", "#8e4a8b", "#f0806a", "#ffc27a")
_DAWN = ("#6fa8dc", "#bcd9f0", "#ffe5c4")
_SEA_NIGHT = ("#050d1f", "#0d2847", "#1f5a86")
_MIRRORED = "split[a][b];[b]hflip[c];[a][c]hstack,split[a][b];[b]vflip[c];[a][c]vstack"
_NOISE = "perlin=r=25:octaves=3:persistence=0.6:tscale=0.5:random_mode=seed:random_seed={seed}"

_CLIPS = (
    Clip(1, "Last light over the blue hills", "Twenty minutes after sunset, from the window seat.",
         ("travel", "sunset", "hills"), NORTHLIGHT,
         landscape(_DUSK, painting.ridge, ("#7b4b86", "#573a78", "#3a2b60", "#1e1a40"), "#ffd9a0",
                   front=painting.pines),
         sounds.melody(PENTATONIC, 0.5), 8, LARGE_PORTRAIT),
    Clip(2, "元宵灯会", "河边放灯,愿望都在上面。", ("灯会", "节日", "夜景"), AJIE,
         drifting(("#0a0620", "#2a1140", "#6a2440"), painting.lantern,
                  ("#ff9a3c", "#ffb347", "#f4663a"), speed=-34, side=92, count=13),
         sounds.melody(HIGH_PENTATONIC, 0.6), 7, verdict="review", hit="smoking:47"),
    Clip(3, "Slow swell, full moon", "Low tide at the old pier.", ("sea", "night", "calm"),
         TIDEPOOL,
         landscape(_SEA_NIGHT, painting.wave,
                   ("#12456b", "#0f3a5c", "#0b2d4a", "#082138", "#051627"), "#f5f0d8",
                   star_count=90, bob=12),
         sounds.surf(0.22), 8),
    Clip(4, "Balloon morning", "Six of them took off before breakfast.", ("travel", "balloon"),
         KITEWIND,
         drifting(_DAWN, painting.balloon, ("#d1495b", "#2e86ab", "#edae49"), speed=-12, slant=5,
                  ground="#47784f", side=110, count=2),
         sounds.wind(), 8, switches=("narrowband:fail",)),
    Clip(5, "夜行列车窗外", "加班回家的最后一班车。", ("城市", "夜景", "通勤"), YEXING,
         landscape(("#0c0a2a", "#2b1a55", "#6a2f6e"), painting.skyline,
                   ("#2a2256", "#1b1740", "#0d0b24"), "#f4ecd2", star_count=60),
         sounds.pulse(0.6), 7, verdict="review", hit="TV:52"),
    Clip(6, "Into the seahorse valley", "A dive into the Mandelbrot set, no edits.",
         ("math", "fractal", "art"), LUNA,
         generated("mandelbrot=maxiter=400:start_x=-0.7436:start_y=0.1318:start_scale=0.6"
                   ":end_scale=0.003:end_pts=8000:inner=black", "hue=h=20+8*t:s=0.8", shrink=2),
         sounds.chord((110.0, 164.8, 220.0)), 8, verdict="review", hit="sexy:41"),
    Clip(7, "First snow in the valley", "It started at four and did not stop.", ("snow", "winter"),
         NORTHLIGHT,
         drifting(("#25406b", "#6f8fb8", "#c9d8ea"), painting.flake, ("#ffffff", "#e8f1ff"),
                  speed=70, slant=-14, ground="#1c2f4a", side=16, count=70),
         sounds.wind(), 6, switches=("transcode:fail",)),
    Clip(8, "WIN A PHONE - scan now", "Only today! Share with ten friends.", ("deal", "gift"),
         DEALS,
         drifting(("#ff512f", "#f7b733", "#fc00ff"), painting.flake, ("#ffffff", "#ff512f"),
                  speed=150, card="#1a1a2e"),
         sounds.pulse(0.4), 6, verdict="review", hit="qrcode:88"),
    Clip(9, "竹叶慢慢落", "雨后的院子,什么都不用做。", ("自然", "慢生活"), XIAOLU,
         drifting(("#1f4d2b", "#5f9a4f", "#d5e8a8"), painting.leaf,
                  ("#9bc53d", "#c5d86d", "#e9b44c", "#6a994e"), speed=42, slant=-20, side=44,
                  count=18),
         sounds.melody(MINOR, 0.7), 7, switches=("snapshots:off",)),
    Clip(10, "Green fire over the cabin", "Forty minus outside, worth it.", ("aurora", "night"),
         NORTHLIGHT,
         generated(f"{_NOISE}:xscale=3:yscale=0.4",
                   "format=gbrp,curves=r='0/0 0.5/0 0.7/0.5 1/0.7':g='0/0 0.35/0.1 0.6/0.9 1/1'"
                   ":b='0/0.1 0.5/0.4 1/0.7'", shrink=6),
         sounds.chord((98.0, 146.8, 196.0, 246.9)), 7, verdict="review", hit="bloody:58"),
    Clip(11, "Reef at feeding time", "Nobody here is shy.", ("sea", "fish", "colour"), TIDEPOOL,
         drifting(("#0a6e9c", "#0d4f7d", "#06233f"), painting.fish,
                  ("#ff9f1c", "#ffd23f", "#ee4266", "#3bceac", "#f7f7ff"), speed=-2, slant=-60,
                  side=90, count=11),
         sounds.surf(0.4), 7),
    Clip(12, "Street parade, drums and flags", "Downtown, Saturday.", ("parade", "street"),
         KITEWIND,
         drifting(("#ff7b54", "#ffb26b", "#ffd56f"), painting.flake,
                  ("#e63946", "#457b9d", "#2a9d8f", "#f4a261", "#ffffff"), speed=120, slant=30,
                  side=44, count=44),
         sounds.pulse(0.45), 7, verdict="review", hit="weapon:64"),
    Clip(13, "万花筒", "小时候的那一个,还在。", ("手工", "童年", "颜色"), LUNA,
         generated("gradients=type=spiral:n=5:c0=#f72585:c1=#7209b7:c2=#4cc9f0:c3=#f9c74f"
                   ":c4=white:speed=0.01:seed={seed}", _MIRRORED, _MIRRORED, shrink=4),
         sounds.melody(HIGH_PENTATONIC, 0.4), 7, verdict="review", hit="trademark:49"),
    Clip(14, "加群领红包", "扫码进群,先到先得。", ("红包", "福利"), DEALS,
         drifting(("#b80d0d", "#ff4b1f", "#ffcc33"), painting.flake, ("#ffcc33", "#b80d0d"),
                  speed=-80, card="#7a0000"),
         sounds.melody(MINOR, 0.3), 6, verdict="review", hit="qrcode:79"),
    Clip(15, "Pocket solar system", "Paper, wire and a lamp.", ("craft", "space"), LUNA,
         planets(("#02030f", "#0a0f2e", "#1b1140"), "#ffd166",
                 ("#8ecae6", "#ef476f", "#06d6a0", "#c8a2ff")),
         sounds.chord((130.8, 196.0, 261.6)), 12, SQUARE, verdict="review", hit="weapon:43"),
    Clip(16, "Copied from TV: the big match", "Second half, filmed from the screen.",
         ("sport", "tv"),
         DEALS,
         generated("smptehdbars=r=25", "rotate=a='0.03*sin(t)':c=black,vignette=PI/4"),
         sounds.chord((440.0, 880.0)), 6, LANDSCAPE, verdict="block", hit="TV:96"),
    Clip(17, "Winter sea, early", "Gloves off for this one.", ("sea", "morning"), TIDEPOOL,
         landscape(("#8fb8de", "#cfe3f1", "#ffe9d6"), painting.wave,
                   ("#7ba7bc", "#5a8ca6", "#3f7089", "#2b566d"), "#fff3d0", bob=12),
         sounds.surf(0.3), 8, LANDSCAPE),
    Clip(18, "Game of life on the kitchen wall", "Each tile follows four rules.", ("math", "tiles"),
         LUNA,
         generated("life=r=10:mold=8:ratio=0.28:seed={seed}:life_color=#f6bd60"
                   ":death_color=#264653:mold_color=#2a6f77", shrink=12, flags="neighbor"),
         sounds.melody(PENTATONIC, 0.25), 6, verdict="review", hit="qrcode:56"),
    Clip(19, "山里的早晨", "雾散之前走到了山顶。", ("山", "徒步", "风景"), XIAOLU,
         landscape(("#9fc9d9", "#dcebe4", "#fdf3dc"), painting.ridge,
                   ("#9dbfb4", "#74a08f", "#4a7d6b", "#25523f"), "#fff8e1", front=painting.pines),
         sounds.melody(PENTATONIC, 0.8), 7),
    Clip(20, "Smoke test in the yard", "Chemistry club, last session.", ("smoke", "science"),
         KITEWIND,
         generated(f"{_NOISE}:xscale=1.6:yscale=2.4",
                   "format=gbrp,curves=r='0/0.1 0.45/0.75 1/1':g='0/0 0.5/0.2 0.8/0.75 1/1'"
                   ":b='0/0.2 0.5/0.12 1/0.7'", shrink=6),
         sounds.wind(), 6, verdict="review", hit="smoking:73"),
    Clip(21, "Lottery numbers, guaranteed", "Message me for the rest.", ("lottery", "win"), DEALS,
         generated("cellauto=r=16:rule=30:scroll=1:random_seed={seed}:random_fill_ratio=0.4",
                   "format=gbrp,colorchannelmixer=rr=0.9:gg=0.2:bb=0.4", shrink=6,
                   flags="neighbor"),
         sounds.pulse(0.5), 5, verdict="block", hit="contraband:93"),
    Clip(22, "樱花雨", "三月底,就这三天。", ("樱花", "春天"), XIAOLU,
         drifting(("#8ec5f0", "#f3d1dc", "#fbe6ea"), painting.leaf,
                  ("#ee6f8e", "#f58fa8", "#fab4c4"), speed=55, slant=24, side=26, count=34),
         sounds.melody(HIGH_PENTATONIC, 0.5), 6),
    Clip(23, "霓虹夜市", "吃了六家,排队四家。", ("美食", "夜市", "城市"), AJIE,
         landscape(("#1a0530", "#5a0f5e", "#d1477a"), painting.skyline,
                   ("#3d1152", "#25093a", "#120420"), "#ffe14d"),
         sounds.pulse(0.5), 7, verdict="review", hit="trademark:61"),
    Clip(24, "Bubbles, one breath", "Freediving practice, twelve metres.", ("sea", "sport"),
         TIDEPOOL,
         drifting(("#37b6c9", "#12708f", "#083b55"), painting.bubble, ("#e0fbfc", "#c2f0f5"),
                  speed=-90, side=44, count=20),
         sounds.surf(0.5), 7, verdict="error"),
)  # fmt: skip


def clips(count: int) -> list[Clip]:
    """The first `count` clips."""
    return [_clip(number) for number in range(1, count + 1)]


def _clip(number: int) -> Clip:
    take, index = divmod(number - 1, len(_CLIPS))
    first = _CLIPS[index]
    if take == 0:
        return first
    return replace(first, number=number, title=f"{first.title} ({take + 1})", switches=())
