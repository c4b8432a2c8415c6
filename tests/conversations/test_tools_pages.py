"""The Tools pages: names, checks at save, trial runs, and who may do what."""

import html

import pytest
from django.urls import reverse

from conversations.models import Secret, Tool, Topic
from integrations.models import AuditEntry, Project
from tests import factories
from tests.members import client_of_reader

pytestmark = pytest.mark.django_db

# The seed's own function, unchanged.
SEED = (
    "def transfer_to_salesforce(conv: Conversation):\n"
    "    return {\n"
    '        "utterance": "No problem, I\'ll transfer you to one of our agents now.",\n'
    '        "handoff": {"text_chat": {"salesforce_integration": {}}},\n'
    "    }\n"
)


def url(name: str, project: Project, **more: object) -> str:
    return reverse(name, kwargs={"project_id": project.public_id, **more})


def values(**changed: object) -> dict[str, object]:
    return {
        "name": "transfer_to_salesforce",
        "description": "Hands over.",
        "source": SEED,
        "timeout_seconds": "10",
        **changed,
    }


def test_the_seed_function_is_saved_unchanged_and_without_problems(admin, project):
    answer = admin.post(url("tool_new", project), values())

    tool = Tool.objects.get(project=project)
    page = admin.get(answer.url)
    assert tool.source == SEED
    assert page.context["problems"] == []


def test_a_new_tool_begins_with_the_example_that_hands_off(admin, project):
    page = admin.get(url("tool_new", project))

    assert page.context["form"]["source"].value() == SEED
    assert page.context["form"]["name"].value() == "transfer_to_salesforce"


def test_a_source_with_windows_line_ends_is_stored_with_plain_ones(admin, project):
    admin.post(url("tool_new", project), values(source=SEED.replace("\n", "\r\n")))

    assert Tool.objects.get().source == SEED


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", "required"),
        ("hand off", "digits and underscores only"),
        ("hand-off", "digits and underscores only"),
        ("übergeben", "digits and underscores only"),
        ("1st", "Begin with a letter"),
        ("class", "reserved"),
        ("conv", "reserved"),
        ("flow", "reserved"),
    ],
)
def test_a_name_that_python_or_the_portal_cannot_take_is_refused(admin, project, name, expected):
    source = f"def {name or 'x'}(conv):\n    return None\n"

    answer = admin.post(url("tool_new", project), values(name=name, source=source))

    assert answer.status_code == 422
    assert expected in str(answer.context["form"].errors["name"])
    assert not Tool.objects.exists()


def test_a_second_tool_of_the_same_name_is_refused_at_its_name(admin, project):
    factories.tool(project)

    answer = admin.post(url("tool_new", project), values())

    assert "exists in this project" in answer.context["form"].errors["name"][0]
    assert Tool.objects.count() == 1


def test_the_same_name_is_free_in_another_project(admin, project):
    factories.tool(factories.project())

    admin.post(url("tool_new", project), values())

    assert project.tools.count() == 1


def test_an_error_in_the_source_blocks_saving_and_names_its_line(admin, project):
    source = "def transfer_to_salesforce(conv):\n    return {\n"

    answer = admin.post(url("tool_new", project), values(source=source))

    assert answer.status_code == 422
    assert answer.context["problems"][0].severity == "error"
    assert answer.context["problems"][0].line >= 1
    assert not Tool.objects.exists()


def test_an_invalid_payload_in_the_source_blocks_saving(admin, project):
    source = SEED.replace("salesforce_integration", "salesforse")

    answer = admin.post(url("tool_new", project), values(source=source))

    [problem] = answer.context["problems"]
    assert problem.line == 4
    assert "unknown integration" in problem.message
    assert not Tool.objects.exists()


def test_an_unknown_hint_warns_with_its_line_and_is_saved(admin, project):
    source = SEED.replace("{}}}", '{"prioritty": "high"}}}')

    answer = admin.post(url("tool_new", project), values(source=source))

    [problem] = admin.get(answer.url).context["problems"]
    assert (problem.severity, problem.line) == ("warning", 4)
    assert "prioritty" in problem.message


@pytest.mark.parametrize("seconds", ["0", "31", "ten", ""])
def test_a_time_limit_out_of_range_is_refused(admin, project, seconds):
    answer = admin.post(url("tool_new", project), values(timeout_seconds=seconds))

    assert "timeout_seconds" in answer.context["form"].errors
    assert not Tool.objects.exists()


def test_renaming_a_tool_takes_the_topics_along(admin, project):
    tool = factories.tool(project)
    by_list = factories.topic(project, "human", runs=tool)
    by_text = factories.topic(project, "agent", actions_text="{{ fn:transfer_to_salesforce }}")
    source = SEED.replace("transfer_to_salesforce", "hand_over")

    admin.post(url("tool_edit", project, tool_id=tool.pk), values(name="hand_over", source=source))

    by_list.refresh_from_db()
    by_text.refresh_from_db()
    assert by_list.actions[0]["target"] == "hand_over"
    assert by_text.actions_text == "{{ fn:hand_over }}"


def test_a_renamed_tool_reads_the_secrets_that_it_could_read_before(admin, project):
    tool = factories.tool(project)
    secret = Secret.objects.create(project=project, name="PARCELS", tool_names=[tool.name])
    source = SEED.replace("transfer_to_salesforce", "hand_over")

    admin.post(url("tool_edit", project, tool_id=tool.pk), values(name="hand_over", source=source))

    secret.refresh_from_db()
    assert secret.tool_names == ["hand_over"]


def test_a_tool_in_use_cannot_be_deleted_and_its_topics_are_named(admin, project):
    tool = factories.tool(project)
    topic = factories.topic(project, "Talk to a human", runs=tool)
    address = url("tool_delete", project, tool_id=tool.pk)

    asked = admin.get(address).content.decode()
    refused = admin.post(address)

    assert url("topic_edit", project, topic_id=topic.pk) in asked
    assert refused.status_code == 409
    assert "Talk to a human" in refused.content.decode()
    assert Tool.objects.exists()


def test_a_tool_is_deleted_once_no_topic_runs_it(admin, project):
    tool = factories.tool(project)
    topic = factories.topic(project, "Talk to a human", runs=tool)
    address = url("tool_delete", project, tool_id=tool.pk)
    admin.post(address)
    Topic.objects.filter(pk=topic.pk).update(actions=[])

    answer = admin.post(address)

    assert answer.url == url("tools", project)
    assert not Tool.objects.exists()
    assert AuditEntry.objects.filter(action="tool.deleted").count() == 1


def test_the_list_says_which_topics_run_a_tool(admin, project):
    tool = factories.tool(project)
    topic = factories.topic(project, "Talk to a human", runs=tool)

    page = admin.get(url("tools", project))

    assert page.context["tools"] == [(tool, [topic])]


def test_a_trial_run_shows_what_is_said_and_where_the_handoff_goes(admin, project):
    factories.integration(project)

    page = admin.post(url("tool_run", project), values())

    run = page.context["run"]
    assert run.says == ["No problem, I'll transfer you to one of our agents now."]
    assert ("Goes to", "Salesforce") in run.readings[0].pairs
    assert not Tool.objects.exists()
    assert not project.conversations.exists()


def test_a_trial_run_shows_log_prints_state_and_call_handoff(admin, project):
    source = (
        "def transfer_to_salesforce(conv):\n"
        '    conv.log.warning("careful")\n'
        '    print("printed")\n'
        "    conv.state.count = len(conv.history)\n"
        '    conv.call_handoff("salesforce", reason="asked")\n'
    )

    factories.integration(project)
    run = admin.post(url("tool_run", project), values(source=source)).context["run"]

    assert run.logs[0]["content"] == "careful"
    assert run.prints.strip() == "printed"
    assert '"count": 4' in run.state
    assert ("Reason", "asked") in run.readings[0].pairs


def test_a_trial_run_of_a_bad_payload_lists_every_problem(admin, project):
    source = (
        "def transfer_to_salesforce(conv):\n"
        '    key = "salesforce_integration"\n'
        '    return {"handoff": {"text_chat": {key: {"queue": 7, "skills": 1}}}}\n'
    )

    run = admin.post(url("tool_run", project), values(source=source)).context["run"]

    paths = [problem.path for problem in run.readings[0].problems]
    assert len(paths) == 2
    assert paths[0].endswith("queue")


def test_a_trial_run_that_fails_names_reason_and_line(admin, project):
    source = "def transfer_to_salesforce(conv):\n    x = 1\n    return x / 0\n"

    run = admin.post(url("tool_run", project), values(source=source)).context["run"]

    assert "ZeroDivisionError" in run.error
    assert run.error_line == 3


def test_a_trial_run_stops_at_the_time_limit(admin, project):
    source = "def transfer_to_salesforce(conv):\n    while True:\n        pass\n"

    run = admin.post(url("tool_run", project), values(source=source, timeout_seconds="1")).context[
        "run"
    ]

    assert "time limit" in run.error


def test_a_trial_run_keeps_what_was_typed_when_the_page_has_no_script(admin, project):
    tool = factories.tool(project)

    page = admin.post(url("tool_run", project, tool_id=tool.pk), values(description="Unsaved."))

    assert page.context["form"]["description"].value() == "Unsaved."
    assert "Result with a sample conversation" in page.content.decode()


def test_a_trial_run_for_the_script_is_a_fragment(admin, project):
    page = admin.post(
        url("tool_run", project), values(), headers={"X-Requested-With": "fetch"}
    ).content.decode()

    assert "Result with a sample conversation" in page
    assert "<html" not in page


def test_a_reader_sees_sources_but_saves_runs_and_deletes_nothing(project):
    tool = factories.tool(project)
    reader = client_of_reader(project)

    assert reader.get(url("tools", project)).status_code == 200
    page = reader.get(url("tool_edit", project, tool_id=tool.pk))
    assert page.status_code == 200
    assert "Save tool" not in page.content.decode()
    assert reader.post(url("tool_new", project), values(name="other")).status_code == 403
    assert reader.post(url("tool_run", project), values()).status_code == 403
    edit = url("tool_edit", project, tool_id=tool.pk)
    assert reader.post(edit, values(description="changed")).status_code == 403
    assert reader.post(url("tool_delete", project, tool_id=tool.pk)).status_code == 403
    assert Tool.objects.get().description == tool.description


def test_a_tool_of_another_project_is_not_found_under_this_one(admin, project):
    foreign = factories.tool(factories.project())

    assert admin.get(url("tool_edit", project, tool_id=foreign.pk)).status_code == 404
    assert admin.post(url("tool_run", project, tool_id=foreign.pk), values()).status_code == 404
    assert admin.post(url("tool_delete", project, tool_id=foreign.pk)).status_code == 404


# ---- parameters ----

FIND = "def find(conv, order: str, day=None):\n    return str([order, day])\n"


def typed(**columns: object) -> dict[str, object]:
    """Return a form with rows of parameters, each column as its page sends it."""
    rows = {f"parameter_{name}": column for name, column in columns.items()}
    return values(name="find", source=FIND, parameters_shown="1", **rows)


def test_a_tool_shows_the_parameters_of_its_signature_until_it_has_a_list(admin, project):
    tool = factories.tool(project, FIND)

    page = admin.get(url("tool_edit", project, tool_id=tool.pk))

    assert [(row.name, row.type, row.required) for row in page.context["rows"]] == [
        ("order", "string", "yes"),
        ("day", "string", "no"),
    ]


def test_parameters_are_saved_with_their_kind_and_question(admin, project):
    admin.post(
        url("tool_new", project),
        typed(
            name=["order", "day", ""],
            type=["code", "enum", "string"],
            description=["the number on the invoice", "", ""],
            required=["yes", "no", "yes"],
            options=["", "today, tomorrow", ""],
            question=["Which order?\r\n\r\nde: Welche?", "", ""],
        ),
    )

    order, day = Tool.objects.get().parameters
    assert order == {
        "name": "order",
        "type": "code",
        "description": "the number on the invoice",
        "is_required": True,
        "options": [],
        "question": "Which order?\nde: Welche?",
    }
    assert (day["type"], day["options"], day["is_required"]) == (
        "enum",
        ["today", "tomorrow"],
        False,
    )


def test_a_form_without_the_rows_leaves_them_as_they_are(admin, project):
    tool = factories.tool(project, FIND, parameters=[{"name": "order", "type": "code"}])

    admin.post(url("tool_edit", project, tool_id=tool.pk), values(name="find", source=FIND))

    tool.refresh_from_db()
    assert tool.parameters == [{"name": "order", "type": "code"}]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"name": ["my order"]}, "is no name that a function"),
        ({"name": ["conv"]}, "is no name that a function"),
        ({"name": ["order", "order"]}, "stands there twice"),
        ({"name": ["order"], "type": ["enum"], "options": ["one"]}, "two or more"),
    ],
)
def test_a_list_that_cannot_be_is_refused_with_its_row(admin, project, columns, words):
    page = admin.post(url("tool_new", project), typed(**columns))

    assert words in page.content.decode()
    assert page.status_code == 422 and not Tool.objects.exists()


def test_the_rows_follow_their_buttons_and_lose_nothing(admin, project):
    form = typed(name=["day", "gone"], description=["which day", ""])

    taken = admin.post(url("tool_new", project), {**form, "rows": "take"}).context
    added = admin.post(url("tool_new", project), {**form, "rows": "add"}).context
    removed = admin.post(url("tool_new", project), {**form, "rows": "remove:0"}).context

    assert [(row.name, row.description) for row in taken["rows"]] == [
        ("order", ""),
        ("day", "which day"),
    ]
    assert [row.name for row in added["rows"]] == ["day", "gone", ""]
    assert [row.name for row in removed["rows"]] == ["gone"]
    assert taken["form"]["source"].value() == FIND and not Tool.objects.exists()


def test_the_editor_says_where_list_and_function_differ(admin, project):
    tool = factories.tool(project, FIND, parameters=[{"name": "gone"}])

    page = admin.get(url("tool_edit", project, tool_id=tool.pk))

    said = " ".join(problem.message for problem in page.context["problems"])
    assert "order is not in the list" in said and "gone, which find does not take" in said
    assert {problem.line for problem in page.context["problems"]} == {1}


def test_a_function_that_the_portal_runs_takes_conv_alone(admin, project):
    source = "def end_function(conv, order):\n    pass\n"

    page = admin.post(url("tool_new", project), values(name="end_function", source=source))

    assert "takes conv alone: nobody could give it order" in page.content.decode()
    assert not Tool.objects.exists()


@pytest.mark.parametrize(
    ("trial", "words"),
    [
        (["7", ""], "[7, None]"),
        (["", ""], "order is required: type a value"),
        (["soon", ""], "order: “soon” is no whole number"),
    ],
)
def test_a_trial_run_takes_the_arguments_that_are_typed(admin, project, trial, words):
    form = typed(name=["order", "day"], type=["integer", "date"], required=["yes", "no"])

    page = admin.post(url("tool_run", project), {**form, "parameter_trial": trial})

    assert words in html.unescape(page.content.decode())
