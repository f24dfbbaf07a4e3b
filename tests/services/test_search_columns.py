"""Search columns hold folded text; a command corrects those of an earlier version."""

import pytest
from django.core.management import call_command

from accounts.models import Uploader
from recommendations.models import Recommendation
from shortvideo.text import folded
from tests.factories import make_recommendation, make_uploader, make_video
from videos.models import Video

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "text", ["İstanbul", "ISTANBUL", "istanbul", "ıstanbul", "I\u0307stanbul", "i\u0307stanbul"]
)
def test_all_letters_i_are_one(text: str) -> None:
    assert folded(text) == "istanbul"
    assert folded(folded(text)) == folded(text)


def test_the_command_corrects_columns_of_an_earlier_version(
    capsys: pytest.CaptureFixture[str],
) -> None:
    make_uploader(user_name="İpek")
    make_recommendation(make_video(title="İstanbul"), title="Işık", title_search="ışık")
    Uploader.objects.filter(user_name="İpek").update(name_search="i\u0307pek")
    Video.objects.update(title_search="i\u0307stanbul")
    call_command("fold_search_columns")
    assert capsys.readouterr().out == "3 rows changed.\n"
    assert Uploader.objects.filter(name_search="ipek").exists()
    assert Video.objects.get().title_search == "istanbul"
    assert Recommendation.objects.get().title_search == "işik"
    call_command("fold_search_columns")
    assert capsys.readouterr().out == "0 rows changed.\n"
