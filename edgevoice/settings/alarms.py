"""The settings of what the box says without being asked: ``[alarms]`` and ``[quiet]``."""

from typing import Annotated

from msgspec import Meta, Struct

from edgevoice.settings.fields import Percent, TimeOfDay


class AlarmSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How timers, alarms and reminders ring.

    volume_percent: How loud a ring becomes, whatever the volume of the answers; it begins softly.
    snooze_minutes: How long a snooze lasts, unless you say how long.
    stop_word: Whether the single words "stop" and "snooze", without the wake word, end what rings.
    """

    volume_percent: Percent = 70
    snooze_minutes: Annotated[int, Meta(ge=1, le=60)] = 9
    stop_word: bool = True


class QuietHoursSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When announcements are not spoken. Timers, alarms and reminders, which you have set yourself, still ring.

    begin: When quiet hours begin, in local time; "" for none.
    end: When they end, on the same day or the next.
    """

    begin: TimeOfDay = ""
    end: TimeOfDay = ""
