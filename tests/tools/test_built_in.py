from edgevoice.settings.schema import Settings
from edgevoice.tools.built_in import built_in


class Speaker:
    volume_percent = 70


def test_every_tool_that_the_settings_enable_by_default_is_built_in() -> None:
    source = built_in(Speaker(), lambda _event: None)

    assert {tool.definition.name for tool in source.tools()} == set(Settings().tools.enabled)
