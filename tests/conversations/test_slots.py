"""Slots are shared by workspace, then project, and some are always left for whoever comes next."""

from __future__ import annotations

from conversations.ai_agent.sandbox.slots import FairSlots, Tenant


def tenant(project: str, workspace: str = "one") -> Tenant:
    return Tenant(workspace=workspace, project=project)


def take_all(slots: FairSlots, who: Tenant) -> int:
    number = 0
    while slots.try_take(who):
        number += 1
    return number


def test_one_project_leaves_most_slots_to_others():
    assert take_all(FairSlots(12), tenant("greedy")) == 4


def test_two_greedy_projects_leave_room_for_a_third_of_their_workspace_and_for_another_workspace():
    slots = FairSlots(12)
    take_all(slots, tenant("a"))
    take_all(slots, tenant("b"))

    assert slots.try_take(tenant("quiet"))
    assert slots.try_take(tenant("quiet", "another workspace"))


def test_a_workspace_of_many_projects_cannot_take_what_is_left():
    slots = FairSlots(12)
    for number in range(20):
        take_all(slots, tenant(f"project {number}"))

    assert slots.taken == 8
    assert slots.try_take(tenant("quiet", "another workspace"))


def test_a_slot_given_back_may_be_taken_again():
    slots = FairSlots(12)
    take_all(slots, tenant("greedy"))

    slots.give_back(tenant("greedy"))

    assert slots.try_take(tenant("greedy"))
    assert not slots.try_take(tenant("greedy"))


def test_where_there_is_one_slot_somebody_gets_it():
    slots = FairSlots(1)

    assert slots.try_take(tenant("a"))
    assert not slots.try_take(tenant("b", "another workspace"))
