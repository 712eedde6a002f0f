"""A client's own tools are found by name in any case style, or by their description."""

import pytest

from edgevoice.local.mind.tool_kinds import DeclaredTool, ToolKind, find, in_words, kind_of, parameter


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("get_current_time", "get current time"),
        ("getCurrentTime", "get current time"),
        ("GetCurrentTime", "get current time"),
        ("get-current-time", "get current time"),
        ("GET_CURRENT_TIME", "get current time"),
        ("get.current.time", "get current time"),
        ("getHTTPTime2", "get http time2"),
    ],
)
def test_a_name_is_read_in_any_case_style(name: str, words: str) -> None:
    assert in_words(name) == words


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (
            ToolKind.CLOCK,
            "getCurrentTime get-current-time GetCurrentTime current_time getTime time clock what_time_is_it tell_time",
        ),
        (
            ToolKind.CLOCK,
            "get_date get_current_datetime getDateAndTime getTimeAndDate currentDate fetchLocalTime time_now",
        ),
        (ToolKind.VOLUME, "setVolume set-volume SetVolume volume change_volume adjustSpeakerVolume setVolumeLevel"),
        (ToolKind.TIMER, "setTimer start_timer createTimer add-timer StartKitchenTimer timer start_countdown_timer"),
        (ToolKind.CANCEL, "cancelTimers cancel-timer stop_timer deleteAllTimers clear_timers CancelTheTimer"),
        (
            ToolKind.END,
            "endConversation end_call hangUp hang_up hangup endSession finish_conversation goodbye sayGoodbye",
        ),
    ],
)
def test_a_tool_is_found_by_its_name(kind: ToolKind, names: str) -> None:
    for name in names.split():
        assert kind_of(name, {}) is kind, name
        assert find(kind, {"other": DeclaredTool(), name: DeclaredTool()}) == name
        assert [other for other in ToolKind if find(other, {name: DeclaredTool()})] == [kind], name


@pytest.mark.parametrize(
    "name",
    [
        *("get_volume", "volume_up", "get_timezone", "get_time_in_city", "get_weather", "timer_list", "get_timers"),
        *("runtime", "time_travel", "unset_timer", "extend_timer", "end", "update", "validate", "start_call"),
        *("cancel_order", "stop_music", "end_date", "start_time", "uptime"),
    ],
)
def test_a_name_that_only_sounds_alike_is_another_tool(name: str) -> None:
    assert kind_of(name, {}) is None
    assert not [kind for kind in ToolKind if find(kind, {name: DeclaredTool()})]


@pytest.mark.parametrize(
    ("kind", "tool"),
    [
        (ToolKind.CLOCK, DeclaredTool(description="Returns the current local time.")),
        (ToolKind.CLOCK, DeclaredTool(description="Get the current date and time in the user's timezone.")),
        (ToolKind.CLOCK, DeclaredTool(frozenset({"timeZone"}), "Tells the time.")),
        (ToolKind.CLOCK, DeclaredTool(description="Use this when the user asks what time it is.")),
        (ToolKind.VOLUME, DeclaredTool(frozenset({"level"}), "Adjust the loudspeaker's volume.")),
        (ToolKind.TIMER, DeclaredTool(frozenset({"durationSeconds"}), "Starts a countdown.")),
        (ToolKind.TIMER, DeclaredTool(frozenset({"minutes"}), "Set a kitchen timer")),
        (ToolKind.CANCEL, DeclaredTool(description="Cancels every running timer.")),
        (ToolKind.END, DeclaredTool(description="Hang up and end the current call.")),
    ],
)
def test_a_tool_is_found_by_what_it_says_it_does(kind: ToolKind, tool: DeclaredTool) -> None:
    assert find(kind, {"x7": tool}) == "x7"
    assert kind_of("x7", {"x7": tool}) is kind
    assert kind_of("x7", {}) is None


@pytest.mark.parametrize(
    "tool",
    [
        DeclaredTool(frozenset({"city"}), "Get the current local time and weather for a city."),
        DeclaredTool(frozenset({"city"}), "Tells the time in a city."),
        DeclaredTool(description="Get the current weather at the present time."),
        DeclaredTool(description="Converts the current time to another zone."),
        DeclaredTool(description="Sets the volume."),
        DeclaredTool(frozenset({"recipe"}), "Starts a timer for a recipe."),
        DeclaredTool(description="Return all running timers."),
        DeclaredTool(description="Every time of need"),
        DeclaredTool(description="Set what " * 30_000),
        DeclaredTool(),
    ],
)
def test_unclear_descriptions_and_unknown_parameters_are_not_guessed(tool: DeclaredTool) -> None:
    assert not [kind for kind in ToolKind if find(kind, {"x7": tool})]


def test_our_own_tool_name_wins_then_any_name_then_a_description() -> None:
    described = DeclaredTool(description="Returns the current time.")
    assert (
        find(ToolKind.CLOCK, {"x": described, "getTime": DeclaredTool(), "get_current_time": DeclaredTool()})
        == "get_current_time"
    )
    assert find(ToolKind.CLOCK, {"x": described, "getTime": DeclaredTool()}) == "getTime"
    assert find(ToolKind.CLOCK, {"get_weather": DeclaredTool(), "x": described}) == "x"


def test_a_description_does_not_override_what_a_tools_name_says() -> None:
    odd = DeclaredTool(
        frozenset({"seconds"}), "Set a timer; cancel it with cancel_timers when you end the conversation."
    )

    assert find(ToolKind.CANCEL, {"set_timer": odd}) is None
    assert find(ToolKind.END, {"set_timer": odd}) is None


@pytest.mark.parametrize(
    ("meaning", "properties", "name"),
    [
        ("seconds", {"seconds", "label"}, "seconds"),
        ("seconds", {"durationSeconds"}, "durationSeconds"),
        ("seconds", {"duration", "seconds"}, "seconds"),
        ("minutes", {"duration_minutes"}, "duration_minutes"),
        ("percent", {"volumeLevel"}, "volumeLevel"),
        ("change", {"delta"}, "delta"),
        ("label", {"Name"}, "Name"),
        ("seconds", {"recipe"}, None),
    ],
)
def test_a_parameter_is_found_by_what_it_means(meaning: str, properties: set[str], name: str | None) -> None:
    assert parameter(meaning, DeclaredTool(frozenset(properties))) == name
