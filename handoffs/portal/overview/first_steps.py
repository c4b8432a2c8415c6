"""The list of first steps: ticked by facts, the next one open with its button."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from handoffs.portal.overview.facts import SetUpFacts, set_up_facts
from integrations.models import Access, Area, Membership, Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step, and where it is done; `fact` names what ticks it."""

    fact: str
    title: str
    # As the headline ends: "Next: connect an integration."
    next_words: str
    about: str
    page: str
    button: str
    # None: it is the member's own, and no matter of the project.
    area: Area | None
    is_optional: bool = False


STEPS = (
    Step(
        fact="is_connected",
        title="Connect the product your live agents work in",
        next_words="connect an integration",
        about="Choose its tile, and paste what the steps ask for. A disabled one does not count.",
        page="integrations",
        button="Open Integrations",
        area=Area.INTEGRATIONS,
    ),
    Step(
        fact="is_green",
        title="Its test is green",
        next_words="make the test green",
        about="The tile names what was refused, and the cure. Test again when it is mended.",
        page="integrations",
        button="Open Integrations",
        area=Area.INTEGRATIONS,
    ),
    Step(
        fact="is_named",
        title="A destination or a tool names it",
        next_words="name it in a destination or a tool",
        about="A destination is a named place for handoffs; a tool may name the integration too.",
        page="destinations",
        button="Open Destinations",
        area=Area.INTEGRATIONS,
    ),
    Step(
        fact="is_reached",
        title="A topic or a flow leads there",
        next_words="let a topic or a flow lead there",
        about="Give a topic the phrases of people who want a live agent, and the action to do.",
        page="topics",
        button="Open Topics",
        area=Area.KNOWLEDGE,
    ),
    Step(
        fact="is_published",
        title="Published",
        next_words="publish to Sandbox",
        about="A release freezes what the AI agent knows. Until then every save acts at once.",
        page="environments",
        button="Open Environments",
        area=Area.DEPLOYMENTS,
    ),
    Step(
        fact="is_seen",
        title="Seen on your page",
        next_words="put the widget on your page",
        about="Copy the widget's tag into a page whose address the widget allows, and open it.",
        page="widget",
        button="Open Widget",
        area=Area.WIDGETS,
    ),
    Step(
        fact="is_answered",
        title="A live agent has joined",
        next_words="ask for a person, and join at the vendor",
        about="Ask for a person in the widget, and take the conversation at the vendor.",
        page="handoffs",
        button="Open Handoffs",
        area=Area.CONVERSATIONS,
    ),
    Step(
        fact="has_colleague",
        title="Invite a colleague",
        next_words="invite a colleague",
        about="Each member has rights by area, and their name in the audit.",
        page="members",
        button="Open Members",
        area=Area.ACCOUNT,
        is_optional=True,
    ),
    Step(
        fact="has_second_factor",
        title="Guard your sign-in with a second factor",
        next_words="set a second factor up",
        about="A code of your telephone besides the password, whenever you sign in.",
        page="second_factor",
        button="Set it up",
        area=None,
        is_optional=True,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """A step as it stands; `is_mine` says whether this member may do it."""

    step: Step
    is_done: bool
    is_next: bool
    is_mine: bool
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstSteps:
    """The whole list of one project."""

    steps: tuple[StepView, ...]
    headline: str
    is_done: bool


def first_steps(project: Project, membership: Membership) -> FirstSteps:
    """Return the list as it stands, the next step marked."""
    return _listed(project, set_up_facts(project, membership.user_id), membership)


def is_dismissed(project: Project, membership: Membership) -> bool:
    """Say whether the member has put the list away."""
    return project.public_id in membership.first_steps_dismissed


def first_steps_dismiss(project: Project, membership: Membership, *, is_dismissed: bool) -> None:
    """Put the list away for a member, or bring it back."""
    others = [one for one in membership.first_steps_dismissed if one != project.public_id]
    membership.first_steps_dismissed = [*others, *([project.public_id] if is_dismissed else [])]
    membership.save(update_fields=["first_steps_dismissed"])


def _listed(project: Project, facts: SetUpFacts, membership: Membership) -> FirstSteps:
    needed = [step for step in STEPS if not step.is_optional]
    missing = [step for step in STEPS if not getattr(facts, step.fact)]
    must = [step for step in missing if not step.is_optional]
    following = next(iter([*must, *missing]), None)
    done = len(needed) - len(must)
    headline = f"{done} of {len(needed)}." + (f" Next: {must[0].next_words}." if must else "")
    views = tuple(
        StepView(
            step=step,
            is_done=step not in missing,
            is_next=step is following,
            is_mine=step.area is None or membership.access(step.area) >= Access.EDIT,
            href=reverse(step.page, args=[project.public_id] if step.area else []),
        )
        for step in STEPS
    )
    return FirstSteps(steps=views, headline=headline, is_done=not must)
