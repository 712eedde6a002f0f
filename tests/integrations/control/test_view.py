"""What is known of the box, also by a guest that was started again after it had failed."""

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.guest_facts import GuestFailed, GuestRestored
from edgevoice.core.notices import PhaseEntered, RingingBegan
from edgevoice.core.orders import MuteMicrophone
from edgevoice.integrations.control.view import BoxView, FollowedBox


def test_a_copy_goes_on_from_what_is_known_and_alone() -> None:
    followed = FollowedBox()
    for notice in (MuteMicrophone(), RingingBegan(), GuestFailed("mqtt", "x", "broken", "Mend it.")):
        followed.observe(notice, 0.0)

    view = followed.view.copy()
    assert view.fields() == followed.view.fields() != BoxView().fields()
    view.observe(PhaseEntered(Phase.LISTENING))
    view.observe(GuestRestored("mqtt"))

    assert (view.phase, followed.view.phase) == (Phase.LISTENING, Phase.IDLE)
    assert ([*view.failing], [*followed.view.failing]) == ([], ["mqtt"])
    assert view.is_muted
