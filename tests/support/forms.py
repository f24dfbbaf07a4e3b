"""The fields of a form of the desk, as a browser sends them."""

from html.parser import HTMLParser

FieldValues = dict[str, list[str]]


class _Fields(HTMLParser):
    def __init__(self, form_id: str) -> None:
        super().__init__()
        self.form_id, self.is_inside, self.values = form_id, False, FieldValues()
        self.select, self.text = "", ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.is_inside = has.get("id") == self.form_id
        if not self.is_inside:
            return
        if tag == "select":
            self.select = has.get("name", "")
        elif tag == "option" and self.select and "selected" in has:
            self.add(self.select, has["value"])
        elif tag == "textarea":
            self.text = has["name"]
            self.values[self.text] = [""]
        elif tag == "input" and "name" in has:
            kind = has.get("type", "text")
            is_box = kind in ("checkbox", "radio")
            if "checked" in has if is_box else kind != "submit":
                self.add(has["name"], has.get("value", "on" if is_box else ""))

    def handle_data(self, data: str) -> None:
        if self.text:
            self.values[self.text][0] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.is_inside = False
        elif tag == "select":
            self.select = ""
        elif tag == "textarea" and self.text:
            self.values[self.text] = [self.values[self.text][0].removeprefix("\n")]
            self.text = ""

    def add(self, name: str, value: str) -> None:
        self.values.setdefault(name, []).append(value)


def fields_of(page: str, form_id: str) -> FieldValues:
    """Return the values of a form's fields; several of a name are possible, or none."""
    parser = _Fields(form_id)
    parser.feed(page)
    return parser.values
