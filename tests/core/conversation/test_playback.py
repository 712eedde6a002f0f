import pytest

from edgevoice.core.conversation.playback import Playback, PlaybackState


def playback(state: PlaybackState) -> Playback:
    made = Playback()
    made.state = state
    return made


def test_a_burst_plays_until_it_is_drained() -> None:
    made = Playback()
    made.start(3)

    assert made.is_sounding
    assert (made.sounds(3), made.sounds(2)) == (True, False)

    made.drain()
    assert not made.is_sounding
    assert not made.sounds(3)
    assert made.has_sounded


def test_the_next_burst_replaces_the_previous_one() -> None:
    made = Playback()
    made.start(3)
    made.start(4)

    assert (made.sounds(3), made.sounds(4)) == (False, True)


def test_playback_is_ducked_once_and_restored_once() -> None:
    made = Playback()
    made.start(1)

    assert [made.duck(5), made.duck(6)] == [True, False]
    assert made.is_sounding
    assert [made.restore(), made.restore()] == [True, False]


def test_silence_is_not_ducked_but_near_speech_is_remembered_once() -> None:
    made = playback(PlaybackState.ECHO_OF_END)

    assert not made.duck(5)
    assert [made.take_near_speech(), made.take_near_speech()] == [5, None]


@pytest.mark.parametrize(
    ("drained", "echo", "quiet"),
    [
        (PlaybackState.PAUSED, PlaybackState.ECHO_OF_PART, PlaybackState.PAUSED),
        (PlaybackState.SILENT, PlaybackState.ECHO_OF_END, PlaybackState.SILENT),
    ],
)
def test_the_room_echoes_for_a_while(drained: PlaybackState, echo: PlaybackState, quiet: PlaybackState) -> None:
    made = playback(drained)
    made.echo()
    assert made.state is echo
    assert made.is_echoing

    made.end_echo()
    assert made.state is quiet


def test_a_burst_cut_in_a_pause_still_echoes_but_has_nothing_left_to_cut() -> None:
    made = playback(PlaybackState.ECHO_OF_PART)
    assert made.has_sounded

    made.silence()
    assert made.is_echoing
    assert not made.has_sounded


def test_a_burst_during_the_echo_plays() -> None:
    for state in (PlaybackState.ECHO_OF_PART, PlaybackState.ECHO_OF_END, PlaybackState.PAUSED):
        made = playback(state)
        made.start(1)
        assert made.state is PlaybackState.SOUNDING


def test_the_fence_shuts_with_the_sound_and_stays_open_after_its_end() -> None:
    cut, heard = playback(PlaybackState.DUCKED), playback(PlaybackState.PAUSED)
    cut.admit("r1")
    heard.admit("r1")
    cut.silence()
    heard.finish()

    assert (cut.admits("r1"), heard.admits("r1")) == (False, True)
    assert cut.state is heard.state is PlaybackState.SILENT


def test_a_resumed_answer_counts_as_heard_before() -> None:
    made = Playback()
    made.take_up("r1")

    assert made.admits("r1")
    assert made.has_sounded
    assert not made.is_sounding
