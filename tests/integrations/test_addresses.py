"""What an address asks for and the page does not offer is said there, and nothing else is shown."""

import pytest
from django.urls import reverse

from tests import factories

pytestmark = pytest.mark.django_db
PAGES = [
    ("integration_health", {"range": "3y"}, "range takes one of its choices"),
    ("text_messages", {"way": "sideways"}, "way takes one of its choices"),
    ("text_messages", {"page": "-1"}, "There is no page “-1”"),
    ("text_messages", {"page": "9" * 400}, "There is no page “999"),
    ("agent", {"kind": "oracle"}, "kind takes one of its choices"),
    ("analytics", {"tz": "Mars/Olympus"}, "it is no time zone"),
    ("analytics", {"from": "2026-99-99", "sort": "x"}, "There is no filter “sort”."),
    ("conversation", {"before": "-5"}, "before takes the number of a line"),
    ("handoff", {"kind": "gossip"}, "kind takes one of its choices"),
    ("live", {"state": "lost"}, "state takes one of its choices"),
]


@pytest.mark.parametrize(("name", "query", "words"), PAGES)
def test_a_page_says_what_of_its_address_it_took_no_notice_of(project, admin, name, query, words):
    handoff = factories.handoff(of_integration=factories.integration(project))
    more = {
        "integration_health": ["sandbox", "salesforce_messaging"],
        "handoff": [handoff.pk],
        "conversation": [handoff.conversation_id],
    }
    path = reverse(name, args=[project.public_id, *more.get(name, [])])

    said, plain = (admin.get(path, asked).content.decode() for asked in (query, {}))

    assert words in said.split("data-ignored>")[1].split("</div></div>")[0]
    assert "data-ignored" not in plain


def test_a_number_without_end_is_no_failure(project, admin):
    path = reverse("release_compare", args=[project.public_id])

    assert admin.get(path, {"from": "9" * 5000}).status_code == 404
    live = reverse("live", args=[project.public_id])
    assert admin.get(live, {"rows": "9" * 5000}).status_code == 200
