"""Why an operation on a video was refused."""


class StateForbids(Exception):
    """The state of the video does not allow it. The text is a sentence for whoever asked."""
