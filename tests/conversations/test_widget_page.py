"""The Widget page: keys to copy, settings to change, and the hosted page to try one."""

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from conversations.models import Channel
from conversations.widget.access_token import TokenError, channel_for_token
from conversations.widget.channels import contrast_with_white, origin_read
from integrations.models import AuditEntry, Project
from tests import factories
from tests.members import client_of_reader

pytestmark = pytest.mark.django_db


def url(name: str, project: Project) -> str:
    return reverse(name, kwargs={"project_id": project.public_id})


def values(channel: Channel | None = None, **changed: object) -> dict[str, object]:
    fields: dict[str, object] = {
        "name": "Website",
        "environment": "live",
        "title": "Chat with us",
        "accent": "#2457d6",
        "allowed_origins": "shop.example",
        "is_enabled": "on",
        **changed,
    }
    if channel is None:
        return fields
    return {f"{channel.pk}-{name}": value for name, value in fields.items()} | {
        "channel": channel.pk
    }


def test_the_page_shows_the_key_and_a_script_tag_with_it(admin, project):
    channel = factories.channel(project)

    [card] = admin.get(url("widget", project)).context["cards"]

    assert f'data-key="{channel.public_key}"' in card.script_tag
    assert settings.PUBLIC_URL in card.script_tag


def test_no_secret_of_a_channel_is_on_the_page(admin, project):
    channel = factories.channel(project)
    secret = factories.secret_token(channel)

    page = admin.get(url("widget", project)).content.decode()

    assert secret not in page
    assert channel.secret_token_hash not in page


def test_a_widget_is_changed_and_keeps_its_key(admin, project):
    channel = factories.channel(project)
    key = channel.public_key

    admin.post(url("widget", project), values(channel, title="Ask us", accent="#AA0000"))

    channel.refresh_from_db()
    assert (channel.title, channel.accent, channel.public_key) == ("Ask us", "#aa0000", key)
    entry = AuditEntry.objects.get(action="channel.changed")
    assert entry.fields == ["accent", "environment", "title"]


def test_a_widget_can_be_switched_off(admin, project):
    channel = factories.channel(project)
    form = values(channel)
    del form[f"{channel.pk}-is_enabled"]

    admin.post(url("widget", project), form)

    channel.refresh_from_db()
    assert not channel.is_enabled


def test_a_new_widget_gets_a_key_of_its_own(admin, project):
    first = factories.channel(project)

    admin.post(url("widget_new", project), values(name="Shop"))

    second = project.channels.get(name="Shop")
    assert second.public_key != first.public_key
    assert second.allowed_origins == ["shop.example"]


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("example.com", "example.com"),
        ("https://Example.com/", "example.com"),
        (" localhost:3000 ", "localhost:3000"),
        ("http://10.0.0.5:8080", "10.0.0.5:8080"),
        ("[::1]:8000", "[::1]:8000"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("Bücher.example", "xn--bcher-kva.example"),
        ("https://bücher.example:8443/", "xn--bcher-kva.example:8443"),
        ("com.example.My_App", "com.example.my_app"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("Ionic://LOCALHOST", "ionic://localhost"),
        ("app_1.internal", "app_1.internal"),
    ],
)
def test_an_allowed_page_is_stored_as_host_and_port(typed, stored):
    assert origin_read(typed) == stored


@pytest.mark.parametrize(
    "typed",
    [
        "*",
        "*.example.com",
        "example.com/shop",
        "exa mple.com",
        "-bad.example",
        "example.com:99999",
        "example.com:0",
        "ftp://example.com",
        "user@example.com",
        "example..com",
        "javascript:alert(1)",
        "javascript://alert",
        "null",
        "file://",
        "data://x",
        "capacitor://",
    ],
)
def test_an_allowed_page_that_is_no_host_is_refused_with_its_line(admin, project, typed):
    channel = factories.channel(project)

    answer = admin.post(
        url("widget", project), values(channel, allowed_origins=f"good.example\n{typed}")
    )

    [card] = answer.context["cards"]
    assert answer.status_code == 422
    assert card.form.errors["allowed_origins"][0].startswith("Line 2")
    channel.refresh_from_db()
    assert channel.allowed_origins == ["shop.example"]


@pytest.mark.parametrize("accent", ["", "blue", "#12345", "#12345g", "#1234567", "red;}"])
def test_a_colour_that_is_none_is_refused(admin, project, accent):
    channel = factories.channel(project)

    answer = admin.post(url("widget", project), values(channel, accent=accent))

    assert "accent" in answer.context["cards"][0].form.errors


def test_a_colour_on_which_white_cannot_be_read_is_remarked_upon(admin, project):
    factories.channel(project, accent="#ffee00")

    page = admin.get(url("widget", project))

    assert page.context["cards"][0].is_contrast_low
    assert "writes dark text on it" in page.content.decode()


def test_contrast_is_that_of_wcag():
    assert contrast_with_white("#000000") == pytest.approx(21)
    assert contrast_with_white("#ffffff") == pytest.approx(1)
    assert contrast_with_white("#767676") == pytest.approx(4.54, abs=0.01)


def test_the_test_page_carries_the_widget_and_phrases_to_try(project):
    channel = factories.channel(project)
    factories.topic(project, "When are you open?")
    to_vendor = factories.topic(project, "I want to talk to a human at Zendesk")
    to_vendor.actions = [{"kind": "run_tool", "target": "to_zendesk", "when": "always"}]
    to_vendor.save()

    page = Client().get(f"/w/{channel.public_key}/", headers={"host": "127.0.0.1"})

    people, agent = page.context["phrase_groups"]
    text = page.content.decode()
    assert f'data-key="{channel.public_key}"' in text
    assert people.phrases == ["I want to talk to a human", "I want to talk to a human at Zendesk"]
    assert agent.phrases == ["When are you open?"]
    assert all(f"{group.title}</h3>" in text for group in (people, agent))


def test_the_test_page_of_a_disabled_widget_says_so_and_loads_nothing(project):
    channel = factories.channel(project, is_enabled=False)

    page = Client().get(f"/w/{channel.public_key}/").content.decode()

    assert "The widget is disabled" in page
    assert "data-key" not in page


def test_the_test_page_on_a_host_that_is_not_allowed_names_the_host(project, settings):
    settings.ALLOWED_HOSTS = ["other.example"]
    channel = factories.channel(project)

    page = Client().get(f"/w/{channel.public_key}/", headers={"host": "other.example"})

    text = page.content.decode()
    assert "other.example" in text
    assert "data-key" not in text


def test_a_key_that_nobody_has_is_not_found():
    assert Client().get("/w/wk_nobody/").status_code == 404


def test_the_test_page_runs_no_script_of_its_own_inline(project):
    channel = factories.channel(project)

    page = Client().get(f"/w/{channel.public_key}/", headers={"host": "127.0.0.1"})

    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert "<script>" not in page.content.decode()


def test_a_reader_sees_keys_but_changes_nothing(project):
    channel = factories.channel(project)
    reader = client_of_reader(project)

    assert reader.get(url("widget", project)).status_code == 200
    assert reader.post(url("widget", project), values(channel)).status_code == 403
    assert reader.post(url("widget_new", project), values()).status_code == 403
    channel.refresh_from_db()
    assert channel.environment == "sandbox"


def test_a_widget_of_another_project_is_not_changed_under_this_one(admin, project):
    foreign = factories.channel(factories.project())

    assert admin.post(url("widget", project), values(foreign)).status_code == 404
    foreign.refresh_from_db()
    assert foreign.environment == "sandbox"


def test_a_server_token_is_shown_once_and_stored_hashed(admin, project):
    channel = factories.channel(project)
    address = reverse(
        "widget_token", kwargs={"project_id": project.public_id, "channel_id": channel.pk}
    )

    answer = admin.post(address)

    [card] = answer.context["cards"]
    assert channel_for_token(card.fresh_token) == (channel, True)
    assert card.fresh_token in answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]
    assert card.fresh_token not in repr(card)
    assert card.fresh_token not in admin.get(url("widget", project)).content.decode()


def test_a_new_server_token_replaces_the_old_one(admin, project):
    channel = factories.channel(project)
    old = factories.secret_token(channel)
    address = reverse(
        "widget_token", kwargs={"project_id": project.public_id, "channel_id": channel.pk}
    )

    admin.post(address)

    with pytest.raises(TokenError):
        channel_for_token(old)


def test_a_reader_cannot_make_a_server_token(project):
    channel = factories.channel(project)
    address = reverse(
        "widget_token", kwargs={"project_id": project.public_id, "channel_id": channel.pk}
    )

    assert client_of_reader(project).post(address).status_code == 403
    channel.refresh_from_db()
    assert channel.secret_token_hash == ""
