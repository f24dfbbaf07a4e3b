"""The Chinese catalogue: complete, current, and compiled. Without gettext's programs."""

import ast
import re
from collections.abc import Iterator
from gettext import GNUTranslations
from pathlib import Path
from typing import Any, Final

import pytest
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets, label_for_field
from django.db.models import Model
from django.test import RequestFactory
from django.utils import translation
from django.utils.translation.template import templatize

from accounts.models import Operator

ROOT: Final = Path(__file__).resolve().parents[2]
CATALOGUE: Final = ROOT / "shortvideo/locale/zh_Hans/LC_MESSAGES/django.po"
FOLDERS: Final = ("accounts", "recommendations", "shortvideo", "videos")
FUNCTIONS: Final = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}

# Names and figures without a Chinese word.
NAMES: Final = {"%(done)d of %(all)d", "%(rate)s kbit/s", "CDN", "URL", "URLs", "Webhooks"}

Texts = tuple[str, ...]  # a text, or its singular and plural
PLACEHOLDER: Final = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}|[\u2066-\u2069]")
STRING: Final = r"""u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
TEMPLATE_CALL: Final = re.compile(rf"\b(?:_|n?gettext)\(\s*({STRING})(?:\s*,\s*({STRING}))?")


def files(*endings: str) -> Iterator[Path]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in endings:
                yield path


def texts_of_python(source: str) -> Iterator[Texts]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if name in FUNCTIONS:
                count = 2 if name.startswith("ngettext") else 1
                given = [arg.value for arg in node.args[:count] if isinstance(arg, ast.Constant)]
                if given:  # a variable's texts are marked where they are written
                    yield tuple(str(text) for text in given)


def texts_of_template(source: str) -> Iterator[Texts]:
    for found in TEMPLATE_CALL.finditer(templatize(source)):
        yield tuple(ast.literal_eval(text) for text in found.groups() if text is not None)


@pytest.fixture(scope="module")
def in_source() -> set[Texts]:
    """The texts that Python modules and templates give to gettext."""
    found: set[Texts] = set()
    for path in files(".py"):
        found.update(texts_of_python(path.read_text(encoding="utf-8")))
    for path in files(".html"):
        found.update(texts_of_template(path.read_text(encoding="utf-8")))
    return found


def read_catalogue(path: Path) -> dict[Texts, str]:
    """Return the translation of each text in a `.po` file."""
    found = {}
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        values: dict[str, str] = {}
        keyword = ""
        for line in block.splitlines():
            match = re.match(r'(?:(msgid|msgid_plural|msgstr|msgstr\[0\]) )?(".*")$', line)
            if match is not None:
                keyword = match[1] or keyword
                values[keyword] = values.get(keyword, "") + ast.literal_eval(match[2])
            else:
                assert line.startswith("#"), line
        texts = tuple(values[key] for key in ("msgid", "msgid_plural") if key in values)
        found[texts] = values.get("msgstr[0]", values.get("msgstr", ""))
    return found


@pytest.fixture(scope="module")
def catalogue() -> dict[Texts, str]:
    return read_catalogue(CATALOGUE)


def test_no_text_is_missing_or_stale(in_source: set[Texts], catalogue: dict[Texts, str]) -> None:
    written = set(catalogue) - {("",)}
    assert sorted(in_source - written) == [], "missing: see CONTRIBUTING.md"
    assert sorted(written - in_source) == [], "stale: see CONTRIBUTING.md"


def test_no_text_is_fuzzy_obsolete_or_empty(catalogue: dict[Texts, str]) -> None:
    lines = CATALOGUE.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if re.match(r"#~|#\||#,.*fuzzy", line)] == []
    assert [texts for texts, chinese in catalogue.items() if not chinese] == []


def test_every_text_is_chinese_or_on_the_list(catalogue: dict[Texts, str]) -> None:
    latin = {texts[0] for texts, chinese in catalogue.items() if not re.search("[一-鿿]", chinese)}
    assert latin - {""} == NAMES


def test_both_languages_have_the_same_placeholders(catalogue: dict[Texts, str]) -> None:
    different = [
        texts
        for texts, chinese in catalogue.items()
        if any(
            sorted(PLACEHOLDER.findall(t)) != sorted(PLACEHOLDER.findall(chinese)) for t in texts
        )
    ]
    assert different == []


@pytest.mark.parametrize("path", sorted(CATALOGUE.parent.glob("*.po")), ids=lambda path: path.stem)
def test_the_compiled_catalogue_is_the_written_one(path: Path) -> None:
    with path.with_suffix(".mo").open("rb") as file:
        compiled: dict[Any, str] = GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    written = {
        texts[0] if len(texts) == 1 else (texts[0], 0): chinese
        for texts, chinese in read_catalogue(path).items()
    }
    del compiled[""], written[""]  # the headers: msgfmt leaves out the date
    assert compiled == written, "compile it: see CONTRIBUTING.md"


def shown_labels(model: type[Model], site_admin: Any) -> Iterator[str]:
    """The labels and headings of a model's pages at the desk."""
    request = RequestFactory().get("/")
    request.user = Operator(is_superuser=True)
    sets = site_admin.get_fieldsets(request, model())
    yield from (str(name) for name, _options in sets if name)
    yield str(model._meta.verbose_name)
    yield str(model._meta.verbose_name_plural)
    form = site_admin.get_form(request, model(), change=True)()
    for name in [*flatten_fieldsets(sets), *site_admin.list_display]:
        if name != "action_checkbox":
            yield str(label_for_field(name, model, site_admin, form=form))


def test_every_label_at_the_desk_is_chinese() -> None:
    with translation.override("zh-hans"):
        english = {
            (model.__name__, label)
            for model, site_admin in admin.site._registry.items()
            for label in shown_labels(model, site_admin)
            if not re.search("[一-鿿]", label) and label not in NAMES | {"ID"}
        }
    assert english == set()
