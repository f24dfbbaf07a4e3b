"""`manage.py vod_review_ips`: the addresses to which VOD names URLs of unpublished videos."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from shortvideo.cloud import CloudError
from shortvideo.errors import InvalidState
from videos.services import review_ips


class Command(BaseCommand):
    help = (
        "Show or change VOD's review security IPs. Only to these callers VOD names the play URLs "
        "of pending and blocked videos: add the address from which this server reaches VOD."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="show all groups")
        for name, text in (("add", "add to a group"), ("remove", "remove from a group")):
            action = actions.add_parser(name, help=text)
            action.add_argument("addresses", nargs="+", metavar="ADDRESS", help="IP or CIDR block")
            action.add_argument("--group", default=review_ips.DEFAULT_GROUP)

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        try:
            getattr(self, f"_{action}")(**options)
        except (InvalidState, CloudError) as error:
            raise CommandError(str(error)) from error

    def _list(self, **_: Any) -> None:
        groups = review_ips.list_review_ips()
        for group, addresses in sorted(groups.items()):
            for address in addresses:
                self.stdout.write(f"{group}\t{address}")
        if not any(groups.values()):
            self.stdout.write("VOD has no review security IPs: it plays no pending video here.")

    def _add(self, addresses: list[str], group: str, **_: Any) -> None:
        added = review_ips.add_review_ips(addresses, group=group)
        self.stdout.write(f"{len(added)} added to {group}: {', '.join(added)}")

    def _remove(self, addresses: list[str], group: str, **_: Any) -> None:
        review_ips.remove_review_ips(addresses, group=group)
        self.stdout.write(f"{len(addresses)} removed from {group}: {', '.join(addresses)}")
